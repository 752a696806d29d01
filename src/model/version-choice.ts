// Which versions of the selected models are meant: by number, stage, alias and time.
import { MigrationError } from "../errors.ts";
import type { EntityKey, Stage } from "./entities.ts";
import { globToRegExp, hasVersionFilter, matcher } from "./selection.ts";
import type { Selection, VersionSpan } from "./selection.ts";

/** As much of a version as its choice has to know. */
export interface VersionFacts {
  readonly key: EntityKey;
  /** Its registered model. */
  readonly model: EntityKey;
  readonly version: number;
  readonly stage: Stage;
  readonly aliases: readonly string[];
  /** Epoch ms of its last change that the place can tell. */
  readonly changedAt?: bigint;
}

/**
 * The versions that every filter lets through; `latest` counts those that the others let through. Throws NOTHING_SELECTED for a
 * number or an alias that no version has, and where the filters leave nothing: time alone may leave nothing.
 */
export function chooseVersions<T extends VersionFacts>(versions: readonly T[], selection: Selection): T[] {
  const { stages, aliases, since, versions: wanted } = selection;
  const spans = wanted !== undefined && "spans" in wanted ? wanted.spans : undefined;
  refuseUnknownNumbers(versions, spans);
  refuseUnknownAliases(versions, aliases);
  const isAlias = matcher(aliases ?? []);
  const inTime = versions.filter(({ changedAt }) => since === undefined || (changedAt ?? -1n) >= BigInt(since.from));
  const left = inTime.filter(
    (version) =>
      (stages?.includes(version.stage) ?? true) &&
      (aliases === undefined || version.aliases.some(isAlias)) &&
      (spans?.some((span) => isWithin(span, version.version)) ?? true),
  );
  if (left.length === 0 && hasVersionFilter(selection)) throw nothingLeft(versions, inTime, selection);
  return wanted !== undefined && "latest" in wanted ? latestOfEach(left, wanted.latest) : left;
}

function latestOfEach<T extends VersionFacts>(versions: readonly T[], count: number): T[] {
  const byModel = Map.groupBy(versions, ({ model }) => model);
  const latest = new Set<T>();
  for (const group of byModel.values()) {
    for (const version of [...group].sort((a, b) => b.version - a.version).slice(0, count)) latest.add(version);
  }
  return versions.filter((version) => latest.has(version));
}

function isWithin({ first, last }: VersionSpan, version: number): boolean {
  return first <= version && version <= last;
}

/** How a span is written: `3`, `5-7`. */
export function spanText({ first, last }: VersionSpan): string {
  return first === last ? String(first) : `${String(first)}-${String(last)}`;
}

function refuseUnknownNumbers(versions: readonly VersionFacts[], spans: readonly VersionSpan[] | undefined): void {
  const missing = spans?.find((span) => !versions.some(({ version }) => isWithin(span, version)));
  if (missing === undefined) return;
  throw new MigrationError("NOTHING_SELECTED", `no selected model has a version ${spanText(missing)} (--versions)`, {
    hint: there("versions", [...new Set(versions.map(({ version }) => version))].sort((a, b) => a - b).map(String)),
  });
}

function refuseUnknownAliases(versions: readonly VersionFacts[], aliases: readonly string[] | undefined): void {
  const all = [...new Set(versions.flatMap((version) => version.aliases))].sort();
  const missing = aliases?.find((glob) => !all.some((alias) => globToRegExp(glob).test(alias)));
  if (missing === undefined) return;
  throw new MigrationError("NOTHING_SELECTED", `no selected model has an alias ${JSON.stringify(missing)} (--aliases)`, {
    hint: there("aliases", all),
  });
}

function nothingLeft(versions: readonly VersionFacts[], inTime: readonly VersionFacts[], selection: Selection): MigrationError {
  const { stages, aliases, since, versions: wanted } = selection;
  const filters = [
    ...(wanted === undefined ? [] : ["--versions"]),
    ...(stages === undefined ? [] : [`--stages ${stages.join(",")}`]),
    ...(aliases === undefined ? [] : [`--aliases ${aliases.join(",")}`]),
    ...(since === undefined ? [] : [`--since ${since.asked}`]),
  ];
  const late = since !== undefined && inTime.length < versions.length ? `; ${String(inTime.length)} of them since ${since.asked}` : "";
  const counts = [...Map.groupBy(versions, ({ stage }) => stage)].map(([stage, of]) => `${String(of.length)} in ${stage}`);
  return new MigrationError("NOTHING_SELECTED", `no version of the selected models is left by ${filters.join(" with ")}`, {
    hint: versions.length === 0 ? "these models have no versions" : `there are ${counts.join(", ")}${late}; list them with: mlferry ls`,
  });
}

function there(what: string, names: readonly string[]): string {
  if (names.length === 0) return `there are no ${what}; list the models with: mlferry ls`;
  const more = names.length > SHOWN ? " …" : "";
  return `there are the ${what} ${names.slice(0, SHOWN).join(", ")}${more}; list them with: mlferry ls`;
}

/** Names in a hint. */
const SHOWN = 10;
