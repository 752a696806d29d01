// Compares two places that need not stem from each other, object by object and field by field. Keeps keys and names in memory, no contents.
import { asMigrationError, MigrationError } from "../errors.ts";
import type { Entity, EntityKey, Run } from "../model/entities.ts";
import { unmatched } from "../model/selection.ts";
import type { Selection } from "../model/selection.ts";
import type { Catalogue, Source } from "../ports/source.ts";
import type { Target } from "../ports/target.ts";
import { cardOf } from "./card.ts";
import type { Card, Side } from "./card.ts";
import { createFactsComparison } from "./diff-facts.ts";
import type { Difference, FactsComparison } from "./diff-facts.ts";
import type { Finding, Level, Verified } from "./finding.ts";
import { answersTo } from "./find-object.ts";
import { GROUP_RUNS } from "./groups.ts";
import { isFatal, transfersOf } from "./job.ts";
import type { Job } from "./job.ts";
import { matchSides } from "./match.ts";
import type { Matching, Pair } from "./match.ts";
import { inOrder, createPipes } from "./schedule.ts";
import { compareFiles } from "./verify-files.ts";
import { compareHistories } from "./verify-metrics.ts";

/** An object that only one place has, or one that both have with what differs. */
export type Compared =
  | { readonly only: "a" | "b"; readonly card: Card }
  | {
      readonly pair: Pair;
      /** As each place knows the object. */
      readonly cards: { readonly a: Card; readonly b: Card };
      readonly differences: readonly Difference[];
      readonly compared: Verified["compared"];
    };

/** Two places whose objects have been matched. */
export interface Matched {
  readonly job: Job;
  readonly a: Listed;
  readonly b: Listed;
  readonly matching: Matching;
}

export interface Listed extends Side {
  readonly catalogue: Catalogue;
}

/**
 * Selects at source and target of the job and finds which objects belong together; rules and journal of the job play no part. A pattern
 * need only match in one of the places; throws NOTHING_SELECTED where it does in neither.
 */
export async function matchPlaces(job: Job): Promise<Matched> {
  const [inA, inB] = await narrowed(job);
  const [a, b] = await atLeastOne(job, list(job, job.source, inA), list(job, job.target, inB));
  return { job, a, b, matching: matchSides(a, b) };
}

/** Yields every object: those of the first place in its order, with their counterparts, then what only the second has. */
export async function* diff(matched: Matched, level: Level): AsyncGenerator<Compared> {
  const { b, matching, job } = matched;
  const infinities = job.source.capabilities.infinities && job.target.capabilities.infinities;
  const comparison: Comparison = {
    ...matched,
    job: { ...job, target: asPeer(job.target, infinities) },
    level,
    facts: createFactsComparison(matching, { infinities }),
    pipe: createPipes(transfersOf(job)),
  };
  const results = inOrder(batches(comparison), job.inFlight, (batch) => compareBatch(batch, comparison), job.drain);
  for await (const compared of results) yield* compared;
  for (const card of b.cards.values()) if (!matching.ofB.has(card.key)) yield { only: "b", card };
}

/** Neither place has to fit the other: what the second could not store counts as any difference does. */
function asPeer(target: Target, infinities: boolean): Target {
  const { filePathRefuses: _, ...capabilities } = target.capabilities;
  return { ...target, capabilities: { ...capabilities, infinities } };
}

async function list({ signal, onEvent }: Job, source: Source, selection: Selection): Promise<Listed> {
  const catalogue = await source.select(selection, signal);
  onEvent({ type: "selected", catalogue });
  const cards = new Map<EntityKey, Card>();
  for await (const entity of catalogue.entities(signal)) cards.set(entity.key, cardOf(entity));
  return { origin: source.origin, cards, catalogue };
}

/** A place where nothing meets the selection counts as empty, unless that is both of them. */
async function atLeastOne(job: Job, a: Promise<Listed>, b: Promise<Listed>): Promise<[Listed, Listed]> {
  const empty = (source: Source): Promise<Listed> => list(job, source, { experiments: [], models: [], includeDeleted: false });
  const isNothing = ({ reason }: { readonly reason?: unknown }): boolean => asMigrationError(reason).code === "NOTHING_SELECTED";
  const [inA, inB] = await Promise.allSettled([a, b]);
  if (inA.status === "fulfilled" && inB.status === "rejected" && isNothing(inB)) return [inA.value, await empty(job.target)];
  if (inB.status === "fulfilled" && inA.status === "rejected" && isNothing(inA)) return [await empty(job.source), inB.value];
  if (inA.status === "rejected") throw inA.reason;
  if (inB.status === "rejected") throw inB.reason;
  return [inA.value, inB.value];
}

/** The selection for each place, without the patterns that only match in the other. */
async function narrowed(job: Job): Promise<[Selection, Selection]> {
  const { experiments, models } = job.selection;
  if (experiments === undefined && models === undefined) return [job.selection, job.selection];
  const sides = await Promise.all([job.source, job.target].map((place) => namesAt(place, job)));
  for (const [noun, kind, globs] of [["experiment", "experiments", experiments] as const, ["model", "models", models] as const]) {
    const nowhere = unmatched(
      globs,
      sides.flatMap((names) => names[kind]),
    );
    if (nowhere === undefined) continue;
    throw new MigrationError("NOTHING_SELECTED", `no ${noun} of either place matches ${JSON.stringify(nowhere)}`, {
      hint: "deleted ones count only with --include-deleted; list the names with: mlferry ls",
    });
  }
  const [a, b] = sides.map((names) => ({
    ...job.selection,
    ...(experiments === undefined ? {} : { experiments: matching(experiments, names.experiments) }),
    ...(models === undefined ? {} : { models: matching(models, names.models) }),
  }));
  return [a ?? job.selection, b ?? job.selection];
}

function matching(globs: readonly string[], names: readonly string[]): string[] {
  return globs.filter((glob) => unmatched([glob], names) === undefined);
}

async function namesAt(source: Source, { selection, signal }: Job): Promise<{ experiments: string[]; models: string[] }> {
  const namesOf = async (kind: "experiment" | "registered-model"): Promise<string[]> =>
    (await answersTo(source, { about: "names", kind }, signal)).flatMap((entity) => {
      const isGone = entity.kind === "experiment" && entity.deleted && !selection.includeDeleted;
      return isGone || !("name" in entity) ? [] : [entity.name];
    });
  const [experiments, models] = await Promise.all([namesOf("experiment"), namesOf("registered-model")]);
  return { experiments, models };
}

interface Comparison extends Matched {
  readonly level: Level;
  readonly facts: FactsComparison;
  readonly pipe: <R>(work: () => Promise<R>) => Promise<R>;
}

/** Runs in groups, so that their metrics are read together; everything else one by one. */
async function* batches({ a, job }: Comparison): AsyncGenerator<readonly Entity[]> {
  let runs: Run[] = [];
  for await (const entity of a.catalogue.entities(job.signal)) {
    if (entity.kind === "run") runs.push(entity);
    if (runs.length > 0 && (entity.kind !== "run" || runs.length >= GROUP_RUNS)) {
      yield runs;
      runs = [];
    }
    if (entity.kind !== "run") yield [entity];
  }
  if (runs.length > 0) yield runs;
}

interface Both {
  readonly pair: Pair;
  readonly a: Entity;
  readonly b: Entity;
}

async function compareBatch(batch: readonly Entity[], comparison: Comparison): Promise<Compared[]> {
  const { matching, b, a, level, job } = comparison;
  const both = new Map<EntityKey, Both>();
  for (const entity of batch) {
    const pair = matching.ofA.get(entity.key);
    if (pair !== undefined) both.set(entity.key, { pair, a: entity, b: await b.catalogue.entity(pair.b) });
  }
  const histories = level === "counts" ? undefined : compareHistories([...both.values()].map(located), job);
  const results: Compared[] = [];
  for (const { key } of batch) {
    const found = both.get(key);
    const card = a.cards.get(key);
    if (card === undefined) continue;
    if (found === undefined) results.push({ only: "a", card });
    else {
      const cards = { a: card, b: b.cards.get(found.pair.b) ?? card };
      results.push({ pair: found.pair, cards, ...(await comparePair(found, comparison, histories)) });
    }
  }
  return results;
}

/** A pair in the form in which verification compares points and files. */
function located({ a, b }: Both): Parameters<typeof compareFiles>[0] {
  return { reconciled: { source: a, entity: a, changes: [] }, present: b };
}

type Contents = Pick<Extract<Compared, { pair: Pair }>, "differences" | "compared">;

async function comparePair(
  both: Both,
  comparison: Comparison,
  histories: ReturnType<typeof compareHistories> | undefined,
): Promise<Contents> {
  const nothing = { facts: 0, points: 0, files: 0, bytes: 0 };
  if (comparison.level === "counts") return { differences: [], compared: nothing };
  const { differences, facts } = comparison.facts.compare(both.pair, both.a, both.b);
  try {
    const points = both.b.kind === "run" ? await histories?.compare(both.a.key, both.b) : undefined;
    const { job, level, pipe } = comparison;
    const files = level === "metadata" ? undefined : await compareFiles(located(both), level, { prepared: { job }, pipe });
    const findings = [...(points?.findings ?? []), ...(files?.findings ?? [])].map(differenceOf);
    const compared = { facts, points: points?.points ?? 0, files: files?.files ?? 0, bytes: files?.bytes ?? 0 };
    return { differences: [...differences, ...findings], compared };
  } catch (thrown) {
    const error = asMigrationError(thrown);
    if (isFatal(error)) throw error;
    return { differences: [...differences, { field: "", unreadable: error.message }], compared: { ...nothing, facts } };
  }
}

function differenceOf({ field, kind, expected, found }: Finding): Difference {
  switch (kind) {
    case "unreadable":
      return { field, unreadable: expected ?? "" };
    case "missing":
    case "left out":
      return { field, a: expected ?? "there" };
    case "extra":
      return { field, b: found ?? "there" };
    case "different":
      return { field, a: expected ?? "", b: found ?? "" };
  }
}
