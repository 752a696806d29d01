// A line of entities/*.jsonl: one schema for each kind. docs/bundle.schema.json is generated from these.
import { z } from "zod";
import { KINDS, STAGES } from "../../model/entities.ts";

const key = z.string().regex(new RegExp(`^(?:${KINDS.join("|")}):`, "u"));
/** A 64-bit whole number as decimal text; longer ones are kept too, since a source may hold them. */
const whole = z.string().regex(/^(?:0|-?[1-9][0-9]{0,38})$/u);
/** A double: JSON has no way to write these four. */
const double = z.union([z.number(), z.enum(["NaN", "Infinity", "-Infinity", "-0"])]);
/** Pairs instead of an object: no name is special, and readers need not keep the order of object keys. */
const pairs = z.array(z.tuple([z.string(), z.string()])).refine((all) => isUnique(all.map(([name]) => name)), "a name is there twice");
const sha256 = z.string().regex(/^[0-9a-f]{64}$/u);
const sizeBytes = z.int().min(0);
const blob = z.strictObject({ blob: sha256, size: sizeBytes });
/** A text, or the blob with its UTF-8 bytes where it is long. */
const text = z.union([z.string(), blob]);

/** A relative POSIX path without empty, `.` or `..` parts. */
export const FILE_PATH = /^(?!(?:[\s\S]*\/)?\.{0,2}(?:\/|$))[^\0]+$/u;

const file = z.strictObject({ path: z.string().regex(FILE_PATH), size: sizeBytes, sha256 });
const unreadable = z.strictObject({ path: z.string(), code: z.string(), message: z.string() });

function isUnique(names: readonly string[]): boolean {
  return new Set(names).size === names.length;
}

function node<K extends string, S extends z.core.$ZodLooseShape>(kind: K, shape: S) {
  return z.strictObject({ kind: z.literal(kind), key, needs: z.array(key), mayReference: z.array(key), provenance: pairs, ...shape });
}

/** One metric point: name, value, step, timestamp. Also each line of a run's metrics blob. */
export const pointSchema = z.tuple([z.string(), double, whole, whole]);

const experiment = node("experiment", { name: z.string(), tags: pairs, deleted: z.boolean(), createdAt: z.exactOptional(whole) });

const dataset = z.strictObject({
  name: z.string(),
  digest: z.string(),
  sourceType: z.string(),
  source: text,
  schema: z.exactOptional(text),
  profile: z.exactOptional(text),
  tags: pairs,
});

const run = node("run", {
  experiment: key,
  name: z.string(),
  user: z.string(),
  status: z.enum(["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]),
  startTime: z.exactOptional(whole),
  endTime: z.exactOptional(whole),
  params: pairs,
  tags: pairs,
  latestMetrics: z.array(pointSchema),
  datasets: z.array(dataset),
  deleted: z.boolean(),
});

const modelMetric = z.strictObject({
  key: z.string(),
  value: double,
  step: whole,
  timestamp: whole,
  run: z.exactOptional(key),
  datasetName: z.exactOptional(z.string()),
  datasetDigest: z.exactOptional(z.string()),
});

const loggedModel = node("logged-model", {
  experiment: key,
  name: z.string(),
  modelType: z.exactOptional(z.string()),
  status: z.enum(["PENDING", "READY", "UPLOAD_FAILED"]),
  sourceRun: z.exactOptional(key),
  params: pairs,
  tags: pairs,
  metrics: z.array(modelMetric),
  outputOf: z.array(z.strictObject({ run: key, step: whole })),
  inputOf: z.array(key),
  createdAt: z.exactOptional(whole),
});

const registeredModel = node("registered-model", {
  name: z.string(),
  description: z.exactOptional(z.string()),
  tags: pairs,
  createdAt: z.exactOptional(whole),
});

const versionFiles = z.discriminatedUnion("owner", [
  z.strictObject({ owner: z.enum(["run", "logged-model"]), key, path: z.string() }),
  z.strictObject({ owner: z.literal("version"), key }),
  z.strictObject({ owner: z.literal("own"), loggedModel: z.exactOptional(key) }),
]);

const modelVersion = node("model-version", {
  model: z.string(),
  version: z.int().min(1),
  description: z.exactOptional(z.string()),
  tags: pairs,
  stage: z.enum(STAGES),
  run: z.exactOptional(key),
  files: versionFiles,
  sourceUri: z.string(),
  runLink: z.exactOptional(z.string()),
  createdAt: z.exactOptional(whole),
  user: z.exactOptional(z.string()),
  history: z.exactOptional(
    z.strictObject({
      state: z.enum(["complete", "partial", "unavailable"]),
      since: z.exactOptional(whole),
      reason: z.exactOptional(z.string()),
    }),
  ),
});

const stage = z.enum(STAGES);
const ofVersion = { model: z.string(), version: z.int().min(1), user: z.exactOptional(z.string()) };

const stageTransition = node("stage-transition", {
  ...ofVersion,
  from: stage,
  to: stage,
  at: whole,
  comment: z.exactOptional(z.string()),
  bySystem: z.boolean(),
});
const comment = node("comment", { ...ofVersion, text: z.string(), createdAt: whole, updatedAt: z.exactOptional(whole) });
const transitionRequest = node("transition-request", { ...ofVersion, to: stage, createdAt: whole, comment: z.exactOptional(z.string()) });

const permission = node("permission", {
  object: z.union([key, z.literal("registry")]),
  entries: z.array(z.strictObject({ kind: z.enum(["user", "group", "service-principal"]), name: z.string(), level: z.string() })),
});

const webhook = node("webhook", {
  model: z.exactOptional(z.string()),
  events: z.array(z.string()),
  description: z.exactOptional(z.string()),
  status: z.enum(["ACTIVE", "DISABLED", "TEST_MODE"]),
  target: z.union([
    z.strictObject({ url: z.string(), verifiesTls: z.boolean() }),
    z.strictObject({ jobId: z.string(), workspaceUrl: z.exactOptional(z.string()) }),
  ]),
});

const alias = node("alias", { model: z.string(), alias: z.string(), version: z.int().min(1) });

const files = z.array(file).refine((all) => isUnique(all.map(({ path }) => path)), "a path is there twice");
const unread = z.exactOptional(z.array(unreadable));
/** The completion mark that the writer was given. */
const mark = z.exactOptional(z.string());
/** A run's metric history: a blob of lines, each one point. */
const metrics = z.exactOptional(z.strictObject({ blob: sha256, size: sizeBytes, points: z.int().min(1) }));

/** The schema of a line, by kind. */
export const recordSchemas = {
  experiment: z.strictObject({ entity: experiment }),
  run: z.strictObject({ entity: run, mark, metrics, files, unreadable: unread }),
  "logged-model": z.strictObject({ entity: loggedModel, mark, files, unreadable: unread }),
  "registered-model": z.strictObject({ entity: registeredModel }),
  "model-version": z.strictObject({ entity: modelVersion, mark, files, unreadable: unread }),
  "stage-transition": z.strictObject({ entity: stageTransition }),
  comment: z.strictObject({ entity: comment }),
  "transition-request": z.strictObject({ entity: transitionRequest }),
  alias: z.strictObject({ entity: alias }),
  permission: z.strictObject({ entity: permission }),
  webhook: z.strictObject({ entity: webhook }),
} as const;

type Schemas = typeof recordSchemas;
export type BundleRecord = { [K in keyof Schemas]: z.output<Schemas[K]> }[keyof Schemas];
export type RecordOf<K extends keyof Schemas> = z.output<Schemas[K]>;
export type FileRecord = z.output<typeof file>;
export type UnreadableRecord = z.output<typeof unreadable>;
export type MetricsRecord = Exclude<RecordOf<"run">["metrics"], undefined>;
export type PointRecord = z.output<typeof pointSchema>;
export type TextRecord = z.output<typeof text>;
export type DatasetRecord = z.output<typeof dataset>;
