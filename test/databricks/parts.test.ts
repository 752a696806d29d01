// What hangs on experiments, models and versions of a workspace: entries, permissions, webhooks, and what is known of the past.
import { expect, it } from "vitest";
import type { Entity } from "../../src/model/entities.ts";
import type { Selection } from "../../src/model/selection.ts";
import type { Source } from "../../src/ports/source.ts";
import type { FakeDatabricks } from "../fakes/databricks/server.ts";
import { job, runJob, sampleSource } from "../engine/registry.ts";
import { ask, never, openSource, openWorkspace } from "./place.ts";

const MAPPING = { experiments: [{ from: "*", to: "/Shared/migrated/*" }] };

async function everything(source: Source, selection: Selection = { includeDeleted: true }): Promise<Entity[]> {
  const entities: Entity[] = [];
  for await (const entity of (await source.select(selection, never)).entities(never)) entities.push(entity);
  return entities;
}

/** A discussion about a version, as people have it in the workspace. */
async function discuss(fake: FakeDatabricks): Promise<void> {
  const id = { name: "churn", version: "4" };
  await ask(fake, "POST", "/api/2.0/mlflow/comments/create", { ...id, comment: "looks good" });
  const moved = { ...id, stage: "Staging", archive_existing_versions: true, comment: "for the weekend" };
  await ask(fake, "POST", "/api/2.0/mlflow/databricks/model-versions/transition-stage", moved);
  await ask(fake, "POST", "/api/2.0/mlflow/transition-requests/create", { ...id, stage: "Production", comment: "please" });
  const hook = { model_name: "churn", events: ["COMMENT_CREATED"], http_url_spec: { url: "https://example.com/hook", secret: "s" } };
  await ask(fake, "POST", "/api/2.0/mlflow/registry-webhooks/create", hook);
}

it("open requests, permissions and webhooks come; the past is told to be unknown where no route lists it", async () => {
  await using workspace = await openWorkspace();
  await runJob(job(sampleSource(), workspace.target, { mapping: MAPPING, onLoss: "drop" }));
  await discuss(workspace.fake);
  const source = await openSource(workspace.fake);
  const entities = await everything(source);
  const of = (kind: Entity["kind"]): Entity[] => entities.filter((entity) => entity.kind === kind);
  expect(of("transition-request")).toMatchObject([
    { model: "churn", version: 4, to: "Production", user: "admin@example.com", comment: "please" },
  ]);
  expect([of("comment"), of("stage-transition")]).toEqual([[], []]);
  for (const version of of("model-version")) {
    expect(version).toMatchObject({ history: { state: "unavailable", reason: expect.stringContaining("no route") as unknown } });
  }
  expect(of("permission")).toContainEqual(
    expect.objectContaining({
      object: "registered-model:churn",
      entries: [{ kind: "user", name: "admin@example.com", level: "CAN_MANAGE" }],
    }),
  );
  expect(of("webhook")).toMatchObject([
    { model: "churn", events: ["COMMENT_CREATED"], status: "ACTIVE", target: { url: "https://example.com/hook", verifiesTls: true } },
  ]);
  // What is not there is asked for once.
  expect(workspace.fake.requests.filter((route) => route.includes("activities/list")).length).toBeLessThanOrEqual(8);
  await source.close();
});

it("comments and transitions come with author, time and text where the workspace lists them", async () => {
  await using workspace = await openWorkspace({ rules: { listsActivities: true } });
  await runJob(job(sampleSource(), workspace.target, { mapping: MAPPING, onLoss: "drop" }));
  await discuss(workspace.fake);
  const source = await openSource(workspace.fake);
  const entities = (await everything(source, { models: ["churn"], includeDeleted: true })).filter(
    (entity) => "version" in entity && entity.version === 4,
  );
  expect(entities.find(({ kind }) => kind === "model-version")).toMatchObject({ stage: "Staging", history: { state: "complete" } });
  expect(entities.filter(({ kind }) => kind === "stage-transition")).toMatchObject([
    { from: "None", to: "Production", bySystem: false },
    { from: "Production", to: "Staging", comment: "for the weekend", user: "admin@example.com" },
  ]);
  expect(entities.filter(({ kind }) => kind === "comment")).toMatchObject([{ text: "looks good", user: "admin@example.com" }]);
  await source.close();
});

it("a selection without a model leaves out what hangs on it", async () => {
  await using workspace = await openWorkspace();
  await runJob(job(sampleSource(), workspace.target, { mapping: MAPPING, onLoss: "drop" }));
  await discuss(workspace.fake);
  const source = await openSource(workspace.fake);
  const keys = (await everything(source, { models: ["live"], includeDeleted: false })).map(({ key }) => key);
  expect(keys.filter((key) => /^(webhook|transition-request|permission):/.test(key))).toEqual(["permission:registered-model:live"]);
  await source.close();
});
