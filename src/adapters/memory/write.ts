// The writing side: look-ups by provenance and name, creates and updates, late links, and the deleted state.
import type { Dated, Entity, EntityKey, MetricPoint, ModelVersion, PlacedKey, Run, Stage, Tags } from "../../model/entities.ts";
import { isDated } from "../../model/facts.ts";
import { aliasKey, entryId, entryKey, isEntry, keyOf, permissionKey, placed, PROVENANCE, versionKey } from "../../model/keys.ts";
import type { FindContext, Found, PutContext } from "../../ports/target.ts";
import { checkLimits, checkPath, checkPoint, refusal } from "./limits.ts";
import { required, withReferences } from "./references.ts";
import { latestPoints, named, newId, store, stored, storedFile } from "./store.ts";
import type { Store, Stored, StoredFile } from "./store.ts";

export function find(place: Store, entity: Entity, context: FindContext): Found | undefined {
  context.signal.throwIfAborted();
  const source = context.provenance.get(PROVENANCE.source);
  const bySource = source === undefined ? undefined : place.bySource.get(source);
  const object = bySource === undefined ? byName(place, entity) : place.objects.get(bySource);
  if (object === undefined) return undefined;
  const there = object.entity;
  const mark = there.provenance.get(PROVENANCE.done);
  // What hangs on an object of ours is ours.
  const samePlace = there.kind === "alias" && entity.kind === "alias" ? there.version === entity.version : isPart(there);
  return {
    key: placed(there.key),
    ours: bySource !== undefined || samePlace,
    ...(mark === undefined ? {} : { mark }),
    deleted: isDeleted(there),
    ...(there.kind === "registered-model" ? { lastVersion: place.highestVersion.get(there.name) ?? 0 } : {}),
    read: async (signal) => {
      signal.throwIfAborted();
      return stored(place, there.key).entity;
    },
  };
}

export async function put(place: Store, incoming: Entity, context: PutContext): Promise<PlacedKey> {
  context.signal.throwIfAborted();
  const before = context.existing === undefined ? undefined : stored(place, context.existing.key);
  const key = before?.entity.key ?? newKey(place, incoming, context.provenance);
  const entity = adopted(place, context.withSelf(incoming, placed(key)), { key, before, context });
  checkLimits(entity, place.capabilities);
  checkReferences(place, entity, before?.entity);
  if (before !== undefined) checkUpdate(restored(before.entity, context), entity);
  checkStage(place, entity, before?.entity);

  // Without the mark: an object that is only half written must not look whole.
  const object = store(place, entity, { points: before?.points ?? [], files: before?.files ?? new Map<string, StoredFile>() });
  if (entity.kind === "stage-transition" && place.capabilities.replaysTransitions === true && context.isPast !== true) {
    moveToStage(place, versionKey(entity.model, entity.version), entity.to);
  }
  if (object.entity.kind === "run") await readPoints(place, object.entity, object, context);
  if (!hasMark(entity)) return placed(key);
  await context.files(async (file, open) => {
    checkPath(entity, file.path, place.capabilities);
    const chunks: Uint8Array[] = [];
    for await (const chunk of open()) {
      context.signal.throwIfAborted();
      chunks.push(chunk);
    }
    object.files.set(file.path, storedFile(file.path, Buffer.concat(chunks)));
  });
  context.signal.throwIfAborted();
  mark(place, object, context.mark);
  return placed(key);
}

export function link(place: Store, run: Run, key: PlacedKey, context: Pick<PutContext, "mark" | "signal">): void {
  context.signal.throwIfAborted();
  const object = stored(place, key);
  if (object.entity.kind !== "run") throw refusal("REQUEST_FAILED", object.entity, "it is no run");
  const linked = withReferences({ ...object.entity, tags: run.tags }, (other) => place.objects.has(other));
  checkLimits(linked, place.capabilities);
  checkUpdate(object.entity, linked);
  object.entity = linked;
  mark(place, object, context.mark);
}

export function settle(place: Store, version: ModelVersion, key: PlacedKey, signal: AbortSignal): void {
  signal.throwIfAborted();
  moveToStage(place, key, version.stage);
}

function moveToStage(place: Store, key: EntityKey, stage: Stage): void {
  const object = stored(place, key);
  if (object.entity.kind === "model-version") object.entity = { ...object.entity, stage };
}

/** Where transitions are carried out, nothing else moves a version before they were. */
function checkStage({ capabilities }: Store, entity: Entity, before: Entity | undefined): void {
  if (capabilities.replaysTransitions !== true || entity.kind !== "model-version") return;
  const stage = before?.kind === "model-version" ? before.stage : "None";
  if (entity.stage !== stage) throw refusal("REQUEST_FAILED", entity, "its stage comes after its transitions");
}

export function remove(place: Store, key: PlacedKey, signal: AbortSignal): void {
  signal.throwIfAborted();
  const object = stored(place, key);
  const { entity } = object;
  if (entity.kind !== "run" && entity.kind !== "experiment") throw refusal("NOT_SUPPORTED", entity, "it has no deleted state");
  object.entity = { ...entity, deleted: true };
}

function byName(place: Store, entity: Entity): Stored | undefined {
  if (entity.kind === "experiment" || entity.kind === "registered-model") return named(place, entity.kind, entity.name);
  return isPart(entity) || entity.kind === "alias" ? place.objects.get(keyFor(place, entity)) : undefined;
}

/** Whether the object is known by what it hangs on. */
function isPart(entity: Entity): boolean {
  return isEntry(entity) || entity.kind === "permission";
}

/** The key of an object that is to be created. Throws where the key or the name is taken. */
function newKey(place: Store, entity: Entity, provenance: Tags): EntityKey {
  const source = provenance.get(PROVENANCE.source);
  if (source !== undefined && place.bySource.has(source)) throw refusal("REQUEST_FAILED", entity, "it was placed before");
  const key = keyFor(place, entity);
  const taken = place.objects.has(key) || byName(place, entity) !== undefined;
  if (taken) throw refusal(entity.kind === "model-version" ? "VERSION_NUMBER_TAKEN" : "NAME_TAKEN", entity, `${key} is there already`);
  return key;
}

function keyFor(place: Store, entity: Entity): EntityKey {
  switch (entity.kind) {
    case "experiment":
    case "run":
    case "logged-model":
    case "webhook":
      return place.newIds ? keyOf(entity.kind, newId(place, entity.kind)) : entity.key;
    case "registered-model":
      return keyOf(entity.kind, entity.name);
    case "model-version":
      checkNumber(place, entity);
      return versionKey(entity.model, entity.version);
    case "stage-transition":
    case "comment":
    case "transition-request":
      return entryKey(entity.kind, entity, entryId(entity.key));
    case "alias":
      return aliasKey(entity.model, entity.alias);
    case "permission":
      return permissionKey(entity.object);
  }
}

/** Where numbers are assigned, those between the highest and the wanted one are used up on the way. */
function checkNumber(place: Store, version: ModelVersion): void {
  const highest = place.highestVersion.get(version.model) ?? 0;
  if (place.capabilities.versionNumbers !== "assigned" || version.version > highest) return;
  throw refusal("VERSION_NUMBER_TAKEN", version, `the next number of ${version.model} is ${String(highest + 1)}`);
}

interface Adoption {
  readonly key: EntityKey;
  readonly before: Stored | undefined;
  readonly context: PutContext;
}

/** The entity as this place holds it: under its own key, with its own references, and with its own times where it sets those. */
function adopted(place: Store, incoming: Entity, { key, before, context }: Adoption): Entity {
  const foreign = context.existing?.ours === false ? before?.entity : undefined;
  const own = foreign === undefined ? { ...incoming, provenance: context.provenance } : merged(incoming, foreign);
  const entity = withReferences({ ...own, key }, (other) => place.objects.has(other));
  if (entity.kind === "alias" || isPart(entity)) return { ...entity, provenance: new Map() };
  if (entity.kind === "run") {
    const params = before?.entity.kind === "run" ? before.entity.params : [];
    return { ...entity, params: new Map([...params, ...entity.params]), deleted: false };
  }
  const active = entity.kind === "experiment" ? { ...entity, deleted: false } : entity;
  return place.capabilities.creationTimes === "chosen" || !isDated(active) ? active : withOwnTimes(place, active, before?.entity);
}

/** What others put here keeps its tags and stays theirs; tags of the same name are replaced. */
function merged(incoming: Entity, foreign: Entity): Entity {
  if (!("tags" in incoming) || !("tags" in foreign)) return incoming;
  return { ...incoming, provenance: foreign.provenance, tags: new Map([...foreign.tags, ...incoming.tags]) };
}

function withOwnTimes(place: Store, entity: Dated, before: Entity | undefined): Entity {
  const known = before !== undefined && isDated(before) ? before.createdAt : undefined;
  const createdAt = known ?? BigInt(++place.ticks);
  if (entity.kind !== "model-version") return { ...entity, createdAt };
  const { user: _importers, ...rest } = entity;
  return { ...rest, createdAt };
}

/** What is ours and deleted is written all the same, and active until it is removed again. */
function restored(before: Entity, { existing }: PutContext): Entity {
  if (existing?.ours !== true || (before.kind !== "run" && before.kind !== "experiment")) return before;
  return { ...before, deleted: false };
}

function checkReferences(place: Store, entity: Entity, before: Entity | undefined): void {
  const missing = required(entity).find((key) => !place.objects.has(key));
  if (missing !== undefined) throw refusal("REQUEST_FAILED", entity, `${missing} is not there`);
  // A deleted experiment takes nothing new, as at a server; what it has can be changed.
  if (before !== undefined || (entity.kind !== "run" && entity.kind !== "logged-model")) return;
  if (isDeleted(stored(place, entity.experiment).entity)) throw refusal("REQUEST_FAILED", entity, "its experiment is deleted");
}

function checkUpdate(before: Entity, after: Entity): void {
  if (before.kind !== after.kind) throw refusal("REQUEST_FAILED", after, `it is a ${before.kind}`);
  if (isDeleted(before)) throw refusal("REQUEST_FAILED", after, "it is deleted");
  if (before.kind !== "run" || after.kind !== "run") return;
  for (const [key, value] of before.params) {
    if (after.params.get(key) !== value) throw refusal("REQUEST_FAILED", after, `param ${key} has another value and cannot be changed`);
  }
}

/** The points replace what was there, so that a put that is repeated doubles none. */
async function readPoints(place: Store, run: Run, object: Stored, context: PutContext): Promise<void> {
  const points: MetricPoint[] = [];
  for await (const batch of context.points()) {
    context.signal.throwIfAborted();
    for (const point of batch) checkPoint(run, point, place.capabilities);
    points.push(...batch);
  }
  object.points = points;
  object.entity = { ...run, latestMetrics: latestPoints(points) };
}

function hasMark(entity: Entity): boolean {
  return entity.kind === "run" || entity.kind === "logged-model" || (entity.kind === "model-version" && entity.files.owner === "own");
}

function mark(place: Store, object: Stored, value: string): void {
  object.entity = { ...object.entity, provenance: new Map(object.entity.provenance).set(PROVENANCE.done, value) };
  checkLimits(object.entity, place.capabilities);
}

function isDeleted(entity: Entity): boolean {
  return (entity.kind === "run" || entity.kind === "experiment") && entity.deleted;
}
