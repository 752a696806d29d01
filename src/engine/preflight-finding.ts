// What is found out before a job that a person should know: the vocabulary of preflight and its report.
import type { EntityKey } from "../model/entities.ts";

/** What a finding means for the job. */
export type Severity = "stops-job" | "leaves-out" | "warns";

/** Each code has one severity and one hint. */
export const PREFLIGHT = {
  NAME_ILLEGAL: {
    severity: "stops-job",
    title: "names that the target does not allow",
    hint: "rename them: --rename-model FROM=TO, a rule with * in the mapping file, or --to-schema CATALOG.SCHEMA for all of them",
  },
  MAPPING_COLLISION: {
    severity: "stops-job",
    title: "objects that would get one name",
    hint: "give one of each pair a rule of its own in the mapping",
  },
  NAME_TAKEN: {
    severity: "stops-job",
    title: "names that the target holds already, for models from elsewhere",
    hint: "give yours other names with --rename-model FROM=TO or in the mapping file, or delete them at the target",
  },
  TARGET_CHECK: { severity: "stops-job", title: "what the target is not ready for", hint: "see the hint of each" },
  TARGET_WARNING: { severity: "warns", title: "what the target says of itself", hint: "see the hint of each" },
  SIGNATURE_MISSING: {
    severity: "warns",
    title: "versions without a signature of inputs and outputs, which clients of the target ask for",
    hint: "their owners can log them anew with a signature, or set one with mlflow.models.set_signature before the move",
  },
  TABLES_UNMAPPED: {
    severity: "leaves-out",
    title: "models that look up features in tables of which nobody said what they are called at the target",
    hint: "give each table a rule, --rename-table FROM=TO, the same name too where it stays; --on-loss drop moves them as they are",
  },
  FEATURE_STORE: {
    severity: "warns",
    title: "models that look up features in tables without a rule, and are moved as they are",
    hint: "they predict only where tables of the same names can be read: --rename-table FROM=TO renames them on the way",
  },
  CONDA_DEFAULTS: {
    severity: "warns",
    title: "environments that take packages from the channel `defaults`, which may need a licence",
    hint: "models logged before MLflow 1.18 have it: --conda-channels defaults=conda-forge exchanges it on the way",
  },
  FILES_CHANGED: {
    severity: "warns",
    title: "files that the mapping changes",
    hint: "each comes along as it was too, as NAME.before-mlferry",
  },
  MODEL_FILE_MISSING: {
    severity: "warns",
    title: "versions whose files hold no readable MLmodel, so that nothing can load them",
    hint: "see with mlferry show KEY --files what there is",
  },
  FILES_UNREADABLE: {
    severity: "warns",
    title: "objects whose files cannot be read from here",
    hint: "a store behind a private link or a firewall has to be reachable from this machine: mlferry doctor SRC tells more",
  },
} as const satisfies Readonly<Record<string, { readonly severity: Severity; readonly title: string; readonly hint: string }>>;

export type PreflightCode = keyof typeof PREFLIGHT;

export interface PreflightFinding {
  readonly code: PreflightCode;
  /** The objects of the source that it is about. */
  readonly keys: readonly EntityKey[];
  /** What was found: lower case, no full stop. */
  readonly message: string;
  /** Default: that of the code. */
  readonly hint?: string;
  /** Who can do something about it: the creator of a version. */
  readonly owner?: string;
}
