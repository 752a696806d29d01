// Finds the one object that somebody named at a source, or tells what may have been meant.
import { MigrationError } from "../errors.ts";
import type { Entity, EntityKey, ModelVersion } from "../model/entities.ts";
import { idOf, keyOf, kindOf, modelOf, versionOf } from "../model/keys.ts";
import { nearNames } from "../model/near-names.ts";
import type { ObjectName } from "../model/object-name.ts";
import type { Question } from "../model/question.ts";
import type { Source } from "../ports/source.ts";

export interface FoundObject {
  readonly entity: Entity;
  /** What the reader should know of how the name was understood, such as that two versions have the stage. */
  readonly notes: readonly string[];
}

type Asked = Pick<Source, "ask" | "uri">;

/** The object that is meant. Throws NOT_FOUND with near names as its hint. Takes one to a few requests at a server. */
export async function findObject(source: Asked, name: ObjectName, signal: AbortSignal): Promise<FoundObject> {
  switch (name.by) {
    case "key":
      return { entity: await required(source, name.key, signal), notes: [] };
    case "experiment":
      return findExperiment(source, name.text, signal);
    case "alias": {
      const alias = await required(source, name.key, signal);
      // An alias of a version that is gone is needed by nothing, so it may be left over.
      const [version = name.key] = alias.needs;
      return { entity: await required(source, version, signal), notes: [] };
    }
    case "stage":
      return findStage(source, name, signal);
  }
}

/** All answers to a question, at most `most`. */
export async function answersTo(source: Asked, question: Question, signal: AbortSignal, most = Infinity): Promise<Entity[]> {
  const answers: Entity[] = [];
  for await (const entity of source.ask(question, signal)) {
    if (answers.length >= most) break;
    answers.push(entity);
  }
  return answers;
}

async function required(source: Asked, key: EntityKey, signal: AbortSignal): Promise<Entity> {
  const [entity] = await answersTo(source, { about: "key", key }, signal);
  if (entity !== undefined) return entity;
  const hint = await meantInstead(source, key, signal);
  throw new MigrationError("NOT_FOUND", `there is no ${kindOf(key)} ${JSON.stringify(idOf(key))} in ${source.uri}`, {
    key,
    side: "source",
    hint,
  });
}

/** An id wins over a name that looks like one. */
async function findExperiment(source: Asked, text: string, signal: AbortSignal): Promise<FoundObject> {
  const byId = /^\d+$/.test(text) ? await answersTo(source, { about: "key", key: keyOf("experiment", text) }, signal) : [];
  const byName = await answersTo(source, { about: "names", kind: "experiment", name: text }, signal);
  const [entity = byName[0]] = byId;
  if (entity === undefined) {
    const hint = await namesLike(source, { kind: "experiment", name: text }, signal);
    throw new MigrationError("NOT_FOUND", `there is no experiment ${JSON.stringify(text)} in ${source.uri}`, { side: "source", hint });
  }
  const other = byName.find((experiment) => experiment.key !== entity.key);
  const note = `${text} is an id and a name: this is the experiment with the id; the other one is ${other?.key ?? ""}`;
  return { entity, notes: other === undefined ? [] : [note] };
}

async function findStage(source: Asked, { model, stage }: ObjectName & { by: "stage" }, signal: AbortSignal): Promise<FoundObject> {
  await required(source, model, signal);
  const isMeant = (version: ModelVersion): boolean => stage === "latest" || version.stage.toLowerCase() === stage.toLowerCase();
  const versions = (await answersTo(source, { about: "dependants", key: model }, signal))
    .filter((entity) => entity.kind === "model-version")
    .sort((a, b) => b.version - a.version);
  const [highest, ...others] = versions.filter(isMeant);
  if (highest === undefined) {
    const stages = [...new Set(versions.map((version) => version.stage))].join(", ");
    const hint = versions.length === 0 ? "the model has no versions" : `stages that versions of it have: ${stages}`;
    throw new MigrationError("NOT_FOUND", `no version of ${JSON.stringify(idOf(model))} has the stage ${JSON.stringify(stage)}`, {
      side: "source",
      hint,
    });
  }
  const also = others.map(({ version }) => String(version)).join(", ");
  const note = `${String(others.length + 1)} versions have the stage ${highest.stage}: this is the highest; also ${also}`;
  return { entity: await required(source, highest.key, signal), notes: stage === "latest" || others.length === 0 ? [] : [note] };
}

async function meantInstead(source: Asked, key: EntityKey, signal: AbortSignal): Promise<string> {
  const id = idOf(key);
  switch (kindOf(key)) {
    case "experiment":
    case "registered-model":
      return namesLike(source, { kind: kindOf(key) as "experiment" | "registered-model", name: id }, signal);
    case "model-version":
    case "alias":
      return partsOfModel(source, key, signal);
    case "stage-transition":
    case "comment":
    case "transition-request":
      return `mlferry show ${versionOf(key)} lists what hangs on the version`;
    case "permission":
    case "webhook":
      return "mlferry ls tells how many there are, and mlferry ls --json which";
    case "run":
    case "logged-model": {
      const [copy] = await answersTo(source, { about: "origin", key }, signal);
      if (copy !== undefined) return `it was placed here as ${copy.key}`;
      return "check the id: it may be one of another registry, or not visible to this principal";
    }
  }
}

async function partsOfModel(source: Asked, key: EntityKey, signal: AbortSignal): Promise<string> {
  const model = modelOf(key);
  const [there] = await answersTo(source, { about: "key", key: model }, signal);
  if (there === undefined) return namesLike(source, { kind: "registered-model", name: idOf(model) }, signal);
  const kind = kindOf(key);
  const parts = (await answersTo(source, { about: "dependants", key: model }, signal)).filter((entity) => entity.kind === kind);
  const names = parts.map((entity) => idOf(entity.key).slice(idOf(model).length + 1));
  const noun = kind === "alias" ? "aliases" : "versions";
  if (names.length === 0) return `the model has no ${noun}`;
  return `${noun} that it has: ${names.slice(-MOST_PARTS).join(", ")}${names.length > MOST_PARTS ? ` and ${String(names.length - MOST_PARTS)} before` : ""}`;
}

const MOST_PARTS = 10;

async function namesLike(
  source: Asked,
  { kind, name }: { readonly kind: "experiment" | "registered-model"; readonly name: string },
  signal: AbortSignal,
): Promise<string> {
  const entities = await answersTo(source, { about: "names", kind }, signal);
  const names = entities.map((entity) => ("name" in entity ? entity.name : ""));
  const noun = kind === "experiment" ? "experiment" : "registered model";
  if (names.length === 0) return `there is no ${noun} at all`;
  const near = nearNames(name, names);
  if (near.length > 0) return `did you mean ${near.map((one) => JSON.stringify(one)).join(", ")}?`;
  return `${String(names.length)} ${noun}s are there, none of a like name; mlferry ls lists them`;
}
