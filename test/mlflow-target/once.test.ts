// Creates that must not happen twice.
import { describe, expect, it } from "vitest";
import { createOnce } from "../../src/adapters/mlflow/target-once.ts";
import { MigrationError } from "../../src/errors.ts";

const lost = (): MigrationError => new MigrationError("OUTCOME_UNKNOWN", "no answer");

/** `answers`: what each request does. `found`: what is there when it is looked for the first, second… time. */
async function create(
  answers: readonly (string | MigrationError)[],
  found: readonly (string | undefined)[] = [],
): Promise<{ result: unknown; sent: number }> {
  let sent = 0;
  let looked = 0;
  const result = await createOnce({
    what: "a thing",
    send: async () => {
      const answer = answers[sent];
      sent += 1;
      if (answer === undefined || answer instanceof MigrationError) throw answer ?? new Error("asked too often");
      return answer;
    },
    look: async () => found[looked++],
  }).catch((thrown: unknown) => thrown);
  return { result, sent };
}

describe("a create whose answer is lost", () => {
  it("uses what the lost request made", async () => {
    expect(await create([lost()], ["made"])).toEqual({ result: "made", sent: 1 });
  });

  it("is sent again when nothing was made", async () => {
    expect(await create([lost(), "second"], [undefined])).toEqual({ result: "second", sent: 2 });
  });

  it("gives up after three requests, with a hint", async () => {
    const { result, sent } = await create([lost(), lost(), lost()]);
    expect(sent).toBe(3);
    expect(result).toMatchObject({
      code: "OUTCOME_UNKNOWN",
      message: expect.stringContaining("a thing") as string,
      hint: expect.any(String) as string,
    });
  });

  it("is not looked for when the server refused", async () => {
    const refused = new MigrationError("REQUEST_FAILED", "no");
    expect(await create([refused], ["other"])).toEqual({ result: refused, sent: 1 });
  });
});
