// Which object of one place is which of another, though the two need not stem from each other. Symmetric: exchanging the places gives
// the same pairs.
import { KINDS } from "../model/entities.ts";
import type { EntityKey, Kind, OriginId } from "../model/entities.ts";
import { idOf, keyOf, provenanceDigest } from "../model/keys.ts";
import type { Card, Side } from "./card.ts";

/** `key`: both places are one registry. `provenance`: one was placed from the other, or both from a third. `name`: nothing but names. */

export type MatchedBy = "key" | "provenance" | "name";

export interface Pair {
  readonly a: EntityKey;
  readonly b: EntityKey;
  readonly by: MatchedBy;
}

/** Pairs by either key. Each object is in one pair at most. */
export interface Matching {
  readonly ofA: ReadonlyMap<EntityKey, Pair>;
  readonly ofB: ReadonlyMap<EntityKey, Pair>;
}

export function matchSides(a: Side, b: Side): Matching {
  const pairs = createPairs();
  if (a.origin === b.origin) {
    for (const key of a.cards.keys()) if (b.cards.has(key)) pairs.add(key, key, "key");
    return pairs;
  }
  for (const edge of provenEdges(a, b)) pairs.add(edge.a, edge.b, "provenance");
  for (const edge of likelyEdges(a, b)) pairs.add(edge.a, edge.b, "provenance");
  // Containers first: what they hold is looked for within them.
  for (const kind of KINDS) matchByName({ a, b, kind }, pairs);
  return pairs;
}

interface Pairs extends Matching {
  /** Ignored where one of the two has its counterpart already. */
  add(a: EntityKey, b: EntityKey, by: MatchedBy): void;
}

function createPairs(): Pairs {
  const [ofA, ofB] = [new Map<EntityKey, Pair>(), new Map<EntityKey, Pair>()];
  return {
    ofA,
    ofB,
    add(a, b, by) {
      if (ofA.has(a) || ofB.has(b)) return;
      const pair = { a, b, by };
      ofA.set(a, pair);
      ofB.set(b, pair);
    },
  };
}

interface Edge {
  readonly a: EntityKey;
  readonly b: EntityKey;
  /** Decides between claims to one object; the same whichever place comes first. */
  readonly claim: string;
}

/** What a digest proves: the same third origin, or that one object was placed from the other. */
function provenEdges(a: Side, b: Side): Edge[] {
  const edges: Edge[] = [];
  const digests = new Map<string, Card>();
  for (const card of a.cards.values()) if (card.source !== undefined) digests.set(card.source, card);
  for (const card of b.cards.values()) {
    const third = card.source === undefined ? undefined : digests.get(card.source);
    if (third?.kind === card.kind) edges.push({ a: third.key, b: card.key, claim: card.source ?? "" });
    const original = originalOf(card, { own: b, other: a });
    if (original !== undefined) edges.push({ a: original, b: card.key, claim: card.source ?? "" });
  }
  for (const card of a.cards.values()) {
    const original = originalOf(card, { own: a, other: b });
    if (original !== undefined) edges.push({ a: card.key, b: original, claim: card.source ?? "" });
  }
  return sorted(edges);
}

/** The object of the other place that this one was placed from, proven by its digest. */
function originalOf(card: Card, { own, other }: { readonly own: Side; readonly other: Side }): EntityKey | undefined {
  if (card.source === undefined || card.sourceId === undefined) return undefined;
  const original = other.cards.get(keyOf(card.kind, card.sourceId));
  if (original === undefined) return undefined;
  // The digest holds the container's name as it was when the object was placed: either side may have renamed it since.
  const names = [containerName(card, own), containerName(original, other)];
  return names.some((name) => isFrom(other.origin, original, name, card.source)) ? original.key : undefined;
}

function isFrom(origin: OriginId, original: Card, container: string, digest: string | undefined): boolean {
  return provenanceDigest(origin, original.key, container) === digest;
}

function containerName(card: Card, side: Side): string {
  const isWithinExperiment = card.kind === "run" || card.kind === "logged-model";
  return isWithinExperiment && card.container !== undefined ? (side.cards.get(card.container)?.name ?? "") : card.name;
}

/**
 * What ids that are drawn at random say, or an id together with a creation time: enough where containers were renamed since, and no digest
 * agrees. Only where it is said of one object on each side.
 */
function likelyEdges(a: Side, b: Side): Edge[] {
  const [inA, inB] = [groupBy(a.cards.values(), originClaims), groupBy(b.cards.values(), originClaims)];
  const edges: Edge[] = [];
  for (const [claim, [cardA, ...moreA]] of inA) {
    const [cardB, ...moreB] = inB.get(claim) ?? [];
    if (cardA === undefined || cardB === undefined || moreA.length > 0 || moreB.length > 0) continue;
    edges.push({ a: cardA.key, b: cardB.key, claim });
  }
  return sorted(edges);
}

function originClaims(card: Card): string[] {
  const isRandom = card.kind === "run" || card.kind === "logged-model";
  if (isRandom) return [...(card.sourceId === undefined ? [] : [`${card.kind}:${card.sourceId}`]), card.key];
  return card.sourceId === undefined || card.createdThere === undefined
    ? []
    : [JSON.stringify([card.kind, card.sourceId, card.createdThere])];
}

function sorted(edges: Edge[]): Edge[] {
  const text = ({ claim, a, b }: Edge): string => [claim, ...[a, b].sort()].join("\n");
  return edges
    .map((edge) => ({ edge, text: text(edge) }))
    .sort((x, y) => (x.text < y.text ? -1 : 1))
    .map(({ edge }) => edge);
}

interface Naming {
  readonly a: Side;
  readonly b: Side;
  readonly kind: Kind;
}

function matchByName({ a, b, kind }: Naming, pairs: Pairs): void {
  const placeOf = (card: Card): EntityKey | undefined => (card.container === undefined ? undefined : pairs.ofA.get(card.container)?.b);
  const free = ({ cards }: Side, taken: ReadonlyMap<EntityKey, Pair>): Card[] =>
    [...cards.values()].filter((card) => card.kind === kind && !taken.has(card.key));
  const inA = groupBy(free(a, pairs.ofA), (card) => nameWithin(card, placeOf(card)));
  const inB = groupBy(free(b, pairs.ofB), (card) => nameWithin(card, card.container));
  for (const [name, cardsA] of inA) {
    for (const [one, other] of paired(cardsA, inB.get(name) ?? [])) pairs.add(one.key, other.key, "name");
  }
}

/** None where the container has no counterpart. */
function nameWithin(card: Card, container: EntityKey | undefined): string[] {
  return card.container !== undefined && container === undefined ? [] : [JSON.stringify([container ?? "", card.natural])];
}

/** Of several with one name those of the same content belong together; the rest in the order of their contents. */
function paired(cardsA: readonly Card[], cardsB: readonly Card[]): [Card, Card][] {
  const result: [Card, Card][] = [];
  const content = (card: Card): string[] => [card.fingerprint ?? ""];
  const left = groupBy(cardsB.toSorted(byContent), content);
  const rest: Card[] = [];
  for (const card of cardsA.toSorted(byContent)) {
    const same = left.get(card.fingerprint ?? "")?.shift();
    if (same === undefined) rest.push(card);
    else result.push([card, same]);
  }
  const others = [...left.values()].flat();
  rest.forEach((card, index) => {
    const other = others[index];
    if (other !== undefined) result.push([card, other]);
  });
  return result;
}

function byContent(one: Card, other: Card): number {
  const [x, y] = [one, other].map((card) => `${card.fingerprint ?? ""} ${idOf(card.key)}`);
  return (x ?? "") < (y ?? "") ? -1 : 1;
}

function groupBy(cards: Iterable<Card>, namesOf: (card: Card) => readonly string[]): Map<string, Card[]> {
  const groups = new Map<string, Card[]>();
  for (const card of cards) {
    for (const name of namesOf(card)) {
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [card]);
      else group.push(card);
    }
  }
  return groups;
}
