// A workspace under both contracts: with files by the Files API, and by signed URLs of Azure.
import { sourceContract } from "../contract/source-contract.ts";
import { carriedTo } from "../contract/source-place.ts";
import { targetContract } from "../contract/target-contract.ts";
import type { Rules } from "../fakes/databricks/rules.ts";
import { startFakeDatabricks } from "../fakes/databricks/server.ts";
import { openSource, openTarget } from "./place.ts";

const RULES: Readonly<Record<string, Partial<Rules>>> = {
  "a workspace": {},
  "a workspace without the Files API, on ADLS": { runsFilesApi: false, signedUrls: "AZURE_ADLS_GEN2_SAS_URI", pendingReads: 2 },
};

for (const [name, rules] of Object.entries(RULES)) {
  targetContract(name, async () => {
    const fake = await startFakeDatabricks({ rules });
    const target = await openTarget(fake);
    return { target, dispose: () => target.close().then(() => fake.close()) };
  });

  sourceContract(`${name}, written by mlferry`, async (items) => {
    const fake = await startFakeDatabricks({ rules });
    const target = await openTarget(fake);
    return carriedTo(target, items, {
      open: () => openSource(fake),
      dispose: () => target.close().then(() => fake.close()),
    });
  });
}
