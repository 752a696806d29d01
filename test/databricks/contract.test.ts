// A workspace under the target contract: with files by the Files API, and by signed URLs of Azure.
import { targetContract } from "../contract/target-contract.ts";
import type { Rules } from "../fakes/databricks/rules.ts";
import { startFakeDatabricks } from "../fakes/databricks/server.ts";
import { openTarget } from "./place.ts";

const SKIPS = [
  { test: "takes an alias for ours when it points to the same version", reason: "a workspace registry has no aliases" },
  { test: "moves an alias", reason: "a workspace registry has no aliases" },
  { test: "takes tags away that an experiment of ours no longer has", reason: "no documented route does: the tag stays, and is empty" },
];

const PLACES: Readonly<Record<string, Partial<Rules>>> = {
  "a workspace": {},
  "a workspace without the Files API, on ADLS": { runsFilesApi: false, signedUrls: "AZURE_ADLS_GEN2_SAS_URI", pendingReads: 2 },
};

for (const [name, rules] of Object.entries(PLACES)) {
  const makeTarget = async (): ReturnType<Parameters<typeof targetContract>[1]> => {
    const fake = await startFakeDatabricks({ rules: { emptySources: true, ...rules } });
    const target = await openTarget(fake);
    return { target, dispose: () => target.close().then(() => fake.close()) };
  };
  targetContract(name, makeTarget, { skips: SKIPS });
}
