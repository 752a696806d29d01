// A forecast is held against what a job really asks of a workspace: never more, and two thirds at least, though a small registry has much that comes once.
import { expect, it } from "vitest";
import { createForecast, plus } from "../../src/engine/forecast.ts";
import { lookInto } from "../../src/engine/preflight-content.ts";
import { planSteps } from "../../src/engine/plan.ts";
import { prepare } from "../../src/engine/preflight.ts";
import { rateGroupOf } from "../../src/adapters/databricks/rates.ts";
import type { Job } from "../../src/engine/job.ts";
import type { EntityKey } from "../../src/model/entities.ts";
import type { Requests } from "../../src/ports/costs.ts";
import type { FakeDatabricks } from "../fakes/databricks/server.ts";
import { job, runJob, sampleSource } from "../engine/registry.ts";
import { openCatalog } from "../unity-catalog/place.ts";
import { openSource, openWorkspace } from "./place.ts";

const EXPERIMENTS = [{ from: "*", to: "/Shared/migrated/*" }];
const MODELS = [{ from: "*", to: "main.ml.*" }];

/** Requests of the workspace's groups while `work` runs. */
async function counted(fake: FakeDatabricks, work: () => Promise<unknown>): Promise<Requests> {
  const from = fake.requests.length;
  await work();
  const counts: Record<string, number> = {};
  for (const route of fake.requests.slice(from)) {
    const group = rateGroupOf({ path: route.split(" ")[1] ?? "" });
    if (group !== undefined) counts[group] = (counts[group] ?? 0) + 1;
  }
  return counts;
}

/** What a plan of the job asks of the two workspaces, and what it foretells: together what the command line tells. */
async function foretold(planned: Job, { source, target }: { readonly source?: FakeDatabricks; readonly target: FakeDatabricks }) {
  const forecast = createForecast(planned);
  const withFiles: EntityKey[] = [];
  const plan = async (): Promise<void> => {
    for await (const step of planSteps(await prepare(planned))) {
      forecast.add(step);
      const { kind } = step.entity;
      const hasFiles = kind === "run" || kind === "logged-model" || (kind === "model-version" && step.entity.files.owner === "own");
      if (hasFiles) withFiles.push(step.source.key);
    }
  };
  let read: Requests = {};
  const asked = await counted(target, async () => {
    if (source === undefined) await plan();
    else read = await counted(source, plan);
  });
  for await (const { files } of lookInto(await prepare(planned), withFiles)) forecast.addFiles(files?.files ?? 0);
  const sums = forecast.sum();
  return { source: plus(read, sums.source?.requests ?? {}), target: plus(asked, sums.target?.requests ?? {}) };
}

function expectClose(least: Requests, actual: Requests): void {
  const sum = (counts: Requests): number => Object.values(counts).reduce((all, count) => all + count, 0);
  expect(sum(least)).toBeLessThanOrEqual(sum(actual));
  expect(sum(least) / sum(actual)).toBeGreaterThan(0.65);
  for (const [group, count] of Object.entries(least)) expect(count, group).toBeLessThanOrEqual(actual[group] ?? 0);
}

it("of a copy into a workspace, and from it into a Unity Catalog", async () => {
  await using old = await openWorkspace();
  await using catalog = await openCatalog({ workspaceId: "222" });
  const writing = job(sampleSource(), old.target, { mapping: { experiments: EXPERIMENTS }, onLoss: "drop" });
  const toWorkspace = await foretold(writing, { target: old.fake });
  expectClose(toWorkspace.target, await counted(old.fake, () => runJob(writing)));

  const source = await openSource(old.fake);
  const moving = job(source, catalog.target, { mapping: { models: MODELS }, onLoss: "drop" });
  const onward = await foretold(moving, { source: old.fake, target: catalog.fake });
  let read: Requests = {};
  const written = await counted(catalog.fake, async () => (read = await counted(old.fake, () => runJob(moving))));
  expectClose(onward.target, written);
  expectClose(onward.source, read);
  await source.close();
});
