// The past of versions, and webhooks, written into another workspace: once, with their authors and times, and nothing that calls anybody.
import { expect, it } from "vitest";
import { startFakeDatabricks } from "../fakes/databricks/server.ts";
import type { FakeDatabricks } from "../fakes/databricks/server.ts";
import { byState, job, runJob, sampleSource, verifyJob } from "../engine/registry.ts";
import { ask, openSource, openTarget, openWorkspace } from "./place.ts";
import type { Workspace } from "./place.ts";

const MAPPING = { experiments: [{ from: "*", to: "/Shared/migrated/*" }] };
const DROP = { onLoss: "drop" as const };
const ID = { name: "churn", version: "4" };

/** A workspace that lists its past, with a version that was talked about. */
async function talkative(): Promise<Workspace> {
  const workspace = await openWorkspace({ rules: { listsActivities: true } });
  await runJob(job(sampleSource(), workspace.target, { mapping: MAPPING, ...DROP }));
  const { fake } = workspace;
  await ask(fake, "POST", "/api/2.0/mlflow/comments/create", { ...ID, comment: "looks good" });
  const moved = { ...ID, stage: "Archived", archive_existing_versions: false, comment: "too old" };
  await ask(fake, "POST", "/api/2.0/mlflow/databricks/model-versions/transition-stage", moved);
  await ask(fake, "POST", "/api/2.0/mlflow/transition-requests/create", { ...ID, stage: "Staging", comment: "once more" });
  const hook = { model_name: "churn", events: ["COMMENT_CREATED"], http_url_spec: { url: "https://example.com/hook", secret: "s" } };
  await ask(fake, "POST", "/api/2.0/mlflow/registry-webhooks/create", hook);
  return workspace;
}

const pastOf = (fake: FakeDatabricks): string[] =>
  [...fake.state.activities.values()]
    .filter(({ model, version }) => model === "churn" && version === 4)
    .map(({ type, from = "", to = "", comment }) => `${type} ${from}>${to} ${comment}`);

it("transitions are made again in order, comments written anew, webhooks made disabled, and nobody is mailed", async () => {
  await using first = await talkative();
  await using second = await openWorkspace({ workspaceId: "2", rules: { listsActivities: true } });
  const source = await openSource(first.fake);
  expect(byState(await runJob(job(source, second.target, DROP)))["failed"]).toBeUndefined();
  const [toProduction, ...rest] = pastOf(second.fake);
  expect(toProduction).toMatch(/^APPLIED_TRANSITION None>Production .*by admin@example\.com, 2026-.*Z \(brought here by mlferry\)$/s);
  expect(rest).toEqual([
    expect.stringMatching(/^APPLIED_TRANSITION Production>Archived too old\n\nProduction → Archived by admin@example\.com/) as unknown,
    expect.stringMatching(/^NEW_COMMENT > looks good\n\nadmin@example\.com, 2026-.*Z \(brought here by mlferry\)$/s) as unknown,
  ]);
  expect(second.fake.state.version("churn", "4").stage).toBe("Archived");
  const [hook] = [...second.fake.state.webhooks.values()];
  expect(hook).toMatchObject({
    model_name: "churn",
    status: "DISABLED",
    description: expect.stringContaining("give its secret again") as unknown,
  });
  const verified = await verifyJob(job(source, (await second.again()).target, DROP));
  expect(verified.flatMap(({ findings }) => findings).filter(({ kind }) => kind !== "left out")).toEqual([]);
  await source.close();
});

it("a second copy without the journal writes nothing, and one of the copy gives the past as it was at first", async () => {
  await using first = await talkative();
  await using second = await openWorkspace({ workspaceId: "2", rules: { listsActivities: true } });
  const source = await openSource(first.fake);
  await runJob(job(source, second.target, DROP));
  const past = pastOf(second.fake);
  const again = byState(await runJob(job(source, (await second.again()).target, DROP)));
  expect(Object.keys(again).sort()).toEqual(["dropped", "skipped"]);
  expect(pastOf(second.fake)).toEqual(past);
  expect(second.fake.state.webhooks.size).toBe(1);
  await source.close();
  await using third = await startFakeDatabricks({ workspaceId: "3", rules: { listsActivities: true } });
  const copy = await openSource(second.fake);
  const target = await openTarget(third);
  await runJob(job(copy, target, DROP));
  expect(pastOf(third).map((line) => line.replace(/\d{4}-\d\d-.*/s, ""))).toEqual(past.map((line) => line.replace(/\d{4}-\d\d-.*/s, "")));
  await target.close();
  await copy.close();
});

it("a comment whose answer was lost is told as unknown, and not sent again by the next run either", async () => {
  await using first = await talkative();
  await using second = await openWorkspace({ workspaceId: "2" });
  const source = await openSource(first.fake);
  second.fake.lose(/comments\/create$/, "after");
  for (const target of [second.target, (await second.again()).target]) {
    const failed = (await runJob(job(source, target, DROP))).filter(({ state }) => state === "failed");
    expect(failed.map(({ step }) => step.source.kind)).toEqual(["comment"]);
    expect(failed[0]).toMatchObject({ error: { code: "OUTCOME_UNKNOWN" } });
  }
  expect(pastOf(second.fake).filter((line) => line.startsWith("NEW_COMMENT"))).toHaveLength(1);
  await source.close();
});

it("a transition and a webhook whose answers were lost are there once", async () => {
  await using first = await talkative();
  await using second = await openWorkspace({ workspaceId: "2" });
  const source = await openSource(first.fake);
  second.fake.lose(/databricks\/model-versions\/transition-stage$/, "after", "before");
  second.fake.lose(/registry-webhooks\/create$/, "after");
  await runJob(job(source, second.target, DROP));
  await runJob(job(source, (await second.again()).target, DROP));
  expect(pastOf(second.fake).filter((line) => line.startsWith("APPLIED"))).toHaveLength(2);
  expect(second.fake.state.webhooks.size).toBe(1);
  await source.close();
});
