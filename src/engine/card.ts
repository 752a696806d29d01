// As much of an object as stays in memory while two places are compared: who it is, not what it holds.
import type { Entity, EntityKey, Kind, OriginId, Run, LoggedModel } from "../model/entities.ts";
import { facts } from "../model/facts.ts";
import { digestOf, entryId, keyOf, modelOf, PROVENANCE, versionKey } from "../model/keys.ts";
import { REFERENCE_TAGS } from "../model/references.ts";

export interface Card {
  readonly key: EntityKey;
  readonly kind: Kind;
  /** For people, and for the provenance of what the object holds: the name, for versions and aliases that of their model. */
  readonly name: string;
  /** The experiment or the registered model that holds it. */
  readonly container?: EntityKey;
  /** What tells it from others in its container where nothing better does: a name, a number, for runs also start and user. */
  readonly natural: string;
  /** Content without references, of runs and logged models: several may have one natural name. */
  readonly fingerprint?: string;
  /** From the provenance tags: the digest, the id at the source, and when it was created there. */
  readonly source?: string;
  readonly sourceId?: string;
  readonly createdThere?: string;
}

/** One of two places that are compared, as far as it is kept in memory. */
export interface Side {
  readonly origin: OriginId;
  readonly cards: ReadonlyMap<EntityKey, Card>;
}

export function cardOf(entity: Entity): Card {
  const { key, kind, provenance } = entity;
  const given = (field: "source" | "sourceId" | "createdThere", value: string | undefined) =>
    value === undefined ? {} : { [field]: value };
  return {
    key,
    kind,
    ...identityOf(entity),
    ...given("source", provenance.get(PROVENANCE.source)),
    ...given("sourceId", provenance.get(PROVENANCE.sourceId)),
    ...given("createdThere", provenance.get(PROVENANCE.createdAt)),
  };
}

function identityOf(entity: Entity): Pick<Card, "name" | "container" | "natural" | "fingerprint"> {
  switch (entity.kind) {
    case "experiment":
    case "registered-model":
      return { name: entity.name, natural: entity.name };
    case "run": {
      const natural = JSON.stringify([entity.name, String(entity.startTime ?? ""), entity.user]);
      return { name: entity.name, container: entity.experiment, natural, fingerprint: contentOf(entity) };
    }
    case "logged-model":
      return { name: entity.name, container: entity.experiment, natural: entity.name, fingerprint: contentOf(entity) };
    case "model-version": {
      // In a bundle that was written under a mapping, the key is the source's and the name the mapped one.
      const model = entity.needs.find((need) => need.startsWith("registered-model:")) ?? keyOf("registered-model", entity.model);
      return { name: entity.model, container: model, natural: String(entity.version) };
    }
    case "stage-transition":
    case "comment":
    case "transition-request": {
      const version = entity.needs[0] ?? versionKey(entity.model, entity.version);
      return { name: entity.model, container: version, natural: entryId(entity.key) };
    }
    case "permission": {
      const container = entity.object === "registry" ? {} : { container: entity.object };
      return { name: entity.object, ...container, natural: entity.kind };
    }
    case "webhook": {
      const [container] = entity.needs;
      const where = "url" in entity.target ? entity.target.url : entity.target.jobId;
      const natural = JSON.stringify([where, entity.events]);
      return { name: entity.model ?? "registry", ...(container === undefined ? {} : { container }), natural };
    }
    case "alias": {
      const [version] = entity.needs;
      const model = version === undefined ? keyOf("registered-model", entity.model) : modelOf(version);
      return { name: entity.model, container: model, natural: entity.alias };
    }
  }
}

/** Facts that hold ids are other in every place, and so are times that servers assign. */
function contentOf(entity: Run | LoggedModel): string {
  const placeless = [...facts(entity)].filter(
    ([field]) =>
      !/^(experiment|sourceRun|createdAt|outputOf\..*|inputOf\..*)$/s.test(field) &&
      !REFERENCE_TAGS.some((tag) => field === `tags.${tag}`) &&
      !(entity.kind === "logged-model" && field.startsWith("metrics.")),
  );
  const sorted = placeless.sort(([a], [b]) => (a < b ? -1 : 1));
  return digestOf(sorted);
}
