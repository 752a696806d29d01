// Unity Catalog under the target contract: with files by the Files API, and by signed URLs.
import { targetContract } from "../contract/target-contract.ts";
import type { Rules } from "../fakes/databricks/rules.ts";
import { openCatalog } from "./place.ts";

const SKIPS = [
  { test: "takes tags away that an experiment of ours no longer has", reason: "no documented route does: the tag stays, and is empty" },
];

const PLACES: Readonly<Record<string, Partial<Rules>>> = {
  "Unity Catalog": {},
  "Unity Catalog without the Files API, with empty pages": { modelsFilesApi: false, emptyPages: true },
};

for (const [name, rules] of Object.entries(PLACES)) {
  const makeTarget = async (): ReturnType<Parameters<typeof targetContract>[1]> => {
    const catalog = await openCatalog({ rules, schemas: ["ml.prod"] });
    return { target: catalog.target, dispose: async () => catalog[Symbol.asyncDispose]() };
  };
  targetContract(name, makeTarget, { skips: SKIPS });
}
