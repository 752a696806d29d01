// Compares the facts of two objects that belong together: references by what they mean, not by the ids that places give.
import type { Entity, EntityKey, ModelVersion } from "../model/entities.ts";
import { differences, facts, isDated } from "../model/facts.ts";
import { aliasKey, idOf, keyOf, kindOf, placed, versionKey } from "../model/keys.ts";
import { localise } from "../model/localise.ts";
import type { Capabilities } from "../ports/capabilities.ts";
import type { Matching, Pair } from "./match.ts";
import { clamp } from "./metric-values.ts";
import { LOGGED_MODEL_TAG, RUN_TAG } from "./version-files.ts";

/** One field that differs; absent where one side does not have it. Values are each place's own. */
export interface Difference {
  /** As the first place names it, where it has it. */
  readonly field: string;
  readonly a?: string;
  readonly b?: string;
  /** Why it could not be compared. */
  readonly unreadable?: string;
}

export interface FactsComparison {
  compare(pair: Pair, a: Entity, b: Entity): { readonly differences: Difference[]; readonly facts: number };
}

/** `infinities`: whether both places can hold them. */
export function createFactsComparison(matching: Matching, options: Pick<Capabilities, "infinities">): FactsComparison {
  const pairs = [...matching.ofA.values()];
  const numbers = new Map(pairs.map((pair, index) => [pair, index]));
  const neutral = (key: EntityKey, of: ReadonlyMap<EntityKey, Pair>): EntityKey | undefined => {
    const pair = of.get(key);
    return pair && keyOf(kindOf(key), `${TOKEN}${String(numbers.get(pair))}-`);
  };
  const own = (text: string, side: "a" | "b"): string =>
    text.replace(TOKENS, (_, number: string) => idOf(pairs[Number(number)]?.[side] ?? ("" as EntityKey)));
  return {
    compare(pair, a, b) {
      const [inA, inB] = [
        comparable(a, { by: pair.by, infinities: options.infinities, neutral: (key) => neutral(key, matching.ofA) }),
        comparable(b, { by: pair.by, infinities: options.infinities, neutral: (key) => neutral(key, matching.ofB) }),
      ];
      const found = differences(inA, inB).map(({ field, expected, found: other }): Difference => ({
        field: own(field, expected === undefined ? "b" : "a"),
        ...(expected === undefined ? {} : { a: own(expected, "a") }),
        ...(other === undefined ? {} : { b: own(other, "b") }),
      }));
      return { differences: found, facts: new Set([...inA.keys(), ...inB.keys()]).size };
    },
  };
}

/** Stands for both objects of a pair, in a word that no place gives out as an id. */
const TOKEN = "mlferry-pair-";
const TOKENS = /mlferry-pair-(\d+)-/g;

interface Comparing extends Pick<Capabilities, "infinities"> {
  readonly by: Pair["by"];
  readonly neutral: (key: EntityKey) => EntityKey | undefined;
}

/** Facts in words that both places share, without those that places assign or that made the two a pair. */
function comparable(entity: Entity, { by, infinities, neutral }: Comparing): Map<string, string> {
  const place = (key: EntityKey) => {
    const shared = neutral(key);
    return shared === undefined ? undefined : placed(shared);
  };
  const local = localise(clamped(entity.kind === "model-version" ? withOwnOrigin(entity) : entity, { infinities }), place);
  const all = new Map(facts(local));
  if (by !== "key") {
    if (isDated(entity)) all.delete("createdAt");
    if (entity.kind === "model-version") all.delete("user");
  }
  // A name is what the pair was found by, or what placing it changed.
  if (by === "provenance" && (entity.kind === "experiment" || entity.kind === "registered-model")) all.delete("name");
  if ("model" in entity) nameByPairs(all, entity, { by, neutral });
  return all;
}

/** Model and number through the pairs: both may have changed on the way. */
function nameByPairs(
  all: Map<string, string>,
  entity: Extract<Entity, { readonly model?: string }>,
  { by, neutral }: Pick<Comparing, "by" | "neutral">,
): void {
  if (entity.kind === "webhook") {
    const [webhookModel] = entity.needs;
    if (webhookModel !== undefined) all.set("model", neutral(webhookModel) ?? entity.model ?? "");
    return;
  }
  const model = entity.needs.find((key) => kindOf(key) === "registered-model") ?? keyOf("registered-model", entity.model);
  if (entity.kind === "model-version") {
    all.set("model", neutral(model) ?? entity.model);
    if (by === "provenance") all.delete("version");
    return;
  }
  const version = entity.needs[0] ?? versionKey(entity.model, entity.version);
  all.delete("model");
  all.set("version", neutral(version) ?? String(entity.version));
  if (entity.kind === "alias" && neutral(aliasKey(entity.model, entity.alias)) !== undefined) all.delete("alias");
}

/** Where another run holds a version's files, its own run stands in a tag; and where versions name no logged models, these do. */
function withOwnOrigin(version: ModelVersion): ModelVersion {
  const tags = new Map(version.tags);
  const [run, model] = [tags.get(RUN_TAG), tags.get(LOGGED_MODEL_TAG)];
  tags.delete(RUN_TAG);
  tags.delete(LOGGED_MODEL_TAG);
  return {
    ...version,
    tags,
    ...(run === undefined ? {} : { run: keyOf("run", run) }),
    ...(model === undefined ? {} : { files: { owner: "own", loggedModel: keyOf("logged-model", model) } }),
  };
}

function clamped(entity: Entity, capabilities: Pick<Capabilities, "infinities">): Entity {
  if (capabilities.infinities) return entity;
  if (entity.kind === "logged-model") {
    return { ...entity, metrics: entity.metrics.map((metric) => ({ ...metric, value: clamp(metric.value, capabilities) })) };
  }
  if (entity.kind !== "run") return entity;
  const latest = [...entity.latestMetrics].map(([key, point]) => [key, { ...point, value: clamp(point.value, capabilities) }] as const);
  return { ...entity, latestMetrics: new Map(latest) };
}
