// Reads a place whole, in the form that the contract suites compare.
import { expect } from "vitest";
import type { Entity, EntityKey, LoggedModel, MetricPoint, ModelVersion, Run } from "../../src/model/entities.ts";
import { facts, isDated, pointText } from "../../src/model/facts.ts";
import type { Selection } from "../../src/model/selection.ts";
import type { Capabilities } from "../../src/ports/capabilities.ts";
import type { Catalogue, Source } from "../../src/ports/source.ts";
import { sha256 } from "./item.ts";
import type { Item } from "./item.ts";

const never = new AbortController().signal;

/** Selects the experiments and models of the items by the scope in their names, deleted ones included. */
export function scoped(scope: string, items: readonly Item[]): Selection {
  const has = (kind: Entity["kind"]): boolean => items.some((item) => item.entity.kind === kind);
  return {
    ...(has("experiment") ? { experiments: [`*${scope}*`] } : {}),
    ...(has("registered-model") ? { models: [`*${scope}*`] } : {}),
    includeDeleted: true,
  };
}

export async function readEntities(source: Source, selection: Selection): Promise<Entity[]> {
  return entitiesOf(await source.select(selection, never));
}

export async function entitiesOf(catalogue: Catalogue, signal: AbortSignal = never): Promise<Entity[]> {
  const entities: Entity[] = [];
  for await (const entity of catalogue.entities(signal)) entities.push(entity);
  return entities;
}

/** Every point of every run, as sorted texts. */
export async function readPoints(source: Source, runs: readonly Run[]): Promise<ReadonlyMap<EntityKey, readonly string[]>> {
  const histories = source.histories(runs, never);
  const found = new Map<EntityKey, string[]>();
  for (const run of runs) {
    const points: MetricPoint[] = [];
    for await (const batch of histories.points(run.key)) points.push(...batch);
    found.set(run.key, pointTexts(points));
  }
  return found;
}

export function pointTexts(points: readonly MetricPoint[]): string[] {
  return points.map((point) => `${point.key} ${pointText(point)}`).sort();
}

/** Every file of an object: what the listing tells, and what reading gives. */
export async function readFiles(source: Source, owner: Run | LoggedModel | ModelVersion): Promise<ReadonlyMap<string, string>> {
  const reader = source.artifacts(owner, never);
  const found = new Map<string, string>();
  for await (const file of reader.list()) {
    const bytes = await collect(reader.open(file));
    const told = [file.sizeBytes ?? bytes.length, file.digest ?? sha256(bytes)].join(" ");
    const read = [bytes.length, sha256(bytes)].join(" ");
    if (found.has(file.path)) throw new Error(`${file.path} is listed twice`);
    found.set(file.path, told === read ? read : `listed as ${told}, but is ${read}`);
  }
  return found;
}

/** What {@link readFiles} gives for files of this content. */
export function fileTexts(files: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, string> {
  return new Map([...files].map(([path, bytes]) => [path, `${bytes.length} ${sha256(bytes)}`]));
}

export async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/**
 * Expects an entity to have the facts of another, but for those that the place sets itself and for the deleted state, which
 * comes at the end. Where files of no run need a carrier run, that run and its files are the place's own too.
 */
export function expectSameFacts(found: Entity, expected: Entity, capabilities: Capabilities): void {
  const isVersion = expected.kind === "model-version";
  const ignored = new Set(["deleted"]);
  if (capabilities.creationTimes === "assigned" && isDated(expected)) ignored.add("createdAt").add(isVersion ? "user" : "");
  if (capabilities.runUsers === "assigned" && expected.kind === "run") ignored.add("user");
  if (isVersion && expected.files.owner === "own" && capabilities.versionFiles === "by-reference") ignored.add("files").add("run");
  const compared = (entity: Entity): Record<string, string> =>
    Object.fromEntries([...facts(entity)].filter(([field]) => !ignored.has(field)));
  expect(compared(found), expected.key).toEqual(compared(expected));
}
