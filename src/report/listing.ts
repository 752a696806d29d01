// What a place holds, for a glance: experiments with their runs, models with their versions.
import type { Entity, EntityKey, Kind, ModelVersion, Stage } from "../model/entities.ts";
import { KINDS } from "../model/entities.ts";
import type { NotCarried } from "../ports/source.ts";
import { reachSections } from "./came-along.ts";
import type { Reach } from "./came-along.ts";
import { section } from "./list-text.ts";
import { notCarriedRows } from "./loss-text.ts";
import { countOf, countText, kindPlural } from "./quantities.ts";
import { paint } from "./style.ts";
import type { Style } from "./style.ts";
import { shown } from "./table.ts";

export interface ListedExperiment {
  readonly key: EntityKey;
  readonly name: string;
  readonly deleted: boolean;
  /** Of the selection, deleted ones included where they are. */
  readonly runs: number;
}

export interface ListedVersion {
  readonly version: number;
  readonly stage: Stage;
  readonly aliases: readonly string[];
  readonly run?: EntityKey;
}

export interface ListedModel {
  readonly key: EntityKey;
  readonly name: string;
  readonly versions: readonly ListedVersion[];
}

export interface Listing {
  readonly experiments: readonly ListedExperiment[];
  readonly models: readonly ListedModel[];
  readonly counts: Readonly<Record<Kind, number>>;
}

export interface ListingFold {
  add(entity: Entity): void;
  listing(): Listing;
}

/** Begins a listing over a source's stream. */
export function foldListing(): ListingFold {
  const experiments = new Map<EntityKey, ListedExperiment>();
  const models = new Map<string, { key: EntityKey; name: string; versions: Map<number, ListedVersion> }>();
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;
  return {
    add(entity) {
      counts[entity.kind] += 1;
      if (entity.kind === "experiment")
        experiments.set(entity.key, { key: entity.key, name: entity.name, deleted: entity.deleted, runs: 0 });
      if (entity.kind === "run") countRun(experiments, entity.experiment);
      if (entity.kind === "registered-model") models.set(entity.name, { key: entity.key, name: entity.name, versions: new Map() });
      if (entity.kind === "model-version") models.get(entity.model)?.versions.set(entity.version, listedVersion(entity));
      if (entity.kind === "alias") {
        const versions = models.get(entity.model)?.versions;
        const version = versions?.get(entity.version);
        if (version !== undefined) versions?.set(entity.version, { ...version, aliases: [...version.aliases, entity.alias] });
      }
    },
    listing: () => ({
      experiments: [...experiments.values()],
      models: [...models.values()].map((model) => ({ ...model, versions: [...model.versions.values()] })),
      counts,
    }),
  };
}

/** The lines of a listing. */
export function listingText(
  listing: Listing,
  context: { readonly source: string; readonly notCarried: readonly NotCarried[] } & Reach,
  style: Style,
): string[] {
  const experiments = listing.experiments.map(({ name, runs, deleted }) => [shown(name), countOf(runs, "run"), deleted ? "deleted" : ""]);
  const versions = listing.models.flatMap((model) => modelRows(model));
  const full = { ...style, verbose: true };
  const counts = KINDS.filter((kind) => listing.counts[kind] > 0).map((kind) => `${kindPlural(kind)} ${countText(listing.counts[kind])}`);
  return [
    ...section({ title: "experiments", tone: "heading", rows: experiments, flexible: [0], right: [1] }, full),
    ...section({ title: "registered models", tone: "heading", rows: versions, flexible: [0, 3] }, full),
    ...reachSections(context, full),
    ...section({ title: "there, but not carried by this version", tone: "warning", rows: notCarriedRows(context.notCarried) }, full),
    paint(style, "quiet", counts.length === 0 ? `${context.source} holds nothing` : `${context.source}: ${counts.join(", ")}`),
  ];
}

function countRun(experiments: Map<EntityKey, ListedExperiment>, key: EntityKey): void {
  const experiment = experiments.get(key);
  if (experiment !== undefined) experiments.set(key, { ...experiment, runs: experiment.runs + 1 });
}

function listedVersion({ version, stage, run }: ModelVersion): ListedVersion {
  return { version, stage, aliases: [], ...(run === undefined ? {} : { run }) };
}

function modelRows({ name, versions }: ListedModel): string[][] {
  if (versions.length === 0) return [[shown(name), "no versions", "", ""]];
  return versions.map(({ version, stage, aliases }, index) => [
    index === 0 ? shown(name) : "",
    `version ${String(version)}`,
    stage === "None" ? "" : stage,
    aliases.map((alias) => `@${shown(alias)}`).join(" "),
  ]);
}
