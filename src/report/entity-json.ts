// An object of a registry as JSON: the same form whatever place it was read from. Names of fields are the entities' own, in snake case.
import { z } from "zod";
import type { DatasetInput, Entity, LoggedModel, MetricPoint, ModelVersion, Part, Run, Tags, VersionFiles } from "../model/entities.ts";
import { doubleText } from "../model/facts.ts";

const texts = z.record(z.string(), z.string());
/** A 64-bit whole number as decimal text: epoch milliseconds, or a step. */
const whole = z.string().regex(/^-?\d+$/);
const double = z.union([z.number(), z.enum(["NaN", "Infinity", "-Infinity", "-0"])]);
const node = <K extends string>(kind: K) => ({
  kind: z.literal(kind),
  key: z.string(),
  needs: z.array(z.string()).describe("keys of what must be there before it"),
  provenance: texts.describe("the tags mlferry_…, without the prefix"),
});
const ofVersion = { model: z.string(), version: z.int(), user: z.string().optional() };
const point = z.object({ value: double, step: whole, timestamp: whole });
const dataset = z.object({
  name: z.string(),
  digest: z.string(),
  source_type: z.string(),
  source: z.string(),
  schema: z.string().optional(),
  profile: z.string().optional(),
  tags: texts,
});

/** Each kind's form. Times and steps are decimal texts, since they may be longer than a double holds. */
export const entitySchema = z.discriminatedUnion("kind", [
  z.object({ ...node("experiment"), name: z.string(), tags: texts, deleted: z.boolean(), created_at: whole.optional() }),
  z.object({
    ...node("run"),
    experiment: z.string(),
    name: z.string(),
    user: z.string(),
    status: z.string(),
    start_time: whole.optional(),
    end_time: whole.optional(),
    params: texts,
    tags: texts,
    latest_metrics: z.record(z.string(), point),
    datasets: z.array(dataset),
    deleted: z.boolean(),
  }),
  z.object({
    ...node("logged-model"),
    experiment: z.string(),
    name: z.string(),
    model_type: z.string().optional(),
    status: z.string(),
    source_run: z.string().optional(),
    params: texts,
    tags: texts,
    metrics: z.array(
      point.extend({
        name: z.string(),
        run: z.string().optional(),
        dataset_name: z.string().optional(),
        dataset_digest: z.string().optional(),
      }),
    ),
    output_of: z.array(z.object({ run: z.string(), step: whole })),
    input_of: z.array(z.string()),
    created_at: whole.optional(),
  }),
  z.object({
    ...node("registered-model"),
    name: z.string(),
    description: z.string().optional(),
    tags: texts,
    created_at: whole.optional(),
  }),
  z.object({
    ...node("model-version"),
    model: z.string(),
    version: z.int(),
    description: z.string().optional(),
    tags: texts,
    stage: z.string(),
    run: z.string().optional(),
    files: z
      .object({
        owner: z.enum(["run", "logged-model", "version", "own"]),
        key: z.string().optional(),
        path: z.string().optional(),
        logged_model: z.string().optional().describe("of `own`: the logged model that they were copied from"),
      })
      .describe("where the files lie"),
    source_uri: z.string(),
    run_link: z.string().optional(),
    created_at: whole.optional(),
    user: z.string().optional(),
    stage_history: z
      .object({ state: z.enum(["complete", "partial", "unavailable"]), since: whole.optional(), reason: z.string().optional() })
      .optional()
      .describe("how far its stage transitions are known"),
  }),
  z.object({
    ...node("stage-transition"),
    ...ofVersion,
    from: z.string(),
    to: z.string(),
    at: whole,
    comment: z.string().optional(),
    by_system: z.boolean().describe("the place moved it by itself, since another version took its stage"),
  }),
  z.object({ ...node("comment"), ...ofVersion, text: z.string(), created_at: whole, updated_at: whole.optional() }),
  z.object({ ...node("transition-request"), ...ofVersion, to: z.string(), created_at: whole, comment: z.string().optional() }),
  z.object({ ...node("alias"), model: z.string(), alias: z.string(), version: z.int() }),
  z.object({
    ...node("permission"),
    object: z.string().describe("the key of what it is about, or registry"),
    entries: z.array(z.object({ kind: z.enum(["user", "group", "service-principal"]), name: z.string(), level: z.string() })),
  }),
  z.object({
    ...node("webhook"),
    model: z.string().optional(),
    events: z.array(z.string()),
    description: z.string().optional(),
    status: z.string(),
    url: z.string().optional(),
    verifies_tls: z.boolean().optional(),
    job_id: z.string().optional(),
    workspace_url: z.string().optional(),
  }),
]);

export type EntityJson = z.infer<typeof entitySchema>;

export function entityJson(entity: Entity): EntityJson {
  const { key, needs, provenance } = entity;
  const common = { key, needs: [...needs], provenance: textsJson(provenance) };
  switch (entity.kind) {
    case "experiment": {
      const { kind, name, tags, deleted } = entity;
      return { kind, ...common, name, tags: textsJson(tags), deleted, ...createdAt(entity) };
    }
    case "run":
      return { kind: "run", ...common, ...runJson(entity) };
    case "logged-model":
      return { kind: "logged-model", ...common, ...loggedModelJson(entity) };
    case "registered-model": {
      const { kind, name, description, tags } = entity;
      return { kind, ...common, name, ...given({ description }), tags: textsJson(tags), ...createdAt(entity) };
    }
    case "model-version":
      return { kind: "model-version", ...common, ...versionJson(entity) };
    case "alias": {
      const { kind, model, alias, version } = entity;
      return { kind, ...common, model, alias, version };
    }
    case "stage-transition":
    case "comment":
    case "transition-request":
    case "permission":
    case "webhook":
      return partJson(entity, common);
  }
}

function partJson(entity: Part, common: { key: string; needs: string[]; provenance: Record<string, string> }): EntityJson {
  switch (entity.kind) {
    case "stage-transition": {
      const { kind, model, version, user, from, to, at, comment, bySystem } = entity;
      return {
        kind,
        ...common,
        model,
        version,
        ...given({ user }),
        from,
        to,
        at: at.toString(),
        ...given({ comment }),
        by_system: bySystem,
      };
    }
    case "comment": {
      const { kind, model, version, user, text, createdAt: created_at, updatedAt } = entity;
      const times = { created_at: created_at.toString(), ...given({ updated_at: updatedAt?.toString() }) };
      return { kind, ...common, model, version, ...given({ user }), text, ...times };
    }
    case "transition-request": {
      const { kind, model, version, user, to, createdAt: created_at, comment } = entity;
      return { kind, ...common, model, version, ...given({ user }), to, created_at: created_at.toString(), ...given({ comment }) };
    }
    case "permission":
      return { kind: "permission", ...common, object: entity.object, entries: entity.entries.map((entry) => ({ ...entry })) };
    case "webhook": {
      const { kind, model, events, description, status, target } = entity;
      const where =
        "url" in target
          ? { url: target.url, verifies_tls: target.verifiesTls }
          : { job_id: target.jobId, ...given({ workspace_url: target.workspaceUrl }) };
      return { kind, ...common, ...given({ model }), events: [...events], ...given({ description }), status, ...where };
    }
  }
}

function runJson(run: Run) {
  const { experiment, name, user, status, startTime, endTime, deleted } = run;
  return {
    experiment,
    name,
    user,
    status,
    ...given({ start_time: startTime?.toString(), end_time: endTime?.toString() }),
    params: textsJson(run.params),
    tags: textsJson(run.tags),
    latest_metrics: Object.fromEntries([...run.latestMetrics].map(([key, latest]) => [key, pointJson(latest)])),
    datasets: run.datasets.map(datasetJson),
    deleted,
  };
}

function datasetJson({ name, digest, sourceType, source, schema, profile, tags }: DatasetInput) {
  return { name, digest, source_type: sourceType, source, ...given({ schema, profile }), tags: textsJson(tags) };
}

function loggedModelJson(model: LoggedModel) {
  const { experiment, name, modelType, status, sourceRun } = model;
  return {
    experiment,
    name,
    ...given({ model_type: modelType }),
    status,
    ...given({ source_run: sourceRun }),
    params: textsJson(model.params),
    tags: textsJson(model.tags),
    metrics: model.metrics.map((metric) => ({
      name: metric.key,
      ...pointJson(metric),
      ...given({ run: metric.run, dataset_name: metric.datasetName, dataset_digest: metric.datasetDigest }),
    })),
    output_of: model.outputOf.map(({ run, step }) => ({ run, step: step.toString() })),
    input_of: [...model.inputOf],
    ...createdAt(model),
  };
}

function filesJson(files: VersionFiles) {
  return files.owner === "own" ? { owner: files.owner, ...given({ logged_model: files.loggedModel }) } : { ...files };
}

function versionJson(entity: ModelVersion) {
  const { model, version, description, stage, run, files, sourceUri, runLink, user, history } = entity;
  return {
    model,
    version,
    ...given({ description }),
    tags: textsJson(entity.tags),
    stage,
    ...given({ run }),
    files: filesJson(files),
    source_uri: sourceUri,
    ...given({ run_link: runLink, user }),
    ...createdAt(entity),
    ...(history === undefined
      ? {}
      : { stage_history: { state: history.state, ...given({ since: history.since?.toString(), reason: history.reason }) } }),
  };
}

function pointJson({ value, step, timestamp }: MetricPoint) {
  const plain = Number.isFinite(value) && !Object.is(value, -0);
  return {
    value: plain ? value : (doubleText(value) as "NaN" | "Infinity" | "-Infinity" | "-0"),
    step: step.toString(),
    timestamp: timestamp.toString(),
  };
}

function textsJson(tags: Tags): Record<string, string> {
  return Object.fromEntries([...tags].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function createdAt(entity: { readonly createdAt?: bigint }): { created_at?: string } {
  return entity.createdAt === undefined ? {} : { created_at: entity.createdAt.toString() };
}

/** Only what is there: an absent field is absent in JSON too. */
function given<T extends Record<string, string | undefined>>(fields: T): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: string };
}
