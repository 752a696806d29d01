// The table of old and new URIs: everything that a consumer may have written down, from what is known of objects that moved. Pure.
import { STAGES } from "../model/entities.ts";
import type { EntityKey, Stage } from "../model/entities.ts";
import { aliasKey, idOf, kindOf, modelOf, numberIn } from "../model/keys.ts";
import type { Mapping } from "../model/mapping.ts";
import { uriOf } from "../model/object-name.ts";
import type { EntryDetail } from "../ports/journal.ts";
import { stageRule } from "./stage-claims.ts";

/** An object of the source and what became of it. */
export interface MovedObject {
  readonly source: EntityKey;
  /** Absent: it did not move, `reason` says why. */
  readonly target?: EntityKey;
  readonly reason?: string;
  readonly detail?: EntryDetail;
}

export interface UriRow {
  /** How consumers name it. */
  readonly kind: "model" | "version" | "stage" | "latest" | "alias" | "logged-model" | "run";
  readonly old: string;
  /** Absent where the object did not move. */
  readonly new?: string;
  readonly note?: string;
}

/**
 * Rows by model (its versions ascending, stages, latest, aliases), then logged models, then runs, each in the order of their ids. `mapping`
 * says which alias a stage became.
 */
export function uriTable(objects: Iterable<MovedObject>, mapping: Pick<Mapping, "stage" | "stageConflict">): UriRow[] {
  const models = new Map<EntityKey, ModelObjects>();
  const others: MovedObject[] = [];
  const objectsOf = (key: EntityKey): ModelObjects => {
    const known = models.get(key) ?? { versions: [], aliases: [] };
    models.set(key, known);
    return known;
  };
  for (const object of objects) {
    const kind = kindOf(object.source);
    if (kind === "registered-model") objectsOf(object.source).model = object;
    else if (kind === "model-version") objectsOf(modelOf(object.source)).versions.push(object);
    else if (kind === "alias") objectsOf(modelOf(object.source)).aliases.push(object);
    else if (kind !== "experiment") others.push(object);
  }
  const ofModels = [...models].sort(([a], [b]) => compare(a, b)).flatMap(([key, one]) => modelRows(key, one, mapping));
  const rows = (kind: "logged-model" | "run"): UriRow[] =>
    others
      .filter(({ source }) => kindOf(source) === kind)
      .sort(bySource)
      .map((one) => plainRow(kind, one));
  return [...ofModels, ...rows("logged-model"), ...rows("run")];
}

interface ModelObjects {
  model?: MovedObject;
  readonly versions: MovedObject[];
  readonly aliases: MovedObject[];
}

function modelRows(
  key: EntityKey,
  { model, versions, aliases }: ModelObjects,
  mapping: Pick<Mapping, "stage" | "stageConflict">,
): UriRow[] {
  const ascending = versions.sort((a, b) => numberIn(a.source) - numberIn(b.source));
  const named = aliases.sort(bySource);
  return [
    ...(model === undefined ? [] : [plainRow("model", model)]),
    ...ascending.map((version) => versionRow(version)),
    ...STAGES.flatMap((stage) => stageRow(key, stage, { versions: ascending, aliases: named, mapping })),
    ...latestRow(key, ascending),
    ...named.map((alias) => plainRow("alias", alias)),
  ];
}

function versionRow(version: MovedObject): UriRow {
  const row = plainRow("version", version);
  if (version.target === undefined || numberIn(version.target) === numberIn(version.source)) return row;
  return { ...row, note: "it has another number" };
}

interface StageContext {
  /** Ascending. */
  readonly versions: readonly MovedObject[];
  readonly aliases: readonly MovedObject[];
  readonly mapping: Pick<Mapping, "stage" | "stageConflict">;
}

/** MLflow reads a stage in a URI as the version with the highest number in it. */
function stageRow(model: EntityKey, stage: Stage, { versions, aliases, mapping }: StageContext): UriRow[] {
  const holders = versions.filter(({ detail }) => detail !== undefined && "stage" in detail && detail.stage === stage);
  const newest = holders.at(-1);
  if (newest === undefined) return [];
  const old = `models:/${idOf(model)}/${stage}`;
  const number = numberIn(newest.source);
  const which =
    holders.length === 1 ? `version ${String(number)}` : `version ${String(number)}, the newest of ${String(holders.length)} in the stage`;
  if (newest.target === undefined) return [{ kind: "stage", old, note: `${which}: ${newest.reason ?? NOT_MOVED}` }];
  if (newest.detail !== undefined && "stage" in newest.detail && newest.detail.stageKept) {
    return [{ kind: "stage", old, new: `models:/${idOf(modelOf(newest.target))}/${stage}`, note: which }];
  }
  const alias = aliasOfStage(model, number, { aliases, rule: stageRule(stage, mapping) });
  if (alias?.target !== undefined) return [{ kind: "stage", old, ...newUri(alias.target), note: which }];
  return [{ kind: "stage", old, ...newUri(newest.target), note: `${which}; no alias stands for the stage` }];
}

/** The alias that the stage became, if it points to this version: by itself, or numbered. */
function aliasOfStage(
  model: EntityKey,
  version: number,
  { aliases, rule }: { readonly aliases: readonly MovedObject[]; readonly rule: ReturnType<typeof stageRule> },
): MovedObject | undefined {
  if (!("alias" in rule)) return undefined;
  const word = aliasKey(idOf(model), rule.alias);
  const isNumbered = (key: EntityKey): boolean =>
    rule.conflict === "number" && key.startsWith(`${word}-`) && /^\d+$/.test(key.slice(word.length + 1));
  const pointing = aliases.filter(({ detail }) => detail !== undefined && "version" in detail && detail.version === version);
  return pointing.find(({ source }) => source === word) ?? pointing.find(({ source }) => isNumbered(source));
}

function latestRow(model: EntityKey, versions: readonly MovedObject[]): UriRow[] {
  const highest = versions.at(-1);
  if (highest === undefined) return [];
  const old = `models:/${idOf(model)}/latest`;
  const which = `version ${String(numberIn(highest.source))} was the latest when it moved`;
  if (highest.target === undefined) return [{ kind: "latest", old, note: `${which}: ${highest.reason ?? NOT_MOVED}` }];
  return [{ kind: "latest", old, ...newUri(highest.target), note: which }];
}

const NOT_MOVED = "it did not move";

function plainRow(kind: UriRow["kind"], { source, target, reason }: MovedObject): UriRow {
  const old = uriOf(source) ?? source;
  return target === undefined ? { kind, old, note: reason ?? NOT_MOVED } : { kind, old, ...newUri(target) };
}

function newUri(key: EntityKey): { readonly new: string } {
  return { new: uriOf(key) ?? key };
}

function bySource(a: MovedObject, b: MovedObject): number {
  return compare(a.source, b.source);
}

/** By code units, so that the table is the same everywhere. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
