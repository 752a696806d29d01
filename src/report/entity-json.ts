// An object of a registry as JSON: the same form whatever place it was read from. Names of fields are the entities' own, in snake case.
import { z } from "zod";
import type { DatasetInput, Entity, LoggedModel, MetricPoint, ModelVersion, Run, Tags } from "../model/entities.ts";
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
      .object({ owner: z.enum(["run", "logged-model", "version", "own"]), key: z.string().optional(), path: z.string().optional() })
      .describe("where the files lie"),
    source_uri: z.string(),
    run_link: z.string().optional(),
    created_at: whole.optional(),
    user: z.string().optional(),
  }),
  z.object({ ...node("alias"), model: z.string(), alias: z.string(), version: z.int() }),
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

function versionJson(entity: ModelVersion) {
  const { model, version, description, stage, run, files, sourceUri, runLink, user } = entity;
  return {
    model,
    version,
    ...given({ description }),
    tags: textsJson(entity.tags),
    stage,
    ...given({ run }),
    files: { ...files },
    source_uri: sourceUri,
    ...given({ run_link: runLink, user }),
    ...createdAt(entity),
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
