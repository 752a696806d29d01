// One object for people: what it is, what it holds, what it is linked with, and where it came from.
import type { Inspected } from "../engine/inspect.ts";
import type { Entity, EpochMs, LoggedModel, MetricPoint, ModelVersion, Part, Run, Tags } from "../model/entities.ts";
import { doubleText } from "../model/facts.ts";
import { idOf, isEntry, keyOf, kindOf, PROVENANCE } from "../model/keys.ts";
import { uriOf } from "../model/object-name.ts";
import { section } from "./list-text.ts";
import { historyText, momentText, partRows, partSummary } from "./part-text.ts";
import { bytesText, countOf, countText, durationText, kindPlural } from "./quantities.ts";
import type { ShowContext } from "./show-json.ts";
import { paint } from "./style.ts";
import type { Style } from "./style.ts";
import { shown, table } from "./table.ts";

/** The lines about an object. Foreign text never breaks out of its line. */
export function showText(inspected: Inspected, { source, notes }: ShowContext, style: Style): string[] {
  const { entity, files } = inspected;
  const rows = (title: string, pairs: readonly (readonly string[])[]): string[] =>
    section({ title, tone: "heading", rows: pairs, flexible: [1, 0] }, style);
  return [
    `${paint(style, "heading", shown(entity.key))}${titleOf(entity)}`,
    ...table(
      fieldRows(inspected, source).map((row) => row.map(shown)),
      { indent: "  ", width: style.columns, flexible: [1] },
    ),
    ...notes.map((note) => paint(style, "warning", `  ${shown(note)}`)),
    "",
    ...descriptionLines(entity, style),
    ...("params" in entity ? rows("params", tagRows(entity.params)) : []),
    ...("tags" in entity ? rows("tags", tagRows(entity.tags)) : []),
    ...rows("metrics", metricRows(inspected)),
    ...(entity.kind === "run" ? rows("datasets", datasetRows(entity)) : []),
    ...rows("links", linkRows(inspected)),
    ...rows(`files (${filesTotal(inspected)})`, fileRows(inspected)),
    ...(files?.length === 0 ? ["no files", ""] : []),
    ...rows("placed by mlferry", provenanceRows(entity)),
  ].slice(0, -1);
}

function titleOf(entity: Entity): string {
  const name = entity.kind === "run" || entity.kind === "logged-model" || entity.kind === "experiment" ? `  ${shown(entity.name)}` : "";
  return `${name}${"deleted" in entity && entity.deleted ? "  (deleted)" : ""}`;
}

function fieldRows({ entity, home }: Inspected, source: string): string[][] {
  const uri = uriOf(entity.key);
  const named = (label: string, value: string | undefined): string[][] => (value === undefined || value === "" ? [] : [[label, value]]);
  const created = "createdAt" in entity ? named("created", timeText(entity.createdAt)) : [];
  return [
    ["in", source],
    ...named("uri", uri),
    ...("experiment" in entity ? named("experiment", `${home?.name ?? "(not readable)"} (${idOf(entity.experiment)})`) : []),
    ...ownRows(entity, named),
    ...created,
  ];
}

function ownRows(entity: Entity, named: (label: string, value: string | undefined) => string[][]): string[][] {
  switch (entity.kind) {
    case "experiment":
    case "registered-model":
      return [];
    case "run": {
      const took = durationOf(entity);
      const status = `${entity.status}${took === undefined ? "" : `, took ${took}`}`;
      return [...named("status", status), ...named("user", entity.user), ...named("started", timeText(entity.startTime))];
    }
    case "logged-model":
      return [...named("status", entity.status), ...named("type", entity.modelType)];
    case "model-version": {
      const stage = entity.stage === "None" ? undefined : entity.stage;
      return [
        ...named("stage", stage),
        ...named("user", entity.user),
        ...named("made from", entity.sourceUri),
        ...named("run link", entity.runLink),
        ...named("stage history", entity.history && historyText(entity.history)),
      ];
    }
    case "alias":
      return named("version", String(entity.version));
    case "stage-transition":
    case "comment":
    case "transition-request":
    case "permission":
    case "webhook":
      return partRows(entity).map((row) => [...row]);
  }
}

function durationOf({ startTime, endTime }: Run): string | undefined {
  if (startTime === undefined || endTime === undefined || endTime < startTime) return undefined;
  return durationText(Number(endTime - startTime));
}

function timeText(time: EpochMs | undefined): string | undefined {
  return time === undefined ? undefined : momentText(time);
}

function descriptionLines(entity: Entity, style: Style): string[] {
  const text = "description" in entity ? (entity.description ?? "") : "";
  if (text === "") return [];
  return [paint(style, "heading", "description"), ...text.split(/\r?\n/).map((line) => `  ${shown(line)}`.trimEnd()), ""];
}

function tagRows(tags: Tags): string[][] {
  return [...tags].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => [shown(key), shown(value)]);
}

function metricRows({ entity, points }: Inspected): string[][] {
  if (entity.kind === "logged-model") return entity.metrics.map((metric) => pointRow(metric, shown(metric.run ?? "")));
  if (entity.kind !== "run") return [];
  const sorted = [...entity.latestMetrics.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  return sorted.map((metric) => pointRow(metric, points === undefined ? "" : countOf(points.get(metric.key) ?? 0, "point")));
}

function pointRow({ key, value, step, timestamp }: MetricPoint, more: string): string[] {
  return [shown(key), doubleText(value), `step ${String(step)}`, timeText(timestamp) ?? "", more];
}

function datasetRows(run: Run): string[][] {
  return run.datasets.map(({ name, digest, sourceType, source }) => [shown(name), shown(source), shown(digest), shown(sourceType)]);
}

function linkRows({ entity, dependants, more }: Inspected): string[][] {
  return [...ownLinks(entity).map(([label = "", value = ""]) => [label, shown(value)]), ...dependantRows(entity, { dependants, more })];
}

function ownLinks(entity: Entity): string[][] {
  const link = (label: string, key: string | undefined): string[][] => (key === undefined || key === "" ? [] : [[label, key]]);
  switch (entity.kind) {
    case "run": {
      const parent = entity.tags.get("mlflow.parentRunId");
      return parent === undefined ? [] : link("parent", keyOf("run", parent));
    }
    case "logged-model":
      return modelLinks(entity, link);
    case "model-version":
      return [...link("model", keyOf("registered-model", entity.model)), ...link("run", entity.run), ...link("files", filesPlace(entity))];
    case "stage-transition":
    case "comment":
    case "transition-request":
    case "alias":
      return link("version", entity.needs[0]);
    case "permission":
    case "webhook":
      return link("of", entity.needs[0]);
    case "experiment":
    case "registered-model":
      return [];
  }
}

function modelLinks(
  { sourceRun, outputOf, inputOf }: LoggedModel,
  link: (label: string, key: string | undefined) => string[][],
): string[][] {
  return [
    ...link("made by", sourceRun),
    ...outputOf.filter(({ run }) => run !== sourceRun).flatMap(({ run }) => link("output of", run)),
    ...inputOf.flatMap((run) => link("used by", run)),
  ];
}

function filesPlace({ files }: ModelVersion): string {
  if (files.owner === "own") return files.loggedModel === undefined ? "of its own" : `of its own, copied from ${files.loggedModel}`;
  return files.owner === "version" ? `shared with ${files.key}` : `${files.key}${files.path === "" ? "" : `/${files.path}`}`;
}

/** Versions with their stage and aliases; runs of an experiment only as a number. */
function dependantRows(entity: Entity, { dependants, more }: Pick<Inspected, "dependants" | "more">): string[][] {
  if (entity.kind === "experiment") {
    const kinds = [...Map.groupBy(dependants, ({ kind }) => kind)];
    return kinds.map(([kind, all]) => [kindPlural(kind), `${countText(all.length)}${more ? " or more" : ""}`]);
  }
  const aliases = Map.groupBy(
    dependants.filter((one) => one.kind === "alias"),
    ({ version }) => version,
  );
  const ofModel = entity.kind === "registered-model";
  const others = dependants.filter((one) => !ofModel || one.kind !== "alias");
  const rows = others.map((one) => {
    const stage = one.kind === "model-version" && one.stage !== "None" ? one.stage : "";
    const names = ofModel && one.kind === "model-version" ? (aliases.get(one.version) ?? []).map(({ alias }) => `@${shown(alias)}`) : [];
    const says = isPart(one) ? shown(partSummary(one)) : "";
    return [dependantLabel(entity, one), shown(one.key), [stage, ...names, says].filter((text) => text !== "").join(" ")];
  });
  return more ? [...rows, ["", "and more"]] : rows;
}

function isPart(entity: Entity): entity is Part {
  return isEntry(entity) || entity.kind === "permission" || entity.kind === "webhook";
}

function dependantLabel(entity: Entity, dependant: Entity): string {
  if (dependant.kind === "run") return "child";
  if (dependant.kind === "model-version") return entity.kind === "model-version" ? "promoted to" : "version";
  return dependant.kind === "logged-model" ? "logged model" : kindOf(dependant.key);
}

function fileRows({ files = [] }: Inspected): string[][] {
  return files.map(({ path, sizeBytes, unreadable }) => [
    shown(path),
    unreadable === undefined ? (sizeBytes === undefined ? "" : bytesText(sizeBytes)) : shown(unreadable),
  ]);
}

function filesTotal({ files = [] }: Inspected): string {
  const bytes = files.reduce((sum, { sizeBytes = 0 }) => sum + sizeBytes, 0);
  return `${countText(files.length)}, ${bytesText(bytes)}`;
}

function provenanceRows({ kind, provenance }: Entity): string[][] {
  const known = (label: string, value: string | undefined): string[][] => (value === undefined ? [] : [[label, shown(value)]]);
  const created = provenance.get(PROVENANCE.createdAt);
  const mark = provenance.get(PROVENANCE.done);
  const carrier = provenance.get(PROVENANCE.carrier);
  const sourceId = provenance.get(PROVENANCE.sourceId);
  return [
    ...known("from", sourceId === undefined ? undefined : `${kind}:${sourceId}`),
    ...known("created there", /^-?\d+$/.test(created ?? "") ? timeText(BigInt(created ?? "0")) : created),
    ...known("by", provenance.get(PROVENANCE.createdBy)),
    ...known("state", mark === undefined ? undefined : stateText(mark)),
    ...known("carries files of", carrier),
    ...known("source digest", provenance.get(PROVENANCE.source)),
  ];
}

/** What the suffixes of a completion mark say (see ARCHITECTURE.md). */
function stateText(mark: string): string {
  const missing = [
    ...(mark.includes("+link") ? ["references are still to be set"] : []),
    ...(mark.includes("+partial") || mark.includes("+unread") ? ["files are missing"] : []),
    ...(mark.includes("+lost") ? ["files that cannot be stored here were left out"] : []),
  ];
  return missing.length === 0 ? "whole" : missing.join("; ");
}
