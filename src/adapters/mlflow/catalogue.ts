// Turns an inventory and a selection into a catalogue: the closure, and the stream of entities in dependency order.
import { MigrationError } from "../../errors.ts";
import { changeOf, closeSelection, followedBy, later, type Closure, type Selectable } from "../../model/closure.ts";
import type { Entity, EntityKey, ModelVersion, Part } from "../../model/entities.ts";
import type { Selection } from "../../model/selection.ts";
import { idOf, isEntry, versionKey } from "../../model/keys.ts";
import { notesOn, withoutNotes } from "../../model/notes.ts";
import { dependenciesFirst, inPartOrder, orderVersions } from "../../model/order.ts";
import type { Catalogue, NotCarried } from "../../ports/source.ts";
import * as convert from "./convert.ts";
import type { Inventory } from "./inventory.ts";
import type { RegistryHalf } from "./registry-half.ts";
import type { RunSpool } from "./run-spool.ts";
import type { RunIndex } from "./stock.ts";
import type { WireModelVersion } from "./wire.ts";

export interface CatalogueOptions extends Pick<RegistryHalf, "placeOf"> {
  readonly selection: Selection;
  readonly spool: RunSpool;
}

/** The catalogue of what `selection` comes to. Throws NOTHING_SELECTED. Whole runs are read from `spool` when their turn comes. */
export function catalogueOf(inventory: Inventory, options: CatalogueOptions): Catalogue {
  const noted = inventory.versions.map((wire) =>
    withHistory(convert.toModelVersion(wire, options.placeOf(wire, inventory)), wire, inventory),
  );
  const versions = noted.map(withoutNotes);
  const parts = inPartOrder([...noted.flatMap(notesOn), ...inventory.attached.parts]);
  const { keys: chosen, pulledIn, leftOut } = closureOf(inventory, { versions, parts }, options.selection);
  const runs = parentsFirst([...inventory.runs.values()].filter((run) => chosen.has(convert.runKey(run.id))));
  const experiments = [...inventory.experiments.values()].map(convert.toExperiment).filter((item) => chosen.has(item.key));
  const models = inventory.models.map(convert.toRegisteredModel).filter((model) => chosen.has(model.key));
  const chosenVersions = orderVersions(versions.filter((version) => chosen.has(version.key)));
  const loggedModels = [...inventory.loggedModels.values()].filter(({ info }) => chosen.has(convert.loggedModelKey(info.model_id)));
  const aliases = aliasesOf(inventory).filter((alias) => chosen.has(alias.key));
  const chosenParts = parts.filter((part) => chosen.has(part.key));
  return {
    experiments,
    models,
    expected: countOf({ experiments, runs, loggedModels, models, versions: chosenVersions, aliases }, chosenParts),
    pulledIn,
    leftOut,
    notCarried: [...danglingAliases(inventory, chosen), ...inventory.attached.notCarried],
    ...handingOut(makersInOrder(), chosen),
  };

  /** Makes each entity when it is asked for, in the order in which they come. */
  function makersInOrder(): Map<EntityKey, () => Entity> {
    const all = new Map<EntityKey, () => Entity>();
    const add = (entity: Entity): void => void all.set(entity.key, () => entity);
    experiments.forEach(add);
    for (const { id, parent } of runs) all.set(convert.runKey(id), () => convert.toRun(options.spool.read(id), parent));
    const uses = modelUses(runs.map(({ id }) => inventory.runs.get(id)));
    for (const wire of loggedModels) {
      const use = uses.get(wire.info.model_id) ?? { outputOf: [], inputOf: [] };
      all.set(convert.loggedModelKey(wire.info.model_id), () => convert.toLoggedModel(wire, use, (key) => chosen.has(key)));
    }
    const [before, after] = [chosenParts.filter(isEntry), chosenParts.filter((part) => !isEntry(part))];
    [...models, ...chosenVersions, ...before, ...aliases, ...after].forEach(add);
    return all;
  }
}

function withHistory(
  version: ModelVersion,
  { last_updated_timestamp: changedAt }: WireModelVersion,
  { attached }: Inventory,
): ModelVersion {
  const history = attached.histories.get(version.key);
  return history === undefined ? version : { ...version, history, ...(changedAt === undefined ? {} : { changedAt }) };
}

function closureOf(inventory: Inventory, { versions, parts }: Registered, selection: Selection): Closure {
  const { found } = inventory;
  return closeSelection(selectables(inventory, { versions, parts }), selection, {
    versions: new Set(versions.map(({ key }) => key)),
    ...(found === undefined ? {} : { isRunWanted: (key) => found.has(idOf(key)) }),
  });
}

interface Registered {
  readonly versions: readonly ModelVersion[];
  readonly parts: readonly Part[];
}

function handingOut(makers: ReadonlyMap<EntityKey, () => Entity>, chosen: ReadonlySet<EntityKey>): Pick<Catalogue, "entities" | "entity"> {
  return {
    async *entities(signal) {
      for (const make of makers.values()) {
        signal.throwIfAborted();
        yield withinSelection(make(), chosen);
      }
    },
    async entity(key) {
      const make = makers.get(key);
      if (make === undefined) throw new MigrationError("NOT_FOUND", `${key} is not in the selection`, { key });
      return withinSelection(make(), chosen);
    },
  };
}

type Kinds = "experiments" | "runs" | "loggedModels" | "models" | "versions" | "aliases";

function countOf(lists: Readonly<Record<Kinds, readonly unknown[]>>, parts: readonly Part[]): Catalogue["expected"] {
  const counts = [...Map.groupBy(parts, ({ kind }) => kind)].map(([kind, all]) => [kind, all.length] as const);
  return {
    ...Object.fromEntries(counts),
    experiment: lists.experiments.length,
    run: lists.runs.length,
    "logged-model": lists.loggedModels.length,
    "registered-model": lists.models.length,
    "model-version": lists.versions.length,
    alias: lists.aliases.length,
  };
}

/** References to what does not come would be waited for in vain. */
function withinSelection<E extends Entity>(entity: E, chosen: ReadonlySet<EntityKey>): E {
  if (entity.mayReference.every((key) => chosen.has(key))) return entity;
  return { ...entity, mayReference: entity.mayReference.filter((key) => chosen.has(key)) };
}

function selectables(inventory: Inventory, registered: Registered): Map<EntityKey, Selectable> {
  const all = new Map<EntityKey, Selectable>();
  const add = (item: Selectable): void => void all.set(item.key, item);
  for (const experiment of inventory.experiments.values()) {
    const { key, name, tags, deleted } = convert.toExperiment(experiment);
    const changedAt = later(experiment.creation_time, experiment.last_update_time);
    add({ key, kind: "experiment", name, tags, pulls: [], deleted, changedAt });
  }
  for (const run of inventory.runs.values()) {
    const container = convert.experimentKey(run.experimentId);
    const parent = run.parent === undefined ? [] : [convert.runKey(run.parent)];
    const models = [...run.outputs.map(({ model }) => model), ...run.inputs].map(convert.loggedModelKey);
    const { deleted, changedAt } = run;
    add({ key: convert.runKey(run.id), kind: "run", container, pulls: [container, ...parent, ...models], deleted, changedAt });
  }
  for (const { info, data } of inventory.loggedModels.values()) {
    const container = convert.experimentKey(info.experiment_id);
    // The run that made it, and those that measured it: its metrics are theirs, and have no place without them.
    const runs = [info.source_run_id, ...data.metrics.map((metric) => metric.run_id ?? "")].filter((id) => id !== "");
    const pulls = [container, ...runs.map(convert.runKey)];
    const changedAt = later(info.creation_timestamp_ms, info.last_updated_timestamp_ms);
    add({ key: convert.loggedModelKey(info.model_id), kind: "logged-model", container, pulls, deleted: false, changedAt });
  }
  addRegistry(inventory, registered, add);
  return all;
}

function addRegistry(inventory: Inventory, { versions, parts }: Registered, add: (item: Selectable) => void): void {
  for (const model of inventory.models) {
    const { key, name, tags } = convert.toRegisteredModel(model);
    const changedAt = later(model.creation_timestamp, model.last_updated_timestamp);
    add({ key, kind: "registered-model", name, tags, pulls: [], deleted: false, changedAt });
  }
  for (const { name, version } of inventory.others) {
    const container = convert.registeredModelKey(name);
    add({ key: versionKey(name, version), kind: "model-version", container, pulls: [], deleted: false });
  }
  for (const version of versions) {
    add({
      key: version.key,
      kind: "model-version",
      container: convert.registeredModelKey(version.model),
      pulls: version.needs,
      deleted: false,
    });
  }
  for (const part of parts) {
    add({ key: part.key, kind: part.kind, pulls: part.needs, deleted: false, ...followedBy(part), ...changeOf(part) });
  }
  for (const alias of aliasesOf(inventory)) {
    const container = versionKey(alias.model, alias.version);
    add({ key: alias.key, kind: "alias", name: alias.alias, container, pulls: [container], deleted: false });
  }
}

function aliasesOf(inventory: Inventory): ReturnType<typeof convert.toAlias>[] {
  const present = presentVersions(inventory);
  return inventory.models.flatMap((model) =>
    model.aliases
      .filter(({ version }) => present.has(versionKey(model.name, version)))
      .map(({ alias, version }) => convert.toAlias(model.name, alias, version)),
  );
}

/** Servers before 3.0 leave aliases of deleted versions behind: those point nowhere, and no server would take them. */
function danglingAliases(inventory: Inventory, chosen: ReadonlySet<EntityKey>): NotCarried[] {
  const present = presentVersions(inventory);
  return inventory.models
    .filter(({ name }) => chosen.has(convert.registeredModelKey(name)))
    .map(({ name, aliases }) => ({
      what: "aliases of deleted versions",
      count: aliases.filter(({ version }) => !present.has(versionKey(name, version))).length,
      where: name,
    }))
    .filter(({ count }) => count > 0);
}

function presentVersions({ versions, others }: Inventory): ReadonlySet<EntityKey> {
  return new Set([...versions, ...others].map(({ name, version }) => versionKey(name, version)));
}

interface OrderedRun {
  readonly id: string;
  /** The parent's key where the parent comes earlier. */
  readonly parent?: EntityKey;
}

/** By start time, but parents before their children. */
function parentsFirst(runs: readonly RunIndex[]): OrderedRun[] {
  const sorted = [...runs].sort((a, b) => (a.startTime < b.startTime ? -1 : a.startTime > b.startTime ? 1 : a.id < b.id ? -1 : 1));
  const keyed = sorted.map((run) => ({
    key: convert.runKey(run.id),
    ...(run.parent === undefined ? {} : { parent: convert.runKey(run.parent) }),
  }));
  const earlier = new Set<EntityKey>();
  return dependenciesFirst(keyed, (run) => (run.parent === undefined ? [] : [run.parent])).map(({ key, parent }) => {
    earlier.add(key);
    return parent !== undefined && parent !== key && earlier.has(parent) ? { id: idOf(key), parent } : { id: idOf(key) };
  });
}

function modelUses(runs: readonly (RunIndex | undefined)[]): Map<string, convert.ModelUse> {
  const uses = new Map<string, { outputOf: { run: EntityKey; step: bigint }[]; inputOf: EntityKey[] }>();
  const of = (model: string): { outputOf: { run: EntityKey; step: bigint }[]; inputOf: EntityKey[] } => {
    const use = uses.get(model) ?? { outputOf: [], inputOf: [] };
    uses.set(model, use);
    return use;
  };
  for (const run of runs) {
    if (run === undefined) continue;
    for (const { model, step } of run.outputs) of(model).outputOf.push({ run: convert.runKey(run.id), step });
    for (const model of run.inputs) of(model).inputOf.push(convert.runKey(run.id));
  }
  return uses;
}
