// The reading side: selection with its closure, dependency order, histories and files.
import { MigrationError } from "../../errors.ts";
import { KINDS } from "../../model/entities.ts";
import type { Entity, EntityKey, Kind, LoggedModel, ModelVersion, Run } from "../../model/entities.ts";
import { matcher, unmatched } from "../../model/selection.ts";
import type { Selection } from "../../model/selection.ts";
import type { ArtifactReader, Catalogue, Histories } from "../../ports/source.ts";
import { stored } from "./store.ts";
import type { Store, StoredFile } from "./store.ts";

/** Most points in one batch, and most bytes in one chunk: small, so that readers meet more than one. */
const BATCH = 500;
const CHUNK_BYTES = 64 * 1024;

/** Most runs of one histories call: the port's limit. */
const MAX_RUNS = 100;

export function select(place: Store, selection: Selection): Catalogue {
  checkPatterns(place, selection);
  const keys = inOrder(place, closure(place, selection));
  const chosen = keys.map((key) => stored(place, key).entity);
  const expected: Partial<Record<Kind, number>> = {};
  for (const entity of chosen) expected[entity.kind] = (expected[entity.kind] ?? 0) + 1;
  return {
    experiments: chosen.filter((entity) => entity.kind === "experiment"),
    models: chosen.filter((entity) => entity.kind === "registered-model"),
    expected,
    notCarried: [],
    async *entities(signal) {
      for (const key of keys) {
        signal.throwIfAborted();
        yield stored(place, key).entity;
      }
    },
  };
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
    if (!path.startsWith(below)) continue;
    const inner = path.slice(below.length);
    found.set(inner, { file: { ...file, path: inner }, bytes });
  }
  return found;
}

function checkPatterns(place: Store, { experiments, models, includeDeleted }: Selection): void {
  const all = [...place.objects.values()].map((object) => object.entity);
  const experimentNames = all.flatMap((entity) =>
    entity.kind === "experiment" && (includeDeleted || !entity.deleted) ? [entity.name] : [],
  );
  const modelNames = all.flatMap((entity) => (entity.kind === "registered-model" ? [entity.name] : []));
  const missing = unmatched(experiments, experimentNames) ?? unmatched(models, modelNames);
  if (missing === undefined) return;
  throw new MigrationError("NOTHING_SELECTED", `the pattern ${JSON.stringify(missing)} selects nothing in ${place.uri}`, {
    side: "source",
    hint: "list what is there with mlferry ls, and quote patterns so that the shell leaves them alone",
  });
}

/** What the patterns select, and everything that it needs. */
function closure(place: Store, selection: Selection): Set<EntityKey> {
  const selected = new Set<EntityKey>();
  const include = (key: EntityKey): void => {
    const object = place.objects.get(key);
    if (object === undefined || selected.has(key)) return;
    selected.add(key);
    object.entity.needs.forEach(include);
  };
  const wanted = wantedBy(place, selection);
  for (const [key, { entity }] of place.objects) if (wanted(entity)) include(key);
  return selected;
}

function wantedBy(place: Store, { experiments, models, includeDeleted }: Selection): (entity: Entity) => boolean {
  const all = experiments === undefined && models === undefined;
  const experimentMatches = experiments === undefined ? () => all : matcher(experiments);
  const modelMatches = models === undefined ? () => all : matcher(models);
  const inExperiment = (key: EntityKey): boolean => {
    const owner = stored(place, key).entity;
    return owner.kind === "experiment" && experimentMatches(owner.name) && (includeDeleted || !owner.deleted);
  };
  return (entity) => {
    if (entity.kind === "experiment") return inExperiment(entity.key);
    if (entity.kind === "run") return inExperiment(entity.experiment) && (includeDeleted || !entity.deleted);
    if (entity.kind === "logged-model") return inExperiment(entity.experiment);
    return modelMatches(entity.kind === "registered-model" ? entity.name : entity.model);
  };
}

/** Kinds in order; within a kind what is needed first, and versions ascending per model. */
function inOrder(place: Store, selected: ReadonlySet<EntityKey>): EntityKey[] {
  const chosen = [...selected].map((key) => stored(place, key).entity).sort((a, b) => rank(a) - rank(b) || number(a) - number(b));
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
