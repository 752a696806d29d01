// What is kept in memory of each line: where it is, and the few facts that order and selection need.
import type { EntityKey, Kind } from "../../model/entities.ts";
import { later } from "../../model/closure.ts";
import type { Selectable } from "../../model/closure.ts";
import { keyOf, kindOf, versionKey } from "../../model/keys.ts";
import { firstIssue } from "./envelope.ts";
import { recordSchemas } from "./records.ts";
import type { BundleRecord, RecordOf } from "./records.ts";

export interface IndexEntry extends Selectable {
  /** Of the line in its file, without the line feed. */
  readonly position: number;
  readonly sizeBytes: number;
  readonly mark?: string;
  /** Of its own kind, and to come first where that is possible: a run's parent, a promoted version's origin. */
  readonly after: readonly EntityKey[];
  /** Milliseconds; absent where the kind has none or it is not set. */
  readonly time?: bigint;
}

/** The tag by which MLflow names a run's parent. */
const PARENT_RUN = "mlflow.parentRunId";

/** Reads a line. Returns what is wrong with it where it is no record of the kind. */
export function parseRecord(kind: Kind, bytes: Uint8Array): BundleRecord | string {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch {
    return "is no JSON";
  }
  const record = recordSchemas[kind].safeParse(value);
  if (!record.success) return firstIssue(record.error);
  const { key } = record.data.entity;
  return kindOf(key as EntityKey) === kind ? record.data : `the key ${JSON.stringify(key)} is not of the kind ${kind}`;
}

/** The entry of a line. `intern` gives equal keys one string, since most keys are named by several lines. */
export function indexEntry(
  record: BundleRecord,
  place: { position: number; sizeBytes: number },
  intern: (key: string) => EntityKey,
): IndexEntry {
  const { entity } = record;
  const container = containerOf(entity);
  const after = entity.kind === "run" || entity.kind === "model-version" ? sameKind(entity).map(intern) : [];
  const time = timeOf(entity);
  return {
    key: intern(entity.key),
    kind: entity.kind,
    ...place,
    ...selectedBy(entity, intern),
    ...(container === undefined ? {} : { container: intern(container) }),
    pulls: [...new Set([...entity.needs, ...pulledBy(entity)])].map(intern),
    deleted: "deleted" in entity && entity.deleted,
    after,
    ...("mark" in record && record.mark !== undefined ? { mark: record.mark } : {}),
    ...(time === undefined ? {} : { time: BigInt(time) }),
    ...changeOf(entity),
  };
}

type EntityRecord = BundleRecord["entity"];

function timeOf(entity: EntityRecord): string | undefined {
  if (entity.kind === "run") return entity.startTime;
  if (entity.kind === "stage-transition") return entity.at;
  return "createdAt" in entity ? entity.createdAt : undefined;
}

/** What patterns and filters ask of each kind. */
function selectedBy(entity: EntityRecord, intern: (key: string) => EntityKey): Partial<Selectable> {
  switch (entity.kind) {
    case "experiment":
    case "registered-model":
      return { name: entity.name, tags: new Map(entity.tags) };
    case "logged-model":
      return { pulledBy: [...entity.outputOf.map(({ run }) => run), ...entity.inputOf].map(intern) };
    case "model-version":
      return { version: entity.version, stage: entity.stage };
    case "alias":
      return { name: entity.alias };
    case "stage-transition":
    case "comment":
    case "transition-request":
      return { follows: intern(containerOf(entity) ?? entity.key) };
    case "permission":
    case "webhook":
      return { follows: entity.needs[0] === undefined ? "registry" : intern(entity.needs[0]) };
    case "run":
      return {};
  }
}

function changeOf(entity: EntityRecord): Pick<Selectable, "changedAt"> {
  const time = (text: string | undefined): bigint | undefined => (text === undefined ? undefined : BigInt(text));
  if (entity.kind === "run") return { changedAt: later(time(entity.startTime), time(entity.endTime)) };
  if (entity.kind === "stage-transition") return { changedAt: BigInt(entity.at) };
  if (entity.kind === "comment") return { changedAt: BigInt(entity.updatedAt ?? entity.createdAt) };
  return !("createdAt" in entity) || entity.createdAt === undefined ? {} : { changedAt: BigInt(entity.createdAt) };
}

// By needs where they name it: the name in the entity may be a mapped one, the key is the source's.
function containerOf(entity: EntityRecord): string | undefined {
  const needed = (kind: Kind): string | undefined => entity.needs.find((key) => kindOf(key as EntityKey) === kind);
  switch (entity.kind) {
    case "run":
    case "logged-model":
      return entity.experiment;
    case "model-version":
      return needed("registered-model") ?? keyOf("registered-model", entity.model);
    case "stage-transition":
    case "comment":
    case "transition-request":
      return needed("model-version") ?? versionKey(entity.model, entity.version);
    case "alias":
      return needed("model-version") ?? keyOf("registered-model", entity.model);
    case "experiment":
    case "registered-model":
    case "permission":
    case "webhook":
      return undefined;
  }
}

function pulledBy(entity: EntityRecord): string[] {
  const pulled = [containerOf(entity), "run" in entity ? entity.run : undefined, "sourceRun" in entity ? entity.sourceRun : undefined];
  if (entity.kind === "run") pulled.push(parentOf(entity));
  if (entity.kind === "model-version") pulled.push(holderOf(entity));
  return pulled.filter((key) => key !== undefined);
}

function holderOf({ files, needs }: RecordOf<"model-version">["entity"]): string | undefined {
  if (files.owner !== "own") return files.key;
  return needs.find((key) => key === files.loggedModel);
}

function sameKind(entity: EntityRecord): string[] {
  const named = [...entity.needs, ...(entity.kind === "run" ? [parentOf(entity), ...entity.mayReference] : [])];
  if (entity.kind === "model-version" && entity.files.owner === "version") named.push(entity.files.key);
  return named.filter((key) => key !== undefined && key !== entity.key && kindOf(key as EntityKey) === entity.kind) as string[];
}

function parentOf(entity: Extract<EntityRecord, { kind: "run" }>): string | undefined {
  const parent = entity.tags.find(([name]) => name === PARENT_RUN)?.[1];
  return parent === undefined ? undefined : keyOf("run", parent);
}
