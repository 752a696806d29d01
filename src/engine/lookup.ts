// Where an object went, or where it came from: answers from journals or from the provenance that objects carry.
import type { Entity, EntityKey } from "../model/entities.ts";
import { aliasKey, idOf, keyOf, kindOf, modelOf, PROVENANCE } from "../model/keys.ts";
import { parseObjectName } from "../model/object-name.ts";
import type { Source } from "../ports/source.ts";
import { answersTo } from "./find-object.ts";

/** An object that a question comes to, and the place where it is. */
export interface Counterpart {
  readonly key: EntityKey;
  readonly at: string;
}

/** Gives every counterpart of an object that it knows. */
export type Counterparts = (key: EntityKey) => Promise<readonly Counterpart[]>;

/** `answer` has the form of the question, such as `runs:/NEW/model`. */
export type LookedUp =
  | { readonly question: string; readonly answer: string; readonly key: EntityKey; readonly at: string }
  | { readonly question: string; readonly reason: string };

/** Answers one question. Throws only what `counterparts` throws: a question without an answer says why. */
export async function lookUp(question: string, counterparts: Counterparts): Promise<LookedUp> {
  const name = parseObjectName(question);
  if (name === undefined) return { question, reason: "it has no form that names an object" };
  if (name.by === "stage") return { question, reason: "a stage is no object: ask for the version or an alias" };
  if (name.by === "experiment" && !/^\d+$/.test(name.text)) return { question, reason: "an experiment is looked up by its id" };
  const key = name.by === "experiment" ? keyOf("experiment", name.text) : name.key;
  const found = distinct(await counterparts(key));
  const [first, ...others] = found;
  if (first === undefined) return { question, reason: "nothing is known of it" };
  if (others.length === 0) return { question, answer: name.write(first.key), key: first.key, at: first.at };
  const list = found.map((one) => `${name.write(one.key)} at ${one.at}`).join(", ");
  return { question, reason: `it has ${String(found.length)} counterparts: ${list}` };
}

/** What a place holds of other registries, by provenance. `orSame`: an object of the very key counts, as in a bundle of its registry. */
export function placedAt(source: Pick<Source, "ask" | "uri">, options: { readonly orSame: boolean }, signal: AbortSignal): Counterparts {
  const at = source.uri;
  const keysOf = async (key: EntityKey): Promise<EntityKey[]> => {
    if (kindOf(key) === "alias") return aliasesOf(source, { key, models: await keysOf(modelOf(key)) }, signal);
    const placed = await answersTo(source, { about: "origin", key }, signal);
    if (placed.length > 0 || !options.orSame) return placed.map((entity) => entity.key);
    return (await answersTo(source, { about: "key", key }, signal)).map((entity) => entity.key);
  };
  return async (key) => (await keysOf(key)).map((found) => ({ key: found, at }));
}

/** Where objects of a place came from, as they tell themselves. */
export function cameFrom(source: Pick<Source, "ask" | "uri">, signal: AbortSignal): Counterparts {
  const originOf = ({ kind, provenance }: Entity): EntityKey[] => {
    const id = provenance.get(PROVENANCE.sourceId);
    return id === undefined ? [] : [keyOf(kind, id)];
  };
  return async (key) => {
    const isAlias = kindOf(key) === "alias";
    const entities = await answersTo(source, { about: "key", key: isAlias ? modelOf(key) : key }, signal);
    const origins = entities.flatMap(originOf).map((origin) => (isAlias ? aliasKey(idOf(origin), aliasWord(key)) : origin));
    return origins.map((origin) => ({ key: origin, at: "its origin" }));
  };
}

/** Aliases carry no provenance: those of the same word at the models that the alias' model became. */
async function aliasesOf(
  source: Pick<Source, "ask" | "uri">,
  { key, models }: { readonly key: EntityKey; readonly models: readonly EntityKey[] },
  signal: AbortSignal,
): Promise<EntityKey[]> {
  const wanted = models.map((model) => aliasKey(idOf(model), aliasWord(key)));
  const found = await Promise.all(wanted.map((alias) => answersTo(source, { about: "key", key: alias }, signal)));
  return found.flat().map((entity) => entity.key);
}

function aliasWord(key: EntityKey): string {
  return idOf(key).slice(idOf(modelOf(key)).length + 1);
}

function distinct(found: readonly Counterpart[]): Counterpart[] {
  return [...new Map(found.toReversed().map((one) => [one.key, one])).values()].toReversed();
}
