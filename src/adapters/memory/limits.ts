// Refuses what the place's capabilities say it cannot hold, as a strict server would, so that nothing is lost in silence.
import { MigrationError } from "../../errors.ts";
import type { ErrorCode } from "../../errors.ts";
import type { Entity, MetricPoint, Tags } from "../../model/entities.ts";
import { PROVENANCE_PREFIX } from "../../model/keys.ts";
import type { Capabilities, NameRule } from "../../ports/capabilities.ts";

/** Throws NOT_SUPPORTED, NAME_ILLEGAL or REQUEST_FAILED for the first thing of the entity that does not fit. */
export function checkLimits(entity: Entity, capabilities: Capabilities): void {
  const isNote = capabilities.notes?.has(entity.kind) === true;
  if (!isNote && !capabilities.kinds.has(entity.kind)) throw refusal("NOT_SUPPORTED", entity, "the place has no such objects");
  checkNames(entity, capabilities);
  if ("tags" in entity) checkTags(entity, entity.tags, capabilities);
  if (entity.kind === "model-version") checkVersion(entity, capabilities);
  if ("description" in entity && tooLong(entity.description ?? "", capabilities.descriptionChars)) {
    throw refusal("REQUEST_FAILED", entity, "its description is too long");
  }
  const { textRefuses } = capabilities;
  if (textRefuses !== undefined && textsOf(entity).some((text) => textRefuses.pattern.test(text))) {
    throw refusal("REQUEST_FAILED", entity, textRefuses.wording);
  }
  if (entity.kind === "run") {
    for (const [key, value] of entity.params) {
      if (tooLong(value, capabilities.paramValueChars)) throw refusal("REQUEST_FAILED", entity, `the value of param ${key} is too long`);
    }
  }
  if (entity.kind === "logged-model") entity.metrics.forEach((metric) => checkPoint(entity, metric, capabilities));
}

function textsOf(entity: Entity): string[] {
  const tags = "tags" in entity ? [...entity.tags.values()] : [];
  const params = "params" in entity ? [...entity.params.values()] : [];
  return [...tags, ...params, ...("description" in entity ? [entity.description ?? ""] : [])];
}

/** Throws REQUEST_FAILED for a value that the place would change. */
export function checkPoint(entity: Entity, point: MetricPoint, capabilities: Capabilities): void {
  if (capabilities.infinities || Number.isFinite(point.value) || Number.isNaN(point.value)) return;
  throw refusal("REQUEST_FAILED", entity, `metric ${point.key} is infinite`);
}

/** Throws NAME_ILLEGAL for a path that leaves its folder or that the place cannot store. */
export function checkPath(entity: Entity, path: string, capabilities: Capabilities): void {
  const rule = capabilities.filePathRefuses;
  const odd = path === "" || path.split("/").some((part) => part === "" || part === "." || part === "..");
  if (odd) throw refusal("NAME_ILLEGAL", entity, `${JSON.stringify(path)} is no relative path`);
  if (rule !== undefined && path.search(rule.pattern) >= 0) {
    throw refusal("NAME_ILLEGAL", entity, `file path ${JSON.stringify(path)}: ${rule.wording}`);
  }
}

/** Whether a text has more than `limit` characters (code points, as servers in Python count). */
export function tooLong(text: string, limit: number | undefined): boolean {
  return limit !== undefined && text.length > limit && [...text].length > limit;
}

/** The error of a refused write. */
export function refusal(code: ErrorCode, entity: Entity, reason: string): MigrationError {
  return new MigrationError(code, `cannot write ${entity.key}: ${reason}`, { side: "target", key: entity.key });
}

function checkNames(entity: Entity, { names }: Capabilities): void {
  const check = (name: string, rule: NameRule | undefined): void => {
    if (rule === undefined || rule.pattern.test(name)) return;
    throw refusal("NAME_ILLEGAL", entity, `the name ${JSON.stringify(name)} is not allowed (${rule.wording})`);
  };
  if (entity.kind === "experiment") check(entity.name, names.experiment);
  else if (entity.kind === "logged-model") check(entity.name, names.loggedModel);
  else if (entity.kind === "registered-model") check(entity.name, names.registeredModel);
  else if (entity.kind === "alias") check(entity.alias, names.alias);
}

function checkTags(entity: Entity, tags: Tags, capabilities: Capabilities): void {
  const limits = capabilities.tags[entity.kind];
  const own = [...entity.provenance].map(([key, value]) => [PROVENANCE_PREFIX + key, value] as const);
  for (const [key, value] of [...tags, ...own]) {
    if (tooLong(key, limits?.keyChars)) throw refusal("REQUEST_FAILED", entity, `tag key ${key} is too long`);
    if (tooLong(value, limits?.valueChars)) throw refusal("REQUEST_FAILED", entity, `the value of tag ${key} is too long`);
    if (limits?.keyRefuses !== undefined && key.search(limits.keyRefuses) >= 0) {
      throw refusal("REQUEST_FAILED", entity, `tag key ${JSON.stringify(key)} has characters that are not allowed`);
    }
  }
  // Where there are none at all, the place keeps mlferry's own elsewhere.
  if (tags.size + (limits?.count === 0 ? 0 : own.length) > (limits?.count ?? Infinity))
    throw refusal("REQUEST_FAILED", entity, "too many tags");
  const foreign = [...tags.keys()].find((key) => key.startsWith(PROVENANCE_PREFIX));
  if (foreign !== undefined) throw refusal("REQUEST_FAILED", entity, `tag ${foreign} is mlferry's own`);
}

function checkVersion(entity: Extract<Entity, { kind: "model-version" }>, capabilities: Capabilities): void {
  if (!capabilities.stages && entity.stage !== "None") throw refusal("NOT_SUPPORTED", entity, "the place has no stages");
  const { files } = entity;
  const { owner } = files;
  if (capabilities.versionModels !== true && files.owner === "own" && files.loggedModel !== undefined) {
    throw refusal("NOT_SUPPORTED", entity, "a version cannot name a logged model here");
  }
  if (capabilities.versionFiles === "own-copy" && owner !== "own") {
    throw refusal("NOT_SUPPORTED", entity, "a version cannot refer to files of another object here");
  }
  if (capabilities.versionFiles === "by-reference" && owner === "own") {
    throw refusal("NOT_SUPPORTED", entity, "a version cannot have files of its own here");
  }
}
