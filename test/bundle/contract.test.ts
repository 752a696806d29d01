// Bundles under both contracts, as tar and as folder.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBundleSource } from "../../src/adapters/bundle/source.ts";
import { createBundleTarget } from "../../src/adapters/bundle/target.ts";
import { sourceContract } from "../contract/source-contract.ts";
import { carriedTo } from "../contract/source-place.ts";
import { targetContract } from "../contract/target-contract.ts";
import { OPTIONS } from "./rig.ts";

const oneRegistry = "a bundle holds the objects of one registry: what has the same key is the same object";
const skips = [
  { test: "does not take an object of another origin for ours, whatever its name", reason: oneRegistry },
  { test: "takes an alias for ours when it points to the same version", reason: oneRegistry },
];

for (const name of ["bundle.tar", "bundle"]) {
  targetContract(
    name,
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "mlferry-bundle-"));
      const target = await createBundleTarget(join(folder, name), OPTIONS);
      return {
        target,
        dispose: async () => {
          await target.close();
          await rm(folder, { recursive: true });
        },
      };
    },
    { skips },
  );

  sourceContract(name, async (items) => {
    const folder = await mkdtemp(join(tmpdir(), "mlferry-bundle-"));
    const target = await createBundleTarget(join(folder, name), OPTIONS);
    const source = (): ReturnType<typeof openBundleSource> => openBundleSource(join(folder, name));
    return carriedTo(target, items, { open: source, dispose: () => rm(folder, { recursive: true }) });
  });
}
