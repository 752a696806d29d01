// Bundles for the command line's tests, written by the engine from a registry in memory.
import { createBundleTarget } from "../../src/adapters/bundle/target.ts";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import type { MemoryPlace } from "../../src/adapters/memory/memory.ts";
import { execute } from "../../src/engine/execute.ts";
import { planSteps } from "../../src/engine/plan.ts";
import { prepare } from "../../src/engine/preflight.ts";
import { experiment, job, model, ORIGIN, run, sampleSource, version } from "../engine/registry.ts";

/** Writes the sample registry (or another) as a bundle. */
export async function writeBundle(path: string, source: MemoryPlace = sampleSource()): Promise<void> {
  const created = new Date(Date.UTC(2026, 0, 2));
  const target = await createBundleTarget(path, {
    tool: "mlferry 0.0.0",
    source: { uri: source.uri, origin: source.origin },
    selection: { includeDeleted: true },
    created,
  });
  const prepared = await prepare(job(source, target));
  for await (const outcome of execute(prepared, planSteps(prepared))) {
    if (outcome.state !== "done") throw new Error(`${outcome.step.source.key} is ${outcome.state}: ${outcome.error?.message ?? ""}`);
  }
  await target.close();
}

/** One experiment with one run and one model with one version, for tests that change something in it. */
export function smallSource(fields: { readonly description?: string; readonly tag?: string } = {}): MemoryPlace {
  const place = createMemory({ origin: ORIGIN, uri: "memory:source", newIds: false });
  place.load(experiment("1", { name: "training" }));
  place.load(run("a".repeat(32), { tags: new Map([["note", fields.tag ?? "first"]]) }), { files: { "model/MLmodel": "flavors: {}" } });
  place.load(model("churn", { description: fields.description ?? "who leaves" }));
  place.load(version("churn", 1), { files: { "model.bin": "bytes" } });
  return place;
}
