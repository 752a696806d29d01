import fc from "fast-check";
import { expect, it } from "vitest";
import { parseJson } from "../../src/http/json.ts";
import { readItems } from "../../src/http/json-items.ts";
import { answer, clientOf, errorOf, never, serve } from "./scripted-server.ts";

async function* cut(text: string, bytes: number): AsyncGenerator<Uint8Array> {
  const all = Buffer.from(text);
  for (let at = 0; at < all.length; at += bytes) yield all.subarray(at, at + bytes);
}

async function read(text: string, bytes: number): Promise<{ items: unknown[]; rest: unknown }> {
  const items: unknown[] = [];
  const rest = await readItems(cut(text, bytes), (some) => items.push(...some));
  return { items, rest };
}

it("items are those of the array, however the text is cut, and the rest is the object without them", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.jsonValue()),
      fc.string(),
      fc.integer({ min: 1, max: 40 }),
      fc.boolean(),
      async (all, token, bytes, wide) => {
        const text = JSON.stringify(
          { before: token, metrics: all, next_page_token: token, nested: { a: [1, [2]] } },
          undefined,
          wide ? 2 : 0,
        );
        const { items, rest } = await read(text, bytes);
        expect(items).toEqual((parseJson(text) as { metrics: unknown[] }).metrics);
        expect(rest).toEqual({ before: token, metrics: [], next_page_token: token, nested: { a: [1, [2]] } });
      },
    ),
  );
});

it("long integers and bare NaN stay what they are", async () => {
  expect((await read('{"metrics": [{"step": 9223372036854775807, "value": NaN}]}', 7)).items).toEqual([
    { step: "9223372036854775807", value: "NaN" },
  ]);
});

it("an answer without an array, or a broken one, is told", async () => {
  expect(await read("{}", 1)).toEqual({ items: [], rest: {} });
  await expect(read('{"metrics": [{"step": 1}', 5)).rejects.toThrow(SyntaxError);
  await expect(read('{"metrics": [{"step": 1x}]}', 5)).rejects.toThrow(SyntaxError);
});

it("a client begins anew with each attempt, and says what is no JSON", async () => {
  const broken = (text: string): ReturnType<typeof answer> => answer(200, text, { "content-length": String(text.length + 1) });
  const server = await serve(
    broken('{"metrics":[{"a":1},{"a":2}'),
    answer(200, '{"metrics":[{"a":1}],"next_page_token":"x"}'),
    answer(200, "nonsense"),
  );
  const client = clientOf(server.url);
  const attempts: unknown[][] = [];
  const begin = (): ((items: readonly unknown[]) => void) => {
    const items: unknown[] = [];
    attempts.push(items);
    return (some) => void items.push(...some);
  };
  expect(await client.items({ path: "/history" }, begin, never)).toEqual({ metrics: [], next_page_token: "x" });
  expect(attempts.at(-1)).toEqual([{ a: 1 }]);
  expect(attempts).toHaveLength(2);
  expect(await errorOf(client.items({ path: "/history" }, begin, never))).toMatchObject({ code: "REQUEST_FAILED" });
});
