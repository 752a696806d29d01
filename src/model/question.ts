// Small questions about a registry: what a place can answer without being read whole.
import type { Entity, EntityKey } from "./entities.ts";
import { idOf, kindOf, modelOf, PROVENANCE } from "./keys.ts";

/**
 * `key`: the object under a key. `names`: the experiments or registered models there are, or the one of a name. `dependants`: what
 * needs the object (a run's children, its logged models and versions; a model's versions with their aliases). `origin`: what was placed
 * from an object of this key, whatever registry that was in.
 */
export type Question =
  | { readonly about: "key"; readonly key: EntityKey }
  | { readonly about: "names"; readonly kind: "experiment" | "registered-model"; readonly name?: string }
  | { readonly about: "dependants"; readonly key: EntityKey }
  | { readonly about: "origin"; readonly key: EntityKey };

/** Whether an entity is among the answers. */
export function isAnswer(entity: Entity, question: Question): boolean {
  switch (question.about) {
    case "key":
      return entity.key === question.key;
    case "names":
      return entity.kind === question.kind && (question.name === undefined || entity.name === question.name);
    case "dependants":
      return dependsOn(entity, question.key);
    case "origin":
      return entity.kind === kindOf(question.key) && entity.provenance.get(PROVENANCE.sourceId) === idOf(question.key);
  }
}

/** Whether an object with these needs is among the dependants of `key`. */
export function dependsOn({ kind, needs }: Pick<Entity, "kind" | "needs">, key: EntityKey): boolean {
  return needs.includes(key) || (kind === "alias" && needs.some((version) => modelOf(version) === key));
}
