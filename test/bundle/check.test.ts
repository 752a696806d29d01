// The offline check tells everything that is wrong with a bundle, and counts what is there.
import { join } from "node:path";
import { expect, it } from "vitest";
import { checkBundle } from "../../src/adapters/bundle/check.ts";
import type { CheckCounts } from "../../src/adapters/bundle/check.ts";
import { createBundleTarget } from "../../src/adapters/bundle/target.ts";
import { KINDS } from "../../src/model/entities.ts";
import { OPTIONS, ferryTo, never, smallRegistry, testFolder, writeBundle } from "./rig.ts";
import { readTar, replaced, withTrueManifest, writeTar } from "./tar-kit.ts";
import type { Part } from "./tar-kit.ts";

async function checked(path: string): Promise<{ problems: string[]; counts: CheckCounts }> {
  const check = checkBundle(path, { signal: never });
  const problems: string[] = [];
  for await (const { member, problem } of check) problems.push(`${member}: ${problem}`);
  return { problems, counts: check.counts };
}

/** A bundle without compression whose parts went through `change`. */
async function changed(change: (parts: Part[]) => readonly Part[]): Promise<string> {
  const path = join(await testFolder(), "b.tar");
  await writeBundle(path, smallRegistry(), { compression: "none" });
  await writeTar(path, change(await readTar(path)));
  return path;
}

const lineWithout =
  (text: string) =>
  (bytes: Buffer): string =>
    bytes
      .toString()
      .split("\n")
      .filter((line) => !line.includes(text))
      .join("\n");

it("counts the objects and contents of a sound bundle", async () => {
  const path = join(await testFolder(), "b.tar");
  await writeBundle(path);
  const { problems, counts } = await checked(path);
  const sizes = (await readTar(path)).map(({ bytes }) => bytes.length);
  expect(problems).toEqual([]);
  expect(counts).toEqual({
    entities: {
      experiment: 1,
      run: 2,
      "logged-model": 1,
      "registered-model": 1,
      "model-version": 2,
      "stage-transition": 2,
      comment: 1,
      "transition-request": 1,
      alias: 1,
      permission: 1,
      webhook: 1,
    },
    blobs: sizes.length - 2 - KINDS.length,
    sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
    unused: { blobs: 0, sizeBytes: 0 },
    losses: 0,
  });
});

it("tells every problem, not only the first", async () => {
  const path = await changed((parts) => {
    const [, blob, other] = parts;
    if (blob === undefined || other === undefined) throw new Error("no blobs");
    const flipped = Buffer.from(blob.bytes);
    flipped[0] = (flipped[0] ?? 0) ^ 1;
    const without = parts.filter(({ name }) => name !== other.name);
    return replaced(
      replaced(without, blob.name, () => flipped),
      "entities/alias.jsonl",
      (bytes) => bytes.toString().replace("champion", "champiom"),
    );
  });
  const { problems } = await checked(path);
  expect(problems.filter((problem) => problem.includes("is missing"))).toHaveLength(2);
  expect(problems).toContainEqual(expect.stringContaining("has other bytes than its name says"));
  expect(problems).toContainEqual("entities/alias.jsonl: has another digest than the manifest says");
});

it("tells which needed objects are not there", async () => {
  const path = await changed((parts) => withTrueManifest(replaced(parts, "entities/registered-model.jsonl", lineWithout("churn"))));
  const { problems } = await checked(path);
  expect(problems).toContain("entities/registered-model.jsonl: has 0 lines instead of 1");
  expect(problems).toContain(
    "entities/model-version.jsonl: model-version:churn/1 needs registered-model:churn, which is not in the bundle",
  );
});

it("tells when a history has other points than its run says", async () => {
  const path = await changed((parts) =>
    withTrueManifest(replaced(parts, "entities/run.jsonl", (bytes) => bytes.toString().replace('"points":3', '"points":4'))),
  );
  expect((await checked(path)).problems).toEqual([
    expect.stringMatching(/^blobs\/sha256\/\w+: the metric history of run:\w+ has 3 points instead of 4$/),
  ]);
});

it("tells of an altered history that its bytes are others, once, however early it can no longer be read", async () => {
  for (const at of [0, 1, 20]) {
    const path = await changed((parts) => replaced(parts, historyOf(parts), (bytes) => Buffer.from(bytes).fill("x", at, at + 1)));
    const name = historyOf(await readTar(path));
    expect((await checked(path)).problems).toEqual([`${name}: has other bytes than its name says`]);
  }
});

function historyOf(parts: readonly Part[]): string {
  const lines = parts.find(({ name }) => name === "entities/run.jsonl")?.bytes.toString() ?? "";
  return `blobs/sha256/${/"metrics":\{"blob":"(\w+)"/.exec(lines)?.[1] ?? ""}`;
}

it("counts contents that no line names, and does not mind them", async () => {
  const path = join(await testFolder(), "b.tar");
  const [home, made] = smallRegistry();
  if (home === undefined || made === undefined) throw new Error("the registry is empty");
  const target = await createBundleTarget(path, OPTIONS);
  const ferry = ferryTo(target);
  await ferry.put(home);
  const content = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from("never to be named");
  };
  const cutOff = async (send: (file: { path: string }, open: () => AsyncIterable<Uint8Array>) => Promise<void>): Promise<void> => {
    await send({ path: "a" }, content);
    throw new Error("cut off");
  };
  await expect(ferry.put(made, { files: cutOff })).rejects.toThrow("cut off");
  await target.finish({ losses: [{ key: "run:x", field: "", reason: "cut off" }], notCarried: [] });
  await target.close();
  const { problems, counts } = await checked(path);
  expect(problems).toEqual([]);
  expect(counts).toMatchObject({ unused: { blobs: 1, sizeBytes: 17 }, losses: 1 });
});

it("stops when it is told to", async () => {
  const path = join(await testFolder(), "b.tar");
  await writeBundle(path);
  const check = checkBundle(path, { signal: AbortSignal.abort() })[Symbol.asyncIterator]();
  await expect(check.next()).rejects.toMatchObject({ code: "INTERRUPTED" });
});
