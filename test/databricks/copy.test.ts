// Whole registries into a workspace, out of it, and into another one.
import { expect, it } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import type { Rules } from "../fakes/databricks/rules.ts";
import { byState, job, runJob, sampleSource, verifyJob } from "../engine/registry.ts";
import { openSource, openWorkspace } from "./place.ts";

const MAPPING = { experiments: [{ from: "*", to: "/Shared/migrated/*" }] };
/** A workspace has no aliases. */
const ALIAS = "alias:churn/prod";

it("a registry goes into a workspace and comes out as it was, but for what a workspace cannot hold", async () => {
  await using workspace = await openWorkspace();
  const options = { mapping: MAPPING, onLoss: "drop" as const };
  const outcomes = await runJob(job(sampleSource(), workspace.target, options));
  expect(byState(outcomes)).toMatchObject({ dropped: [ALIAS] });
  expect(Object.keys(byState(outcomes)).sort()).toEqual(["done", "dropped"]);
  const { target } = await workspace.again();
  const verified = await verifyJob(job(sampleSource(), target, options));
  expect(verified.flatMap(({ findings }) => findings).filter(({ kind }) => kind !== "left out")).toEqual([]);
  const before = workspace.fake.requests.length;
  const again = await runJob(job(sampleSource(), (await workspace.again()).target, options));
  expect(Object.keys(byState(again)).sort()).toEqual(["dropped", "skipped"]);
  expect(workspace.fake.requests.slice(before).filter((route) => /create|log-batch|set-tag|fs\/files/.test(route))).toEqual([]);
});

it("one workspace is copied into another, with points, files, versions and stages", async () => {
  await using first = await openWorkspace();
  await using second = await openWorkspace({ workspaceId: "2222" });
  await runJob(job(sampleSource(), first.target, { mapping: MAPPING, onLoss: "drop" }));
  const source = await openSource(first.fake);
  const outcomes = byState(await runJob(job(source, second.target, { onLoss: "drop" })));
  // Who may do what is told, and for people to decide.
  expect(outcomes["dropped"]).toEqual(["permission:registered-model:churn", "permission:registered-model:live"]);
  expect(Object.keys(outcomes).sort()).toEqual(["done", "dropped"]);
  const verified = await verifyJob(job(source, (await second.again()).target, { onLoss: "drop" }));
  expect(verified.flatMap(({ findings }) => findings).filter(({ kind }) => kind !== "left out")).toEqual([]);
  expect(verified.reduce((sum, { compared }) => sum + compared.files, 0)).toBeGreaterThan(5);
  const stages = [...second.fake.state.model("churn").versions.values()].map(({ number, stage }) => `${number} ${stage}`);
  expect(stages).toEqual(["1 Production", "3 Archived", "4 Production", "7 None"]);
  await source.close();
});

it("a workspace comes into memory whole", async () => {
  await using workspace = await openWorkspace();
  await runJob(job(sampleSource(), workspace.target, { mapping: MAPPING, onLoss: "drop" }));
  const source = await openSource(workspace.fake);
  const memory = createMemory();
  expect(Object.keys(byState(await runJob(job(source, memory))))).toEqual(["done"]);
  expect((await verifyJob(job(source, memory))).flatMap(({ findings }) => findings)).toEqual([]);
  await source.close();
});

const SWITCHES: readonly Partial<Rules>[] = [
  { listsActivities: true },
  { runsFilesApi: false },
  { runsFilesApi: false, signedUrls: "GCP_SIGNED_URL", signedUrlUses: 1 },
  { runsFilesApi: false, signedUrls: "AZURE_SAS_URI", signedUrlUses: 1 },
  { runsFilesApi: false, signedUrls: "AZURE_ADLS_GEN2_SAS_URI", signedUrlUses: 1 },
  { pendingReads: 2, emptySources: true, paramValueChars: 6000 },
];

for (const rules of SWITCHES) {
  it(`a copy is whole whatever is unknown of a workspace: ${JSON.stringify(rules)}`, async () => {
    await using first = await openWorkspace({ rules });
    await using second = await openWorkspace({ workspaceId: "2222", rules });
    await runJob(job(sampleSource(), first.target, { mapping: MAPPING, onLoss: "drop" }));
    const source = await openSource(first.fake);
    const outcomes = byState(await runJob(job(source, second.target, { onLoss: "drop" })));
    expect(Object.keys(outcomes).sort()).toEqual(["done", "dropped"]);
    const verified = await verifyJob(job(source, (await second.again()).target, { onLoss: "drop" }));
    expect(verified.flatMap(({ findings }) => findings).filter(({ kind }) => kind !== "left out")).toEqual([]);
    await source.close();
  });
}
