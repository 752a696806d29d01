// Files that a mapping changes: on the way, at a second run, in verification, and where they are needed to be of use.
import { expect, it } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import type { MemoryPlace } from "../../src/adapters/memory/memory.ts";
import { MigrationError } from "../../src/errors.ts";
import { createFileFilter } from "../../src/model/file-filter.ts";
import type { MappingFile } from "../../src/model/mapping.ts";
import { keyOf, versionKey } from "../../src/model/keys.ts";
import { unreadable } from "../fakes/unreadable.ts";
import { byState, experiment, job, model, run, runJob, verifyJob, version } from "./registry.ts";

const signal = new AbortController().signal;
const CHANNELS: MappingFile = { conda_channels: { defaults: "conda-forge" } };
const CONDA = "channels:\n- defaults\ndependencies:\n- pip\n";

function jobWith(source: MemoryPlace, target: MemoryPlace, mapping: MappingFile, onLoss: "refuse" | "drop" = "refuse") {
  return job(source, target, { mapping, onLoss });
}

async function filesOf(place: MemoryPlace, key: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const entity of (await place.select({ includeDeleted: true }, signal)).entities(signal)) {
    if (entity.key !== key || (entity.kind !== "run" && entity.kind !== "model-version")) continue;
    const reader = place.artifacts(entity, signal);
    for await (const file of reader.list()) {
      let text = "";
      for await (const chunk of reader.open(file)) text += Buffer.from(chunk).toString();
      found[file.path] = text;
    }
  }
  return found;
}

it("arrive changed with their originals beside them, are not sent again, and are what verification expects", async () => {
  const source = createMemory({ newIds: false });
  source.load(experiment("1"));
  const id = "a".repeat(32);
  source.load(run(id), {
    files: { "model/conda.yaml": CONDA, "model/conda.yaml.before-mlferry": "mine", "model/MLmodel": "flavors: {}", "conda.yaml": "no: 1" },
  });
  const target = createMemory({ newIds: false });
  await runJob(jobWith(source, target, CHANNELS));
  const files = await filesOf(target, keyOf("run", id));
  expect(files).toEqual({
    "model/conda.yaml": CONDA.replace("defaults", "conda-forge"),
    "model/conda.yaml.before-mlferry": "mine",
    "model/conda.yaml.before-mlferry_": CONDA,
    "model/MLmodel": "flavors: {}",
    "conda.yaml": "no: 1",
  });
  expect((await verifyJob(jobWith(source, target, CHANNELS))).flatMap(({ findings }) => findings)).toEqual([]);
  expect(Object.keys(byState(await runJob(jobWith(source, target, CHANNELS))))).toEqual(["skipped"]);
  const plain = (await verifyJob(jobWith(source, target, {}))).flatMap(({ findings }) => findings.map(({ field }) => field));
  expect(plain.sort()).toEqual(["files/model/conda.yaml", "files/model/conda.yaml.before-mlferry_"]);
});

it("change at a target where a job without the rules, or with others, was before, and change back", async () => {
  const source = createMemory({ newIds: false });
  source.load(model("churn"));
  source.load(version("churn", 1), { files: { MLmodel: "", "conda.yaml": CONDA } });
  source.load(version("churn", 2), { files: { MLmodel: "", "conda.yaml": CONDA.replace("defaults", "nodefaults") } });
  const target = createMemory({ newIds: false });
  await runJob(jobWith(source, target, {}));
  for (const [mapping, channel] of [
    [CHANNELS, "conda-forge"],
    [{ conda_channels: { defaults: "ours" } }, "ours"],
    [{}, "defaults"],
  ] as const) {
    expect(byState(await runJob(jobWith(source, target, mapping))).done).toEqual([versionKey("churn", 1)]);
    expect((await filesOf(target, versionKey("churn", 1)))["conda.yaml"]).toBe(CONDA.replace("defaults", channel));
    expect(Object.keys(byState(await runJob(jobWith(source, target, mapping))))).toEqual(["skipped"]);
  }
});

it("have their originals go the way of the file itself under a filter", async () => {
  const source = createMemory({ newIds: false });
  source.load(model("churn"));
  source.load(version("churn", 1), { files: { MLmodel: "", "conda.yaml": CONDA } });
  const target = createMemory({ newIds: false });
  await runJob(job(source, target, { mapping: CHANNELS, files: createFileFilter({ artifacts: ["*conda.yaml"] }) }));
  expect(Object.keys(await filesOf(target, versionKey("churn", 1))).sort()).toEqual(["conda.yaml", "conda.yaml.before-mlferry"]);
});

it("stay as they are where they are no text, and are a loss of their own where they cannot be read", async () => {
  const place = createMemory({ newIds: false });
  place.load(model("churn"));
  place.load(version("churn", 1), { files: { MLmodel: "", "conda.yaml": CONDA } });
  const failing = (fails: boolean): MemoryPlace => ({
    ...place,
    artifacts: (owner) => ({
      async *list() {
        for await (const { path } of place.artifacts(owner, signal).list()) yield { path };
      },
      async *open({ path }) {
        await Promise.resolve();
        if (path !== "conda.yaml") return;
        if (fails) throw new MigrationError("ARTIFACT_UNREADABLE", "gone");
        yield Buffer.from(`${CONDA}# Zürich`, "latin1");
      },
    }),
  });
  const target = createMemory({ newIds: false });
  await runJob(jobWith(failing(false), target, CHANNELS));
  expect(Object.keys(await filesOf(target, versionKey("churn", 1)))).toEqual(["MLmodel", "conda.yaml"]);
  const [, moved] = await runJob(jobWith(failing(true), createMemory({ newIds: false }), CHANNELS));
  expect(moved?.fileLosses).toMatchObject([{ path: "conda.yaml", code: "ARTIFACT_UNREADABLE", reason: "gone" }]);
});

const LOOKUP = "flavors: {python_function: {loader_module: databricks.feature_store.mlflow_model}}";
const SPEC = "input_columns:\n- spend: {table_name: hive_metastore.fs.users}\n- rate: {table_name: fs.rates}\n";

function withLookups(spec = SPEC): MemoryPlace {
  const source = createMemory({ newIds: false });
  source.load(model("churn"));
  source.load(version("churn", 1), { files: { MLmodel: LOOKUP, "data/feature_store/feature_spec.yaml": spec } });
  return source;
}

const catalog = (): MemoryPlace => createMemory({ capabilities: { tablesMustBeMapped: true } });
const TABLES = {
  tables: [
    { from: "hive_metastore.*", to: "main.*" },
    { from: "fs.rates", to: "fs.rates" },
  ],
};

it.each<[string, MappingFile, string, string]>([
  ["a table has no rule", { tables: [{ from: "fs.rates", to: "main.fs.rates" }] }, SPEC, "no rule for hive_metastore.fs.users"],
  ["no table has a rule", {}, SPEC, "no rule for hive_metastore.fs.users, fs.rates"],
  ["its specification cannot be read", TABLES, "- [", "its data/feature_store/feature_spec.yaml cannot be read"],
])("a version that looks up features is left out where %s", async (_what, mapping, spec, reason) => {
  const outcomes = await runJob(jobWith(withLookups(spec), catalog(), mapping));
  expect(outcomes.map(({ state }) => state)).toEqual(["done", "refused"]);
  expect(outcomes[1]?.error).toMatchObject({ code: "LOSS_REFUSED", message: expect.stringContaining(`(${reason})`) as string });
});

it("it moves with its tables renamed where each has a rule, as it is where the user agrees, and anywhere else", async () => {
  const mapped = catalog();
  await runJob(jobWith(withLookups(), mapped, TABLES));
  const path = "data/feature_store/feature_spec.yaml";
  const files = await filesOf(mapped, versionKey("churn", 1));
  expect(files[path]).toBe(SPEC.replace("hive_metastore.", "main."));
  expect(files[`${path}.before-mlferry`]).toBe(SPEC);
  const agreed = catalog();
  await runJob(jobWith(withLookups(), agreed, {}, "drop"));
  expect(await filesOf(agreed, versionKey("churn", 1))).toMatchObject({ [path]: SPEC });
  expect(Object.keys(byState(await runJob(jobWith(withLookups(), createMemory(), {}))))).toEqual(["done"]);
});

it("a version whose description cannot be read is not taken for one that looks up nothing", async () => {
  const target = catalog();
  const { source } = unreadable(withLookups(), [`${versionKey("churn", 1)} MLmodel`]);
  const outcomes = await runJob(job(source, target));
  expect(outcomes.map(({ state, error }) => [state, error?.code])).toEqual([
    ["done", undefined],
    ["failed", "ARTIFACT_UNREADABLE"],
  ]);
});
