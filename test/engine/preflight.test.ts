import { expect, test } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import type { MemoryPlace } from "../../src/adapters/memory/memory.ts";
import { unityCatalogCapabilities } from "../../src/adapters/unity-catalog/capabilities.ts";
import { lookInto } from "../../src/engine/preflight-content.ts";
import { nameFindings, takenNames, targetFindings } from "../../src/engine/preflight-names.ts";
import { prepare } from "../../src/engine/preflight.ts";
import { MigrationError } from "../../src/errors.ts";
import type { MappingFile } from "../../src/model/mapping.ts";
import { keyOf, versionKey } from "../../src/model/keys.ts";
import type { Target } from "../../src/ports/target.ts";
import { collect, experiment, job, model, ORIGIN, run, version } from "./registry.ts";

const SIGNED = `signature: {inputs: '[1]', outputs: '[1]'}\n`;

function source(names: readonly string[]): MemoryPlace {
  const place = createMemory({ origin: ORIGIN, uri: "memory:source", newIds: false });
  for (const name of names) place.load(model(name));
  return place;
}

const catalog = (): MemoryPlace => createMemory({ capabilities: unityCatalogCapabilities });

async function prepared(from: MemoryPlace, target: Target, mapping: MappingFile = { schema: "ml.prod" }) {
  return prepare(job(from, target, { mapping }), { names: "leave" });
}

test("every name that is illegal or collides is told, not only the first", async () => {
  const mapping = {
    models: [
      { from: "[ab]", to: "x.y.Z" },
      { from: "*", to: "x.y.*" },
    ],
  };
  const found = nameFindings(await prepared(source(["a", "b", "c d", "e/f", "fine"]), catalog(), mapping));
  expect(found.map(({ code, keys }) => [code, ...keys])).toEqual([
    ["NAME_ILLEGAL", "registered-model:a"],
    ["NAME_ILLEGAL", "registered-model:b"],
    ["NAME_ILLEGAL", "registered-model:c d"],
    ["NAME_ILLEGAL", "registered-model:e/f"],
    ["MAPPING_COLLISION", "registered-model:a", "registered-model:b"],
  ]);
});

test("names that differ only in what a schema makes alike are collisions", async () => {
  const found = nameFindings(await prepared(source(["Churn", "churn", "churn "]), catalog()));
  expect(found).toEqual([
    {
      code: "MAPPING_COLLISION",
      keys: ["registered-model:Churn", "registered-model:churn", "registered-model:churn "],
      message: '"Churn" and "churn" and "churn " would both become "ml.prod.churn"',
    },
  ]);
});

test("all models from elsewhere that hold a name are told", async () => {
  const target = catalog();
  for (const name of ["ml.prod.a", "ml.prod.b"]) target.load(model(name));
  const found = await takenNames(await prepared(source(["a", "b", "c"]), target));
  expect(found.map(({ code, keys }) => [code, ...keys]).sort()).toEqual([
    ["NAME_TAKEN", "registered-model:a"],
    ["NAME_TAKEN", "registered-model:b"],
  ]);
});

test("what a target says of itself is asked for with the names that are to be there", async () => {
  const asked: unknown[] = [];
  const target: Target = {
    ...catalog(),
    async *preflight(names) {
      asked.push(names);
      await Promise.resolve();
      yield { name: "schema", state: "ok", says: "ml.dev is there" };
      yield { name: "schema", state: "fail", says: "ml.prod is missing", hint: "CREATE SCHEMA ml.prod" };
      yield { name: "quota", state: "warn", says: "9 of 10 models" };
    },
  };
  expect(await targetFindings(await prepared(source(["a"]), target))).toEqual([
    { code: "TARGET_CHECK", keys: [], message: "schema: ml.prod is missing", hint: "CREATE SCHEMA ml.prod" },
    { code: "TARGET_WARNING", keys: [], message: "quota: 9 of 10 models" },
  ]);
  expect(asked).toEqual([{ experiments: [], models: ["ml.prod.a"] }]);
});

test("the files of versions tell what is missing in them, with whoever made the version, and what they come to", async () => {
  const place = source(["m"]);
  const at = keyOf("run", "a".repeat(32));
  place.load(experiment("1"));
  place.load(run("a".repeat(32)), { files: { "model/MLmodel": "flavors: {}", "model/conda.yaml": "channels: [defaults]" } });
  place.load(version("m", 1), { files: { MLmodel: SIGNED, "conda.yaml": "channels: [conda-forge]", "m.bin": "1234" } });
  place.load(version("m", 2, { run: at, files: { owner: "run", key: at, path: "model" }, user: "ada" }));
  place.load(version("m", 3), { files: { "m.bin": "" } });
  place.load(version("m", 4), { files: { MLmodel: "%$&" } });
  const looked = await collect(
    lookInto(
      await prepared(place, catalog()),
      [1, 2, 3, 4].map((number) => versionKey("m", number)),
    ),
  );
  expect(looked.flatMap(({ findings }) => findings).map(({ code, keys, owner }) => [code, keys[0], owner])).toEqual([
    ["SIGNATURE_MISSING", "model-version:m/2", "ada"],
    ["CONDA_DEFAULTS", "model-version:m/2", "ada"],
    ["MODEL_FILE_MISSING", "model-version:m/3", "nobody is named"],
    ["MODEL_FILE_MISSING", "model-version:m/4", "nobody is named"],
  ]);
  expect(looked[0]?.files).toEqual({ files: 3, bytes: SIGNED.length + 23 + 4 });
});

test("a store that cannot be read is a finding of its version alone, and a refused login ends the job", async () => {
  const place = source(["m"]);
  place.load(version("m", 1), { files: { MLmodel: SIGNED } });
  const failing = (error: MigrationError): MemoryPlace => ({
    ...place,
    artifacts: () => ({
      list: () => {
        throw error;
      },
      open: () => {
        throw error;
      },
    }),
  });
  const look = async (error: MigrationError) => collect(lookInto(await prepared(failing(error), catalog()), [versionKey("m", 1)]));
  expect(await look(new MigrationError("ARTIFACT_UNREADABLE", "403 of the store"))).toMatchObject([
    { findings: [{ code: "FILES_UNREADABLE", message: "403 of the store" }] },
  ]);
  await expect(look(new MigrationError("NOT_AUTHORISED", "no"))).rejects.toThrow("no");
});
