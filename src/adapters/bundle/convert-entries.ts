// What hangs on versions and objects, as it stands in a line, and back: times as text, keys as they are.
import type { EntityKey, ModelVersion, Part } from "../../model/entities.ts";
import type { RecordOf } from "./records.ts";

/** What every line has in its own form. */
export interface NodeRecord {
  key: string;
  needs: string[];
  mayReference: string[];
  provenance: [string, string][];
}
type PartRecord = RecordOf<Part["kind"]>["entity"];

export function toPartRecord(entity: Part, node: NodeRecord): PartRecord {
  switch (entity.kind) {
    case "stage-transition":
      return { ...entity, ...node, at: entity.at.toString() };
    case "comment": {
      const { updatedAt, ...rest } = entity;
      const updated = updatedAt === undefined ? {} : { updatedAt: updatedAt.toString() };
      return { ...rest, ...node, createdAt: entity.createdAt.toString(), ...updated };
    }
    case "transition-request":
      return { ...entity, ...node, createdAt: entity.createdAt.toString() };
    case "permission":
      return { ...entity, ...node, entries: entity.entries.map((entry) => ({ ...entry })) };
    case "webhook":
      return { ...entity, ...node, events: [...entity.events], target: { ...entity.target } };
  }
}

type Node = Pick<Part, "key" | "needs" | "mayReference" | "provenance">;

export function toPart(record: PartRecord, node: Node): Part {
  switch (record.kind) {
    case "stage-transition":
      return { ...record, ...node, at: BigInt(record.at) };
    case "comment": {
      const { updatedAt, ...rest } = record;
      const updated = updatedAt === undefined ? {} : { updatedAt: BigInt(updatedAt) };
      return { ...rest, ...node, createdAt: BigInt(record.createdAt), ...updated };
    }
    case "transition-request":
      return { ...record, ...node, createdAt: BigInt(record.createdAt) };
    case "permission":
      // Keys were checked by the schema.
      return { ...record, ...node, object: record.object as EntityKey | "registry" };
    case "webhook":
      return { ...record, ...node };
  }
}

type HistoryRecord = Pick<RecordOf<"model-version">["entity"], "history">;

export function historyRecord({ history }: ModelVersion): HistoryRecord {
  if (history === undefined) return {};
  const { since, ...rest } = history;
  return { history: { ...rest, ...(since === undefined ? {} : { since: since.toString() }) } };
}

export function historyOf({ history }: HistoryRecord): Pick<ModelVersion, "history"> {
  if (history === undefined) return {};
  const { since, ...rest } = history;
  return { history: { ...rest, ...(since === undefined ? {} : { since: BigInt(since) }) } };
}
