// The engine's part, as small as a contract test needs it: gives a target its contexts and keeps what was placed where.
import { MigrationError } from "../../src/errors.ts";
import { clamp } from "../../src/engine/metric-values.ts";
import { createReconciler } from "../../src/engine/reconcile.ts";
import type { Entity, EntityKey, Experiment, MetricPoint, OriginId, PlacedKey, Run, Tags } from "../../src/model/entities.ts";
import { fingerprint } from "../../src/model/facts.ts";
import { idOf, PROVENANCE, provenanceDigest } from "../../src/model/keys.ts";
import { localise } from "../../src/model/localise.ts";
import type { Mapping } from "../../src/model/mapping.ts";
import type { Capabilities } from "../../src/ports/capabilities.ts";
import type { Found, PutContext, SendFile, Target } from "../../src/ports/target.ts";
import { ownsFiles } from "./item.ts";
import type { Item } from "./item.ts";

export interface PutOptions {
  readonly existing?: Found;
  readonly mark?: string;
  readonly signal?: AbortSignal;
  /** Replaces the transfer of the item's files, such as by one that fails. */
  readonly files?: (send: SendFile) => Promise<void>;
}

export interface Ferry {
  /** As reconcile would hand it to this target, in the source's namespace. */
  fitted<E extends Entity>(entity: E): E;
  /** What the target is to yield for an entity that was put. */
  expected<E extends Entity>(entity: E): E;
  placedKey(key: EntityKey): PlacedKey | undefined;
  find(item: Item, signal?: AbortSignal): Promise<Found | undefined>;
  /** Puts the item; what it needs was put before. */
  put(item: Item, options?: PutOptions): Promise<PlacedKey>;
  putAll(items: readonly Item[]): Promise<void>;
  link(item: Item<Run>, mark: string): Promise<void>;
  remove(item: Item<Run> | Item<Experiment>): Promise<void>;
  provenance(entity: Entity): Tags;
  /** Files that the place is to yield for the item, wherever they lie. */
  files(item: Item): ReadonlyMap<string, Uint8Array>;
}

/** Carries the objects of one made-up origin to a target. */
export function createFerry(target: Target, origin: OriginId): Ferry {
  const places = new Map<EntityKey, PlacedKey>();
  const known = new Map<EntityKey, Item>();
  const reconciler = createReconciler({ capabilities: target.capabilities, mapping: namesFor(target.capabilities), onLoss: "drop" });
  const never = new AbortController().signal;
  const placedKey = (key: EntityKey): PlacedKey | undefined => places.get(key);
  const fitted = <E extends Entity>(entity: E): E => reconciler.reconcile(entity).entity as E;
  const provenance = (entity: Entity): Tags => provenanceOf(origin, fitted(entity));
  const expected = <E extends Entity>(entity: E): E => localise(fitted(entity), placedKey);

  const refused = new Set<string>();
  const files = (item: Item): ReadonlyMap<string, Uint8Array> => {
    const wanted = [...storable(resolvedFiles(item, known), target.capabilities)];
    return new Map(wanted.filter(([path]) => ![...refused].some((name) => name === path || name.endsWith(`/${path}`))));
  };

  const put = async (item: Item, options: PutOptions = {}): Promise<PlacedKey> => {
    const entity = fitted(item.entity);
    known.set(item.entity.key, item);
    const key = await target.put(expected(item.entity), {
      ...(options.existing === undefined ? {} : { existing: options.existing }),
      provenance: provenance(item.entity),
      mark: options.mark ?? fingerprint(entity),
      signal: options.signal ?? never,
      withSelf<T extends Entity>(_entity: T, self: PlacedKey): T {
        return localise<Entity>(entity, (other) => (other === entity.key ? self : places.get(other))) as T;
      },
      points: () => batches(item.points ?? [], target.capabilities),
      files: options.files ?? ((send) => (ownsFiles(entity) ? sendAll(files(item), send, refused) : Promise.resolve())),
      peek: (path) => Promise.resolve(ownsFiles(entity) ? textOf(files(item).get(path)) : undefined),
    } satisfies PutContext);
    places.set(item.entity.key, key);
    return key;
  };
  const placeOf = (item: Item): PlacedKey => {
    const key = places.get(item.entity.key);
    if (key === undefined) throw new Error(`${item.entity.key} was not put`);
    return key;
  };

  return {
    fitted,
    expected,
    placedKey,
    provenance,
    files,
    put,
    find: (item, signal = never) => target.find(expected(item.entity), { provenance: provenance(item.entity), signal }),
    async putAll(items) {
      // What the place neither has nor keeps as notes, such as aliases, is left out by the engine.
      const { kinds, notes } = target.capabilities;
      for (const item of items) if (kinds.has(item.entity.kind) || notes?.has(item.entity.kind) === true) await put(item);
    },
    link: (item, mark) => target.link(expected(item.entity), placeOf(item), { mark, signal: never }),
    remove: (item) => target.remove(expected(item.entity), placeOf(item), never),
  };
}

/** Files of an item by path; a version's are those of the object that it names. */
export function resolvedFiles(item: Item, known: ReadonlyMap<EntityKey, Item>): ReadonlyMap<string, Uint8Array> {
  const { entity } = item;
  if (entity.kind !== "model-version" || entity.files.owner === "own") return new Map(Object.entries(item.files ?? {}));
  const owner = known.get(entity.files.key);
  if (owner === undefined) throw new Error(`${entity.files.key} is unknown`);
  const all = resolvedFiles(owner, known);
  const below = entity.files.owner === "version" || entity.files.path === "" ? "" : `${entity.files.path}/`;
  return new Map([...all].filter(([path]) => path.startsWith(below)).map(([path, bytes]) => [path.slice(below.length), bytes]));
}

/** Points as they reach the place: where it has no infinities, as the largest doubles. */
export function storablePoints(points: readonly MetricPoint[], capabilities: Capabilities): MetricPoint[] {
  return points.map((point) => ({ ...point, value: clamp(point.value, capabilities) }));
}

async function* batches(points: readonly MetricPoint[], capabilities: Capabilities): AsyncGenerator<readonly MetricPoint[]> {
  const storable = storablePoints(points, capabilities);
  for (let start = 0; start < storable.length; start += 700) yield storable.slice(start, start + 700);
}

function storable(files: ReadonlyMap<string, Uint8Array>, { filePathRefuses }: Capabilities): ReadonlyMap<string, Uint8Array> {
  return new Map([...files].filter(([path]) => filePathRefuses?.pattern.test(path) !== true));
}

/** Names that the store of these files refuses are noted. */
async function sendAll(files: ReadonlyMap<string, Uint8Array>, send: SendFile, refused: Set<string>): Promise<void> {
  await Promise.all(
    [...files].map(async ([path, bytes]) => {
      await send({ path, sizeBytes: bytes.length }, () => chunks(bytes)).catch((thrown: unknown) => {
        if (!(thrown instanceof MigrationError) || thrown.code !== "NAME_ILLEGAL") throw thrown;
        refused.add(path);
      });
    }),
  );
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += 30_000) yield bytes.subarray(start, start + 30_000);
}

function provenanceOf(origin: OriginId, entity: Entity): Tags {
  const container = "model" in entity ? entity.model : "experiment" in entity ? entity.experiment : "name" in entity ? entity.name : "";
  const own = new Map<string, string>([
    [PROVENANCE.source, provenanceDigest(origin, entity.key, container)],
    [PROVENANCE.sourceId, idOf(entity.key)],
  ]);
  if ("createdAt" in entity && entity.createdAt !== undefined) own.set(PROVENANCE.createdAt, String(entity.createdAt));
  return own;
}

/** Names as they are, below a schema where the place wants three levels, in a folder where experiments are paths. */
function namesFor({ names }: Capabilities): Mapping {
  const flat = names.registeredModel?.pattern.test("model") ?? true;
  const anywhere = names.experiment?.pattern.test("experiment") ?? true;
  const same = (name: string): { name: string } => ({ name });
  return {
    model: flat ? same : (name) => ({ name: `ml.prod.${name}` }),
    experiment: anywhere ? same : (name) => ({ name: `/Shared/${name}` }),
    alias: same,
    stage: () => undefined,
    stageConflict: "newest",
    dropsTag: () => undefined,
    table: (name) => ({ name }),
    channels: {},
    contentId: "",
    canonical: "",
  };
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString();
}
