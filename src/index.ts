// The library: everything that a program needs to move registries by itself. What is not exported here may change at any time.

export { asMigrationError, CODES, MigrationError } from "./errors.ts";
export type { ErrorCode, ErrorContext, FailedRequest } from "./errors.ts";

export { createHttpClient } from "./http/client.ts";
export type { Auth, AuthProvider, HttpClient, HttpClientOptions, RetryEvent, Route } from "./http/client.ts";
export { renewing } from "./http/login.ts";
export type { Obtained } from "./http/login.ts";
export type { LevelChange, Observed, Strain } from "./http/adaptive.ts";
export type { PlaceKind } from "./http/gate.ts";
export { createPacer } from "./http/pace.ts";
export type { Pacer, PaceReport, PacerOptions, Place } from "./http/pace.ts";

export { connectMlflow } from "./adapters/mlflow/connect.ts";
export type { ConnectOptions } from "./adapters/mlflow/connect.ts";
export type { MlflowServer, OpenSourceServer } from "./adapters/mlflow/server.ts";
export type { SignedUrlOptions } from "./adapters/mlflow/signed-urls.ts";
export { createWorkspace, listWorkspaces } from "./adapters/mlflow/workspaces.ts";
export type { Workspace } from "./adapters/mlflow/workspaces.ts";
export { createMlflowSource } from "./adapters/mlflow/source.ts";
export { createMlflowTarget } from "./adapters/mlflow/target.ts";
export { checkBundle } from "./adapters/bundle/check.ts";
export type { BundleCheck, BundleProblem, CheckCounts } from "./adapters/bundle/check.ts";
export { openBundleSource } from "./adapters/bundle/source.ts";
export type { BundleSource, BundleSourceOptions } from "./adapters/bundle/source.ts";
export type { OpenTar } from "./adapters/bundle/member-store.ts";
export type { Compression } from "./adapters/bundle/spool.ts";
export type { ByteSink } from "./adapters/bundle/stream-writer.ts";
export { createBundleStream, createBundleTarget } from "./adapters/bundle/target.ts";
export type { BundleContentOptions, BundleStreamOptions, BundleTargetOptions } from "./adapters/bundle/target.ts";
export { createMemory } from "./adapters/memory/memory.ts";
export type { Content, MemoryOptions, MemoryPlace } from "./adapters/memory/memory.ts";

export { createStores } from "./stores/open.ts";
export type { RootRule, Stores, StoresOptions } from "./stores/open.ts";
export type { StoreSettings } from "./stores/settings.ts";
export type { Store, StoredBody, StoredFile } from "./stores/store.ts";

export { findJob, latestEntries, listJobs } from "./journal/jobs.ts";
export type { JobState, StoredJob } from "./journal/jobs.ts";
export { openJournal } from "./journal/journal.ts";
export { failedEntries, jobStatuses } from "./journal/status.ts";
export type { FailedEntry, JobCondition, JobStatus } from "./journal/status.ts";
export type { JobInfo, OpenedJournal, OpenJournalOptions } from "./journal/journal.ts";
export { memoryJournal } from "./journal/memory-journal.ts";

export type { Action, Change, ChangeClass, FileLoss, FileTotals, LeftOut, Outcome, Refusal, Step } from "./engine/change.ts";
export { diff, matchPlaces } from "./engine/diff.ts";
export type { Compared, Matched } from "./engine/diff.ts";
export type { Difference } from "./engine/diff-facts.ts";
export { execute } from "./engine/execute.ts";
export { LEVELS } from "./engine/finding.ts";
export type { Finding, Level, Verified } from "./engine/finding.ts";
export type { VersionNumbers } from "./engine/numbering.ts";
export type { Job, JobEvent, Placements } from "./engine/job.ts";
export { planSteps } from "./engine/plan.ts";
export { prepare } from "./engine/preflight.ts";
export type { Prepared } from "./engine/preflight.ts";
export { followPlan, stepFingerprint } from "./engine/saved-plan.ts";
export type { SavedPlan, SavedStep } from "./engine/saved-plan.ts";
export { verify } from "./engine/verify.ts";

export { PLAN_VERSION, rulesDigest } from "./plan-file/format.ts";
export type { PlanHeader, PlanLine, Rules } from "./plan-file/format.ts";
export { readPlanFile } from "./plan-file/read.ts";
export type { PlanFile } from "./plan-file/read.ts";
export { refuseStale } from "./plan-file/stale.ts";
export type { PlanGround } from "./plan-file/stale.ts";
export { createPlanFile } from "./plan-file/write.ts";
export type { PlanWriter } from "./plan-file/write.ts";

export { createFileFilter } from "./model/file-filter.ts";
export type { FileFilter, FileRules } from "./model/file-filter.ts";
export type { NotebookFormat } from "./model/notebook.ts";
export { createMapping, mergeMappings, parseMapping } from "./model/mapping.ts";
export type { Mapping, MappingFile } from "./model/mapping.ts";
export { facts, fingerprint } from "./model/facts.ts";
export type { Facts } from "./model/facts.ts";
export { aliasKey, idOf, keyOf, kindOf, placed, versionKey } from "./model/keys.ts";
export type { PulledIn } from "./model/pulled-in.ts";
export type { Question } from "./model/question.ts";
export { selectionSchema } from "./model/selection.ts";
export type { Selection, Since, TagTest, VersionSpan } from "./model/selection.ts";
export { KINDS } from "./model/entities.ts";
export type {
  Alias,
  DatasetInput,
  Digest,
  Entity,
  EntityKey,
  EntityOf,
  EpochMs,
  Experiment,
  Kind,
  LoggedModel,
  MetricPoint,
  ModelMetric,
  ModelVersion,
  OriginId,
  PlacedKey,
  RegisteredModel,
  Run,
  RunStatus,
  Stage,
  Tags,
  VersionFiles,
} from "./model/entities.ts";

export type { Capabilities, NameRule, TagLimits } from "./ports/capabilities.ts";
export type { FileEntry, JobIdentity, Journal, JournalEntry } from "./ports/journal.ts";
export type { ArtifactFile, ArtifactReader, Catalogue, Histories, LossRecord, NotCarried, Source } from "./ports/source.ts";
export type { FindContext, FinishSummary, Found, PutContext, SendFile, Target } from "./ports/target.ts";

export { createAccounting } from "./report/accounting.ts";
export type { Accounting, FactTotals } from "./report/accounting.ts";
export { diffSchema } from "./report/diff-json.ts";
export { entityJson, entitySchema } from "./report/entity-json.ts";
export { bundleCheckSchema } from "./report/bundle-check-json.ts";
export { errorSchema, jobSchema, JSON_VERSION, listingSchema, planSchema, verifySchema } from "./report/json.ts";
export { workspacesSchema } from "./report/workspaces-json.ts";
export type { WorkspacesJson } from "./report/workspaces-json.ts";
export type { BundleCheckJson } from "./report/bundle-check-json.ts";
export type { JobJson, ListingJson, PlanJson, VerifyJson } from "./report/json.ts";
export { statusSchema } from "./report/status.ts";
export type { StatusJson } from "./report/status.ts";
