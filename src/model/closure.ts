// What a selection comes to over an index of light facts: the matched objects, what they hold, and all that those need.
import { MigrationError } from "../errors.ts";
import type { Entity, EntityKey, EpochMs, Kind, Stage, Tags } from "./entities.ts";
import { isDated } from "./facts.ts";
import { idOf, versionKey } from "./keys.ts";
import { createPullCount } from "./pulled-in.ts";
import type { PulledIn } from "./pulled-in.ts";
import { hasVersionFilter, isEverything, matcher, sidesOf, tagMatcher, unmatched } from "./selection.ts";
import type { Selection } from "./selection.ts";
import { chooseVersions } from "./version-choice.ts";

/** As much of an object as a selection has to know. */
export interface Selectable {
  readonly key: EntityKey;
  readonly kind: Kind;
  /** Of experiments, registered models and aliases: what the globs match. */
  readonly name?: string;
  /** What holds it: a run's experiment, a version's registered model, an alias' version. */
  readonly container?: EntityKey;
  /** Comes along wherever the object comes: its needs, a run's parent, a version's run. Keys that are not there are passed over. */
  readonly pulls: readonly EntityKey[];
  /** The other way round: objects that this one comes along with, such as the runs that made or used a logged model. */
  readonly pulledBy?: readonly EntityKey[];
  /**
   * Comes wherever that comes, and nowhere else, as a part of it: comments of a version, permissions of a model. `registry`: where
   * nothing is left out.
   */
  readonly follows?: EntityKey | "registry";
  readonly deleted: boolean;
  /** Of experiments and registered models. */
  readonly tags?: Tags;
  /** Of versions. */
  readonly version?: number;
  readonly stage?: Stage;
  /** Epoch ms of the last change that the place can tell: of a run the later one of begin and end. */
  readonly changedAt?: bigint;
}

/** The last change that an entity itself tells of, see `Selectable.changedAt`. */
export function changeOf(entity: Entity): Pick<Selectable, "changedAt"> {
  if (entity.kind === "run") return { changedAt: later(entity.startTime, entity.endTime) };
  if (entity.kind === "stage-transition") return { changedAt: entity.at };
  if (entity.kind === "comment") return { changedAt: entity.updatedAt ?? entity.createdAt };
  if (entity.kind === "transition-request") return { changedAt: entity.createdAt };
  return !isDated(entity) || entity.createdAt === undefined ? {} : { changedAt: entity.createdAt };
}

/** What an entity is a part of, see `Selectable.follows`. */
export function followedBy(entity: Entity): Pick<Selectable, "follows"> {
  switch (entity.kind) {
    case "stage-transition":
    case "comment":
    case "transition-request":
      return { follows: entity.needs[0] ?? versionKey(entity.model, entity.version) };
    case "permission":
    case "webhook":
      return { follows: entity.needs[0] ?? "registry" };
    case "experiment":
    case "run":
    case "logged-model":
    case "registered-model":
    case "model-version":
    case "alias":
      return {};
  }
}

/** The later of two times; where neither is known, before all others. */
export function later(a: EpochMs = 0n, b: EpochMs = 0n): EpochMs {
  return a > b ? a : b;
}

/** Filters whose answer the place knows already. */
export interface Answers {
  /** Whether a run meets `Selection.runs`. Default: all do. */
  readonly isRunWanted?: (key: EntityKey) => boolean;
  /** What `chooseVersions` made of all versions of the selected models. Default: it is asked here. */
  readonly versions?: ReadonlySet<EntityKey>;
}

export interface Closure {
  readonly keys: ReadonlySet<EntityKey>;
  readonly pulledIn: readonly PulledIn[];
  /** Aliases of selected models whose versions are not selected. */
  readonly leftOut: readonly EntityKey[];
}

type Objects = ReadonlyMap<EntityKey, Selectable>;

/**
 * The keys that a selection comes to: what its patterns and filters choose, and what that pulls in. Deleted objects come only with
 * `includeDeleted` or where something selected pulls them. Throws NOTHING_SELECTED naming the first pattern that matches nothing, or the
 * filter that leaves nothing. `objects` is gone over several times.
 */
export function closeSelection(objects: Objects, selection: Selection, answers: Answers = {}): Closure {
  const roots = rootsOf(objects, selection);
  const models = modelContents(objects, roots, { selection, answers });
  const experiments = new Set(experimentContents(objects, roots, { selection, answers }));
  const isFruitless = experiments.size === 0 && (selection.runs !== undefined || (selection.since !== undefined && models.keys.size === 0));
  if (isFruitless) throw nothingLeft(selection);
  const chosen = new Set([...experiments, ...models.keys]);
  const { keys, pulledIn } = withPulled(objects, chosen);
  return { keys: withParts(objects, keys, selection), pulledIn, leftOut: models.leftOut };
}

/** Experiments and models that the patterns and tags choose. Throws NOTHING_SELECTED. */
export function rootsOf(objects: Objects, selection: Selection): ReadonlySet<EntityKey> {
  const sides = sidesOf(selection);
  const roots = new Set([
    ...(sides.experiments ? matched(objects, "experiment", selection) : []),
    ...(sides.models ? matched(objects, "registered-model", selection) : []),
  ]);
  if (roots.size === 0 && selection.tags !== undefined) throw noTag(objects, selection);
  return roots;
}

function matched(objects: Objects, kind: "experiment" | "registered-model", selection: Selection): EntityKey[] {
  const globs = kind === "experiment" ? selection.experiments : selection.models;
  const candidates = [...objects.values()].filter((object) => object.kind === kind && (selection.includeDeleted || !object.deleted));
  const names = candidates.map((object) => object.name ?? "");
  const nothing = unmatched(globs, names);
  if (nothing !== undefined) throw nothingMatched(kind, nothing, names);
  const isMatch = matcher(globs ?? ["*"]);
  const isTagged = tagMatcher(selection.tags);
  return candidates.filter((object) => isMatch(object.name ?? "") && isTagged(object.tags ?? new Map())).map((object) => object.key);
}

interface Choice {
  readonly selection: Selection;
  readonly answers: Answers;
}

/** Experiments with what is chosen in them. Where runs are filtered, an experiment comes for what it holds, or where it changed itself. */
function* experimentContents(objects: Objects, roots: ReadonlySet<EntityKey>, { selection, answers }: Choice): Generator<EntityKey> {
  const { runs, since, includeDeleted } = selection;
  const isWanted = answers.isRunWanted ?? (() => true);
  const isLate = lateness(selection);
  for (const { key, kind, container, deleted, changedAt } of objects.values()) {
    if (kind === "experiment" && roots.has(key) && runs === undefined && isLate(changedAt)) yield key;
    if ((kind !== "run" && kind !== "logged-model") || container === undefined || !roots.has(container)) continue;
    if ((deleted && !includeDeleted) || !isLate(changedAt)) continue;
    const comes = kind === "run" ? isWanted(key) : runs === undefined;
    if (!comes) continue;
    yield key;
    if (runs !== undefined || since !== undefined) yield container;
  }
}

/** Models with their chosen versions and the aliases of these. */
function modelContents(
  objects: Objects,
  roots: ReadonlySet<EntityKey>,
  { selection, answers }: Choice,
): Pick<Closure, "leftOut"> & { keys: ReadonlySet<EntityKey> } {
  const within = versionsOf(objects, roots);
  const versions = answers.versions ?? new Set(chooseVersions(within.versions, selection).map(({ key }) => key));
  const keys = new Set<EntityKey>();
  const isLate = lateness(selection);
  for (const { key, kind, changedAt } of objects.values()) {
    if (kind === "registered-model" && roots.has(key) && !hasVersionFilter(selection) && isLate(changedAt)) keys.add(key);
  }
  for (const { key, model } of within.versions) if (versions.has(key)) keys.add(model).add(key);
  const leftOut: EntityKey[] = [];
  for (const { key, model, version } of within.aliases) {
    if (version === undefined || versions.has(version)) keys.add(key);
    else if (keys.has(model)) leftOut.push(key);
  }
  return { keys, leftOut };
}

interface Within {
  readonly versions: (Parameters<typeof chooseVersions>[0][number] & { readonly aliases: string[] })[];
  /** `version` is undefined where the alias only names its model. */
  readonly aliases: { readonly key: EntityKey; readonly model: EntityKey; readonly version: EntityKey | undefined }[];
}

function versionsOf(objects: Objects, roots: ReadonlySet<EntityKey>): Within {
  const versions = new Map<EntityKey, Within["versions"][number]>();
  for (const { key, kind, container, version = 0, stage = "None", changedAt } of objects.values()) {
    if (kind !== "model-version" || container === undefined || !roots.has(container)) continue;
    versions.set(key, { key, model: container, version, stage, aliases: [], ...(changedAt === undefined ? {} : { changedAt }) });
  }
  for (const { kind, follows, changedAt } of objects.values()) {
    // What was said of a version changes it.
    const version = kind === "permission" || follows === undefined || follows === "registry" ? undefined : versions.get(follows);
    if (version !== undefined && changedAt !== undefined) {
      versions.set(version.key, { ...version, changedAt: later(version.changedAt, changedAt) });
    }
  }
  const aliases: Within["aliases"][number][] = [];
  for (const { key, kind, container, name = idOf(key) } of objects.values()) {
    if (kind !== "alias" || container === undefined) continue;
    const version = versions.get(container);
    version?.aliases.push(name);
    if (version !== undefined) aliases.push({ key, model: version.model, version: container });
    else if (roots.has(container)) aliases.push({ key, model: container, version: undefined });
  }
  return { versions: [...versions.values()], aliases };
}

/** What nothing tells a time of is left out by a time. */
function lateness({ since }: Selection): (changedAt: bigint | undefined) => boolean {
  if (since === undefined) return () => true;
  const from = BigInt(since.from);
  return (changedAt) => changedAt !== undefined && changedAt >= from;
}

function withPulled(objects: Objects, chosen: ReadonlySet<EntityKey>): Pick<Closure, "keys" | "pulledIn"> {
  const keys = new Set(chosen);
  const brought = new Map<EntityKey, EntityKey[]>();
  for (const { key, pulledBy = [] } of objects.values()) {
    for (const bringer of pulledBy) {
      const others = brought.get(bringer);
      if (others === undefined) brought.set(bringer, [key]);
      else others.push(key);
    }
  }
  const count = createPullCount();
  // A set yields what is added to it while it is gone over.
  for (const key of keys) {
    const object = objects.get(key);
    if (object === undefined) continue;
    for (const pulled of [...object.pulls, ...(brought.get(key) ?? [])]) {
      const other = objects.get(pulled);
      if (other === undefined || keys.has(pulled)) continue;
      keys.add(pulled);
      count.add(object.kind, other.kind);
    }
  }
  return { keys, pulledIn: count.list() };
}

/** With what follows one of the objects. */
function withParts(objects: Objects, keys: ReadonlySet<EntityKey>, selection: Selection): ReadonlySet<EntityKey> {
  const all = new Set(keys);
  const isWhole = isEverything(selection);
  for (const { key, follows } of objects.values()) {
    if (follows !== undefined && (follows === "registry" ? isWhole : keys.has(follows))) all.add(key);
  }
  return all;
}

function nothingMatched(kind: Kind, glob: string, names: readonly string[]): MigrationError {
  const noun = kind === "experiment" ? "experiment" : "model";
  const some = names.slice(0, 5).map((name) => JSON.stringify(name));
  const there = some.length === 0 ? `there is no ${noun}` : `there are, for example, ${some.join(", ")}`;
  return new MigrationError("NOTHING_SELECTED", `no ${noun} matches ${JSON.stringify(glob)}`, {
    hint: `${there}; deleted ones count only with --include-deleted; list the names with: mlferry ls`,
  });
}

function noTag(objects: Objects, selection: Selection): MigrationError {
  const { tags: tests = [], ...rest } = selection;
  const named = [...rootsOf(objects, rest)].flatMap((key) => objects.get(key) ?? []);
  const keys = [...new Set(named.flatMap(({ tags }) => [...(tags?.keys() ?? [])]))].sort();
  const wanted = tests.map(({ key, value }) => `--tags ${value === undefined ? key : `${key}=${value}`}`).join(" ");
  const there = keys.length === 0 ? "they have no tags at all" : `they have, for example, the tags ${keys.slice(0, 10).join(", ")}`;
  return new MigrationError("NOTHING_SELECTED", `no experiment and no model that is named has what ${wanted} asks for`, { hint: there });
}

function nothingLeft({ runs, since }: Selection): MigrationError {
  const filters = [
    ...(runs === undefined ? [] : [`--runs ${JSON.stringify(runs)}`]),
    ...(since === undefined ? [] : [`--since ${since.asked} (${new Date(since.from).toISOString()})`]),
  ];
  return new MigrationError("NOTHING_SELECTED", `nothing is left by ${filters.join(" with ")}`, {
    hint: "deleted runs count only with --include-deleted; list what there is with: mlferry ls",
  });
}
