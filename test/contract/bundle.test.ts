// The bundle under both contracts, as a tar and as a folder.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBundleSource } from "../../src/adapters/bundle/source.ts";
import { createBundleTarget } from "../../src/adapters/bundle/target.ts";
import type { Source } from "../../src/ports/source.ts";
import type { Target } from "../../src/ports/target.ts";
import { idFor } from "./builders.ts";
import type { OriginId } from "../../src/model/entities.ts";
import { sourceContract } from "./source-contract.ts";
import { carriedTo } from "./source-place.ts";
import type { Skip } from "./suite.ts";
import { targetContract } from "./target-contract.ts";

const ONE_REGISTRY = "a bundle holds the objects of one registry, so every object in it is ours";
const skips: readonly Skip[] = [
  { test: "does not take an object of another origin for ours, whatever its name", reason: ONE_REGISTRY },
  { test: "takes an alias for ours when it points to the same version", reason: ONE_REGISTRY },
  { test: "refuses a version number that is taken", reason: ONE_REGISTRY },
];

for (const [name, file] of Object.entries({ "bundle as a tar": "bundle.tar", "bundle as a folder": "bundle" })) {
  targetContract(
    name,
    async () => {
      const bundle = await createBundle(file);
      return { target: bundle.target, reopen: bundle.open, dispose: bundle.dispose };
    },
    { skips },
  );

  sourceContract(name, async (items) => {
    const bundle = await createBundle(file);
    return carriedTo(bundle.target, items, bundle);
  });
}

interface Bundle {
  readonly target: Target;
  readonly open: () => Promise<Source>;
  readonly dispose: () => Promise<void>;
}

async function createBundle(file: string): Promise<Bundle> {
  const dir = await mkdtemp(join(tmpdir(), "mlferry-contract-"));
  const path = join(dir, file);
  const opened: Source[] = [];
  const target = await createBundleTarget(path, {
    tool: "mlferry test",
    source: { uri: "memory:", origin: idFor("a registry") as OriginId },
    selection: {},
    created: new Date(0),
  });
  return {
    target,
    async open() {
      const source = await openBundleSource(path);
      opened.push(source);
      return source;
    },
    async dispose() {
      await Promise.all([target, ...opened].map((place) => place.close()));
      await rm(dir, { recursive: true, force: true });
    },
  };
}
