// A job: one source, one target, and how to get from one to the other. What plan, execute and verify share.
import type { MigrationError } from "../errors.ts";
import type { Entity, EntityKey, ModelVersion, PlacedKey, Tags } from "../model/entities.ts";
import { facts, type Facts, isDated } from "../model/facts.ts";
import { idOf, PROVENANCE, provenanceDigest } from "../model/keys.ts";
import type { FileFilter } from "../model/file-filter.ts";
import type { Mapping } from "../model/mapping.ts";
import type { NotebookFormat } from "../model/notebook.ts";
import type { Selection } from "../model/selection.ts";
import type { Capabilities } from "../ports/capabilities.ts";
import type { Journal } from "../ports/journal.ts";
import type { Catalogue, Source } from "../ports/source.ts";
import type { Target } from "../ports/target.ts";
import type { FileLoss } from "./change.ts";
import type { VersionNumbers } from "./numbering.ts";

export interface Job {
  readonly source: Source;
  readonly target: Target;
  readonly journal: Journal;
  readonly selection: Selection;
  readonly mapping: Mapping;
  readonly onLoss: "refuse" | "drop";
  /** Files that are wanted. Default: all. */
  readonly files?: FileFilter;
  /** In which form the source gives runs the notebooks that they were made by. Default: not at all. */
  readonly notebooks?: NotebookFormat;
  /** Default: `preserve`. */
  readonly versionNumbers?: VersionNumbers;
  /** Send once more what may have taken effect already (see Capabilities.unrecognised). Default: false. */
  readonly repeatUnknown?: boolean;
  /** Most requests that may be in flight at one host; the number of entities that are worked on is derived from it. */
  readonly inFlight: number;
  /**
   * File transfers that may be under way now; asked again whenever one begins or ends. A transfer holds a reading and a writing
   * request at once, so the default is half of `inFlight`, which does where both go to one host.
   */
  readonly transfers?: () => number;
  /** Cancels everything, requests under way included. */
  readonly signal: AbortSignal;
  /** Stops new work; what has begun ends properly. */
  readonly drain: AbortSignal;
  readonly onEvent: (event: JobEvent) => void;
}

/** What happens while a job runs, for progress displays and logs; results are outcomes, not events. */
export type JobEvent =
  | { readonly type: "selected"; readonly catalogue: Catalogue }
  | { readonly type: "started"; readonly key: EntityKey }
  | { readonly type: "bytes"; readonly bytes: number }
  | { readonly type: "file"; readonly key: EntityKey; readonly path: string }
  | { readonly type: "file-lost"; readonly key: EntityKey; readonly loss: FileLoss }
  | { readonly type: "points"; readonly points: number };

/** See {@link Job.transfers}. */
export function transfersOf({ inFlight, transfers }: Pick<Job, "inFlight" | "transfers">): () => number {
  return transfers ?? (() => Math.floor(inFlight / 2));
}

/** Where entities of the source are at the target, as far as is known. */
export interface Placements {
  placed(key: EntityKey): PlacedKey | undefined;
  set(key: EntityKey, placed: PlacedKey): void;
}

export function createPlacements(): Placements {
  const known = new Map<EntityKey, PlacedKey>();
  return { placed: (key) => known.get(key), set: (key, place) => void known.set(key, place) };
}

/** The provenance tags of an entity that is to be written, without prefix. `containers` gives mapped names of experiments. */
export function provenanceOf(
  source: Entity,
  entity: Entity,
  job: Pick<Job, "source" | "target">,
  containers: ReadonlyMap<EntityKey, string>,
): Tags {
  const tags = new Map<string, string>();
  tags.set(PROVENANCE.source, provenanceDigest(job.source.origin, source.key, containerName(entity, containers)));
  tags.set(PROVENANCE.sourceId, idOf(source.key));
  const { creationTimes, runUsers } = job.target.capabilities;
  if (source.kind === "run" && runUsers === "assigned" && source.user !== "") tags.set(PROVENANCE.createdBy, source.user);
  if (creationTimes === "chosen" || !isDated(source)) return tags;
  if (source.createdAt !== undefined) tags.set(PROVENANCE.createdAt, String(source.createdAt));
  if (source.kind === "model-version" && source.user !== undefined && source.user !== "") tags.set(PROVENANCE.createdBy, source.user);
  return tags;
}

function containerName(entity: Entity, containers: ReadonlyMap<EntityKey, string>): string {
  switch (entity.kind) {
    case "experiment":
    case "registered-model":
      return entity.name;
    case "run":
    case "logged-model":
      return containers.get(entity.experiment) ?? entity.experiment;
    case "model-version":
    case "stage-transition":
    case "comment":
    case "transition-request":
    case "alias":
      return entity.model;
    case "permission":
      return entity.object === "registry" ? entity.object : (containers.get(entity.object) ?? entity.object);
    case "webhook":
      return entity.model ?? "registry";
  }
}

/** Facts that source and target can be expected to share: those that the target assigns itself are left out. */
export function comparableFacts(entity: Entity, capabilities: Capabilities): Facts {
  const all = new Map(facts(entity));
  if (capabilities.creationTimes === "assigned" && isDated(entity)) {
    all.delete("createdAt");
    if (entity.kind === "model-version") all.delete("user");
  }
  if (capabilities.runUsers === "assigned" && entity.kind === "run") all.delete("user");
  return all;
}

/** Whether the target keeps files for this version itself, so that it can be half-written. */
export function hasOwnFiles(version: ModelVersion): boolean {
  return version.files.owner === "own";
}

/** Errors that end a job at once, instead of failing one entity: going on would only repeat them. */
export function isFatal(error: MigrationError): boolean {
  // A server's 403 is about one object; 401, or no credential to be had, is about all.
  if (error.code === "NOT_AUTHORISED") return error.request === undefined || error.request.status === 401;
  // A bundle that another process took in the meantime.
  if (error.code === "OUTPUT_EXISTS" || error.code === "OUTPUT_CLOSED") return true;
  return error.code === "INTERRUPTED" || error.code === "DISK" || error.code === "SERVER_UNREACHABLE" || error.code === "INTERNAL";
}
