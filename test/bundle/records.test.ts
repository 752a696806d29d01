// Every entity comes back from its line as it was, whatever values it holds.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromPoint, toEntity, toPoint, toRecord } from "../../src/adapters/bundle/convert.ts";
import { parseRecord } from "../../src/adapters/bundle/record-index.ts";
import { FILE_PATH, pointSchema } from "../../src/adapters/bundle/records.ts";
import { bundleCapabilities } from "../../src/adapters/bundle/capabilities.ts";
import type { DatasetInput, Entity, EntityKey, MetricPoint, Tags } from "../../src/model/entities.ts";
import { KINDS, STAGES } from "../../src/model/entities.ts";
import { keyOf } from "../../src/model/keys.ts";

const text = fc.string({ unit: "binary", maxLength: 20 });
const awkward = fc.oneof(text, fc.constantFrom("__proto__", "constructor", "toString", "", "0", "\ud800", "a\u2028b\nc"));
const whole = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n });
const double = fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, -0, 5e-324, Number.MAX_VALUE));
const tags: fc.Arbitrary<Tags> = fc.array(fc.tuple(awkward, awkward), { maxLength: 5 }).map((pairs) => new Map(pairs));
const keys: fc.Arbitrary<EntityKey[]> = fc.array(
  fc.tuple(fc.constantFrom(...KINDS), awkward).map(([kind, id]) => keyOf(kind, id)),
  { maxLength: 3 },
);
const key = (kind: (typeof KINDS)[number]): fc.Arbitrary<EntityKey> => awkward.map((id) => keyOf(kind, id));
const plain = <T>(model: { [P in keyof T]: fc.Arbitrary<T[P]> }): fc.Arbitrary<T> => fc.record<T>(model, { noNullPrototype: true });
const point: fc.Arbitrary<MetricPoint> = plain({ key: awkward, value: double, step: whole, timestamp: whole });
const node = <K extends Entity["kind"]>(kind: K) => ({
  kind: fc.constant(kind),
  key: key(kind),
  needs: keys,
  mayReference: keys,
  provenance: tags,
});

function optional<T extends object, O extends object>(
  required: { [P in keyof T]: fc.Arbitrary<T[P]> },
  others: { [P in keyof O]: fc.Arbitrary<O[P]> },
) {
  const every = { ...required, ...others };
  return fc.record(every, { requiredKeys: Object.keys(required) as never[], noNullPrototype: true }) as fc.Arbitrary<T & Partial<O>>;
}

const dataset = optional(
  { name: awkward, digest: awkward, sourceType: awkward, source: awkward, tags },
  { schema: fc.oneof(awkward, fc.constant("ü".repeat(40_000))), profile: fc.constantFrom("\ud800".repeat(70_000), "x".repeat(65_537)) },
) as fc.Arbitrary<DatasetInput>;

const ofVersion = { model: awkward, version: fc.integer({ min: 1 }) };
const history = optional({ state: fc.constantFrom("complete", "partial", "unavailable") }, { since: whole, reason: awkward });

const entity = fc.oneof(
  optional({ ...node("experiment"), name: awkward, tags, deleted: fc.boolean() }, { createdAt: whole }),
  optional(
    {
      ...node("run"),
      experiment: key("experiment"),
      name: awkward,
      user: awkward,
      status: fc.constantFrom("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"),
      params: tags,
      tags,
      latestMetrics: fc.array(point, { maxLength: 4 }).map((points) => new Map(points.map((one) => [one.key, one]))),
      datasets: fc.array(dataset, { maxLength: 2 }),
      deleted: fc.boolean(),
    },
    { startTime: whole, endTime: whole },
  ),
  optional(
    {
      ...node("logged-model"),
      experiment: key("experiment"),
      name: awkward,
      status: fc.constantFrom("PENDING", "READY", "UPLOAD_FAILED"),
      params: tags,
      tags,
      metrics: fc.array(
        optional(
          { key: awkward, value: double, step: whole, timestamp: whole },
          { run: key("run"), datasetName: awkward, datasetDigest: awkward },
        ),
        { maxLength: 3 },
      ),
      outputOf: fc.array(plain({ run: key("run"), step: whole }), { maxLength: 2 }),
      inputOf: fc.array(key("run"), { maxLength: 2 }),
    },
    { modelType: awkward, sourceRun: key("run"), createdAt: whole },
  ),
  optional({ ...node("registered-model"), name: awkward, tags }, { description: awkward, createdAt: whole }),
  optional(
    {
      ...node("model-version"),
      model: awkward,
      version: fc.integer({ min: 1 }),
      tags,
      stage: fc.constantFrom("None", "Staging", "Production", "Archived"),
      files: fc.oneof(
        plain({ owner: fc.constantFrom("run", "logged-model"), key: key("run"), path: awkward }),
        plain({ owner: fc.constant("version"), key: key("model-version") }),
        plain({ owner: fc.constant("own") }),
      ),
      sourceUri: awkward,
    },
    { description: awkward, run: key("run"), runLink: awkward, createdAt: whole, user: awkward, history },
  ),
  optional(
    {
      ...node("stage-transition"),
      ...ofVersion,
      from: fc.constantFrom(...STAGES),
      to: fc.constantFrom(...STAGES),
      at: whole,
      bySystem: fc.boolean(),
    },
    { user: awkward, comment: awkward },
  ),
  optional({ ...node("comment"), ...ofVersion, text: awkward, createdAt: whole }, { user: awkward, updatedAt: whole }),
  optional(
    { ...node("transition-request"), ...ofVersion, to: fc.constantFrom(...STAGES), createdAt: whole },
    { user: awkward, comment: awkward },
  ),
  plain({
    ...node("permission"),
    object: fc.oneof(key("experiment"), fc.constant("registry")),
    entries: fc.array(plain({ kind: fc.constantFrom("user", "group", "service-principal"), name: awkward, level: awkward })),
  }),
  optional(
    {
      ...node("webhook"),
      events: fc.array(awkward),
      status: fc.constantFrom("ACTIVE", "DISABLED", "TEST_MODE"),
      target: fc.oneof(plain({ url: awkward, verifiesTls: fc.boolean() }), optional({ jobId: awkward }, { workspaceUrl: awkward })),
    },
    { model: awkward, description: awkward },
  ),
  plain({ ...node("alias"), model: awkward, alias: awkward, version: fc.integer({ min: 1 }) }),
) as fc.Arbitrary<Entity>;

describe("a line of a bundle", () => {
  it("gives back every entity as it was", async () => {
    await fc.assert(
      fc.asyncProperty(entity, async (original) => {
        const blobs = new Map<string, string>();
        const store = (long: string): Promise<{ blob: string; size: number }> => {
          const blob = blobs.size.toString(16).padStart(64, "0");
          blobs.set(blob, Buffer.from(long).toString("utf8"));
          return Promise.resolve({ blob, size: Buffer.byteLength(long) });
        };
        const entityRecord = await toRecord(original, store);
        const contents = ["run", "logged-model", "model-version"].includes(original.kind) ? { files: [] } : {};
        const record = parseRecord(original.kind, Buffer.from(JSON.stringify({ entity: entityRecord, ...contents })));
        if (typeof record === "string") throw new Error(record);
        const back = await toEntity(record.entity, (blob) => Promise.resolve(blobs.get(blob) ?? "missing"));
        expect(back).toStrictEqual(original);
      }),
      { numRuns: 300 },
    );
  });

  it("gives back every metric point as it was", () => {
    fc.assert(
      fc.property(point, (original) => {
        const back = fromPoint(pointSchema.parse(JSON.parse(JSON.stringify(toPoint(original)))));
        expect(back).toStrictEqual(original);
      }),
    );
  });

  it("is the same for the same tags in another order", async () => {
    const node = {
      kind: "registered-model",
      key: keyOf("registered-model", "m"),
      needs: [],
      mayReference: [],
      provenance: new Map(),
      name: "m",
    } as const;
    const never = (): Promise<never> => Promise.reject(new Error("no text is long"));
    const one = await toRecord(
      {
        ...node,
        tags: new Map([
          ["b", "1"],
          ["a", "2"],
        ]),
      },
      never,
    );
    const other = await toRecord(
      {
        ...node,
        tags: new Map([
          ["a", "2"],
          ["b", "1"],
        ]),
      },
      never,
    );
    expect(JSON.stringify(one)).toBe(JSON.stringify(other));
  });
});

describe("the path of a file", () => {
  const refuses = bundleCapabilities().filePathRefuses?.pattern;
  const check = (path: string, expected: boolean): void => {
    expect(FILE_PATH.test(path), path).toBe(expected);
    expect(refuses?.test(path), path).toBe(!expected);
  };

  it("may hold anything but what leads elsewhere", () => {
    for (const path of ["a", "a/b", ".hidden", "..a", "a..", "...", "a b", "ü/模型", "back\\slash", "line\nbreak/x", "-rf"])
      check(path, true);
    for (const path of ["", "/", "/a", "a/", "a//b", ".", "..", "./a", "a/./b", "../a", "a/..", "a\n/../b", "a\0b"]) check(path, false);
  });
});
