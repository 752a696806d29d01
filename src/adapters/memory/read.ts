// The reading side: selection with its closure, dependency order, histories and files.
import { MigrationError } from "../../errors.ts";
import { changeOf, closeSelection, followedBy } from "../../model/closure.ts";
import type { Selectable } from "../../model/closure.ts";
import { KINDS } from "../../model/entities.ts";
import type { Entity, EntityKey, Kind, LoggedModel, ModelVersion, Run } from "../../model/entities.ts";
import { isEntry, keyOf, versionKey } from "../../model/keys.ts";
import { isNotebookFile } from "../../model/notebook.ts";
import { byVersionAndTime, timeOf } from "../../model/order.ts";
import { isAnswer } from "../../model/question.ts";
import type { Question } from "../../model/question.ts";
import { runFilter } from "../../model/run-filter.ts";
import type { Selection } from "../../model/selection.ts";
import type { ArtifactReader, Catalogue, Histories } from "../../ports/source.ts";
import { stored } from "./store.ts";
import type { Store, Stored, StoredFile } from "./store.ts";

/** Most points in one batch, and most bytes in one chunk: small, so that readers meet more than one. */
const BATCH = 500;
const CHUNK_BYTES = 64 * 1024;

/** Most runs of one histories call: the port's limit. */
const MAX_RUNS = 100;

export function select(place: Store, selection: Selection): Catalogue {
  const selectables = new Map([...place.objects].map(([key, object]) => [key, selectable(object)]));
  const isWanted = runFilter(selection.runs ?? "");
  const closure = closeSelection(selectables, selection, {
    isRunWanted: (key) => {
      const { entity } = stored(place, key);
      return entity.kind === "run" && isWanted(entity);
    },
  });
  const keys = inOrder(place, closure.keys);
  const chosen = keys.map((key) => stored(place, key).entity);
  const expected: Partial<Record<Kind, number>> = {};
  for (const entity of chosen) expected[entity.kind] = (expected[entity.kind] ?? 0) + 1;
  return {
    experiments: chosen.filter((entity) => entity.kind === "experiment"),
    models: chosen.filter((entity) => entity.kind === "registered-model"),
    expected,
    pulledIn: closure.pulledIn,
    leftOut: closure.leftOut,
    notCarried: [],
    async *entities(signal) {
      for (const key of keys) {
        signal.throwIfAborted();
        yield stored(place, key).entity;
      }
    },
    entity: async (key) => stored(place, key).entity,
  };
}

export async function* ask(place: Store, question: Question, signal: AbortSignal): AsyncGenerator<Entity> {
  for (const { entity } of place.objects.values()) {
    signal.throwIfAborted();
    if (isAnswer(entity, question)) yield entity;
  }
}

export function histories(place: Store, runs: readonly Run[], signal: AbortSignal): Histories {
  if (runs.length > MAX_RUNS) throw new MigrationError("REQUEST_FAILED", `histories of ${String(runs.length)} runs were asked for at once`);
  const group = new Set(runs.map((run) => run.key));
  return {
    async *points(run) {
      if (!group.has(run)) throw new MigrationError("REQUEST_FAILED", `${run} is not of the group whose histories are read`, { key: run });
      const { points } = stored(place, run);
      for (let start = 0; start < points.length; start += BATCH) {
        signal.throwIfAborted();
        yield points.slice(start, start + BATCH);
      }
    },
  };
}

export function artifacts(place: Store, owner: Run | LoggedModel | ModelVersion, signal: AbortSignal): ArtifactReader {
  return {
    async *list() {
      signal.throwIfAborted();
      for (const { file } of filesOf(place, owner.key).values()) yield file;
    },
    async *open(file, { offset = 0 } = {}) {
      const found = filesOf(place, owner.key).get(file.path);
      if (found === undefined) throw new MigrationError("ARTIFACT_UNREADABLE", `no file ${JSON.stringify(file.path)} below ${owner.key}`);
      for (let start = offset; start < found.bytes.length; start += CHUNK_BYTES) {
        signal.throwIfAborted();
        yield found.bytes.subarray(start, start + CHUNK_BYTES);
      }
    },
  };
}

/** The files of an object by path below it; a version's are looked up wherever they lie. */
function filesOf(place: Store, key: EntityKey): ReadonlyMap<string, StoredFile> {
  const { entity, files } = stored(place, key);
  if (entity.kind !== "model-version" || entity.files.owner === "own") return files;
  if (entity.files.owner === "version") return filesOf(place, entity.files.key);
  const below = entity.files.path === "" ? "" : `${entity.files.path}/`;
  const found = new Map<string, StoredFile>();
  for (const [path, { file, bytes }] of stored(place, entity.files.key).files) {
    if (!path.startsWith(below) || (below === "" && isNotebookFile(path))) continue;
    const inner = path.slice(below.length);
    found.set(inner, { file: { ...file, path: inner }, bytes });
  }
  return found;
}

function selectable({ entity }: Stored): Selectable {
  const { key, kind, needs: pulls } = entity;
  const node = { key, kind, pulls, deleted: "deleted" in entity && entity.deleted, ...followedBy(entity), ...changeOf(entity) };
  switch (entity.kind) {
    case "experiment":
    case "registered-model":
      return { ...node, name: entity.name, tags: entity.tags };
    case "run":
      return { ...node, container: entity.experiment };
    case "logged-model":
      return { ...node, container: entity.experiment, pulledBy: [...entity.outputOf.map(({ run }) => run), ...entity.inputOf] };
    case "model-version":
      return { ...node, container: keyOf("registered-model", entity.model), version: entity.version, stage: entity.stage };
    case "alias":
      return { ...node, container: versionKey(entity.model, entity.version), name: entity.alias };
    case "stage-transition":
    case "comment":
    case "transition-request":
    case "permission":
    case "webhook":
      return node;
  }
}

/** Kinds in order; within a kind what is needed first, and versions ascending per model. */
function inOrder(place: Store, selected: ReadonlySet<EntityKey>): EntityKey[] {
  const chosen = [...selected].map((key) => stored(place, key).entity).sort(byRank);
  const previous = previousVersions(chosen);
  const ordered: EntityKey[] = [];
  const visited = new Set<EntityKey>();
  const visit = (key: EntityKey): void => {
    if (visited.has(key) || !selected.has(key)) return;
    visited.add(key);
    stored(place, key).entity.needs.forEach(visit);
    const lower = previous.get(key);
    if (lower !== undefined) visit(lower);
    ordered.push(key);
  };
  for (const entity of chosen) visit(entity.key);
  return ordered;
}

function byRank(a: Entity, b: Entity): number {
  if (isEntry(a) && a.kind === b.kind && isEntry(b))
    return byVersionAndTime({ key: a.key, time: timeOf(a) }, { key: b.key, time: timeOf(b) });
  return rank(a) - rank(b) || number(a) - number(b);
}

function rank(entity: Entity): number {
  return KINDS.indexOf(entity.kind);
}

function number(entity: Entity): number {
  return entity.kind === "model-version" ? entity.version : 0;
}

/** The version before each version of the same model. */
function previousVersions(ascending: readonly Entity[]): Map<EntityKey, EntityKey> {
  const latest = new Map<string, EntityKey>();
  const previous = new Map<EntityKey, EntityKey>();
  for (const entity of ascending) {
    if (entity.kind !== "model-version") continue;
    const before = latest.get(entity.model);
    if (before !== undefined) previous.set(entity.key, before);
    latest.set(entity.model, entity.key);
  }
  return previous;
}
