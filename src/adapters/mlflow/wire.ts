// The JSON of MLflow's REST API, checked once where it comes in and trusted after. Unknown fields are passed over, absent ones
// have the default that protobuf gives them. Shapes: mlflow/protos/service.proto and model_registry.proto of 3.17.
import { z } from "zod";
import { MigrationError } from "../../errors.ts";
import type { MetricPoint, Tags } from "../../model/entities.ts";

/** int64: a number, or decimal text (the JSON reader keeps long ones as text, so that no digit is lost). */
const int64 = z.union([z.number(), z.string()]).transform((value) => BigInt(value));
/** double: non-finite ones come as text. */
const double = z.union([z.number(), z.string()]).transform(Number);
const text = z.string().default("");
const keyValues = z
  .array(z.object({ key: z.string(), value: text }))
  .default([])
  .transform((pairs): Tags => new Map(pairs.map(({ key, value }) => [key, value])));

const experiment = z.object({
  experiment_id: z.string(),
  name: z.string(),
  artifact_location: text,
  lifecycle_stage: text,
  creation_time: int64.optional(),
  last_update_time: int64.optional(),
  tags: keyValues,
});
export type WireExperiment = z.infer<typeof experiment>;

const metric = z
  .object({ key: z.string(), value: double.default(0), timestamp: int64.default(0n), step: int64.default(0n) })
  .transform((point): MetricPoint => point);

const runInfo = z.object({
  run_id: z.string(),
  experiment_id: z.string(),
  run_name: text,
  user_id: text,
  status: z.enum(["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]).default("RUNNING"),
  start_time: int64.optional(),
  end_time: int64.optional(),
  artifact_uri: text,
  lifecycle_stage: text,
});

const datasetInput = z.object({
  dataset: z.object({
    name: z.string(),
    digest: z.string(),
    source_type: text,
    source: text,
    schema: z.string().optional(),
    profile: z.string().optional(),
  }),
  tags: keyValues,
});

const run = z.object({
  info: runInfo,
  data: z.object({ metrics: z.array(metric).default([]), params: keyValues, tags: keyValues }).prefault({}),
  inputs: z
    .object({
      dataset_inputs: z.array(datasetInput).default([]),
      model_inputs: z.array(z.object({ model_id: z.string() })).default([]),
    })
    .prefault({}),
  outputs: z.object({ model_outputs: z.array(z.object({ model_id: z.string(), step: int64.default(0n) })).default([]) }).prefault({}),
});
export type WireRun = z.infer<typeof run>;

const loggedModel = z.object({
  info: z.object({
    model_id: z.string(),
    experiment_id: z.string(),
    name: text,
    creation_timestamp_ms: int64.optional(),
    last_updated_timestamp_ms: int64.optional(),
    artifact_uri: text,
    status: z.string().default("LOGGED_MODEL_PENDING"),
    model_type: text,
    source_run_id: text,
    tags: keyValues,
  }),
  data: z
    .object({
      params: keyValues,
      metrics: z
        .array(
          z.object({
            key: z.string(),
            value: double.default(0),
            timestamp: int64.default(0n),
            step: int64.default(0n),
            dataset_name: z.string().optional(),
            dataset_digest: z.string().optional(),
            run_id: z.string().optional(),
          }),
        )
        .default([]),
    })
    .prefault({}),
});
export type WireLoggedModel = z.infer<typeof loggedModel>;

const versionNumber = z.union([z.number(), z.string()]).transform(Number);

const registeredModel = z.object({
  name: z.string(),
  creation_timestamp: int64.optional(),
  last_updated_timestamp: int64.optional(),
  description: z.string().optional(),
  tags: keyValues,
  aliases: z.array(z.object({ alias: z.string(), version: versionNumber })).default([]),
});
export type WireRegisteredModel = z.infer<typeof registeredModel>;

const modelVersion = z.object({
  name: z.string(),
  version: versionNumber,
  creation_timestamp: int64.optional(),
  last_updated_timestamp: int64.optional(),
  description: z.string().optional(),
  user_id: z.string().optional(),
  current_stage: text,
  source: text,
  run_id: text,
  run_link: text,
  /** The logged model that was registered, where the server tells it. */
  model_id: text,
  /** Registries that copy files tell how far that is. */
  status: z.string().default("READY"),
  tags: keyValues,
});
export type WireModelVersion = z.infer<typeof modelVersion>;

const files = z.object({
  root_uri: text,
  files: z.array(z.object({ path: z.string(), is_dir: z.boolean().default(false), file_size: int64.optional() })).default([]),
});

/** Only where it is: traces are counted, not carried. Those of servers before 3.0 have an `experiment_id`. */
const trace = z.object({
  experiment_id: z.string().optional(),
  trace_location: z.object({ mlflow_experiment: z.object({ experiment_id: z.string() }).optional() }).optional(),
});

const workspace = z.object({ name: z.string(), description: text, default_artifact_root: text });
export type WireWorkspace = z.infer<typeof workspace>;

const nextPage = { next_page_token: z.string().optional() };

/** Answers by call. Parse with {@link parseWire}. */
export const wire = {
  experiment: z.object({ experiment }),
  experiments: z.object({ experiments: z.array(experiment).default([]), ...nextPage }),
  experimentCreated: z.object({ experiment_id: z.string() }),
  run: z.object({ run }),
  runs: z.object({ runs: z.array(run).default([]), ...nextPage }),
  metrics: z.object({ metrics: z.array(metric.and(z.object({ run_id: z.string().optional() }))).default([]), ...nextPage }),
  points: z.array(metric),
  loggedModel: z.object({ model: loggedModel }),
  loggedModels: z.object({ models: z.array(loggedModel).default([]), ...nextPage }),
  registeredModel: z.object({ registered_model: registeredModel }),
  registeredModels: z.object({ registered_models: z.array(registeredModel).default([]), ...nextPage }),
  modelVersion: z.object({ model_version: modelVersion }),
  modelVersions: z.object({ model_versions: z.array(modelVersion).default([]), ...nextPage }),
  downloadUri: z.object({ artifact_uri: z.string() }),
  files,
  traces: z.object({ traces: z.array(trace).default([]), ...nextPage }),
  datasets: z.object({ datasets: z.array(z.unknown()).default([]), ...nextPage }),
  scorers: z.object({ scorers: z.array(z.unknown()).default([]) }),
  webhooks: z.object({ webhooks: z.array(z.unknown()).default([]), ...nextPage }),
  currentUser: z.object({ user: z.object({ username: z.string(), is_admin: z.boolean().default(false) }).optional() }),
  workspaces: z.object({ workspaces: z.array(workspace).default([]) }),
  serverInfo: z.object({
    store_type: text,
    workspaces_enabled: z.boolean().default(false),
    artifact_serving_enabled: z.boolean().default(true),
    multipart_uploads_enabled: z.boolean().default(false),
  }),
  multipartUpload: z.object({
    upload_id: text,
    credentials: z.array(
      z.object({ url: z.string(), part_number: z.coerce.number(), headers: z.record(z.string(), z.string()).default({}) }),
    ),
  }),
  presigned: z.object({ url: z.string() }),
} as const;

/** Checks an answer. Throws NOT_A_REGISTRY naming the field when the server's answer is not MLflow's. */
export function parseWire<T>(schema: z.ZodType<T>, value: unknown, call: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new MigrationError(
    "NOT_A_REGISTRY",
    `the answer to ${call} is not MLflow's: ${issue?.path.join(".") ?? ""} ${issue?.message.toLowerCase() ?? ""}`,
    {
      hint: "check that the address is that of an MLflow tracking server",
    },
  );
}
