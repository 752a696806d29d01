// What Unity Catalog refuses: names, tags, aliases, and what takes a privilege. Limits are those of Databricks' documentation.
import { forbidden, invalid, missing, optional, Refused } from "./answer.ts";
import type { Json } from "./answer.ts";
import { has } from "./grants.ts";
import type { State } from "./state.ts";

/** The name as it is kept, in lower case. Throws unless catalog, schema and model are all there. */
export function fullName(state: State, text: string): string {
  const parts = text.split(".");
  if (state.schemas.size === 0) throw new Refused(404, "METASTORE_DOES_NOT_EXIST", "No metastore assigned for the current workspace.");
  if (parts.length !== 3 || parts.some((part) => part === "")) {
    throw invalid(`'${text}' is not a valid name for a registered model: please specify all three levels, as in catalog.schema.model.`);
  }
  const [catalog = "", schema = "", model = ""] = parts;
  // eslint-disable-next-line no-control-regex -- control characters are what is refused
  if (/[\s/\u0000-\u001f\u007f]/.test(text)) throw invalid(`'${model}' is not a valid name: no spaces, slashes or control characters.`);
  if (parts.some((part) => part.length > 255)) throw invalid(`'${model.slice(0, 20)}…' is longer than 255 characters.`);
  const container = `${catalog}.${schema}`.toLowerCase();
  if (!state.schemas.has(container)) throw missing(`Schema '${container}' does not exist.`);
  return text.toLowerCase();
}

/** Whoever does not own the schema needs the privileges to make a model. */
export function mayCreate(state: State, model: string, user: string): void {
  const name = model.split(".").slice(0, 2).join(".");
  if (!has(state, user, { type: "schema", name }, ["USE_CATALOG"])) {
    throw forbidden(`User does not have USE CATALOG on Catalog '${name.split(".")[0] ?? ""}'.`);
  }
  for (const [privileges, words] of [
    [["USE_SCHEMA"], "USE SCHEMA"],
    [["CREATE_MODEL", "CREATE_FUNCTION"], "CREATE MODEL"],
  ] as const) {
    if (!has(state, user, { type: "schema", name }, privileges)) throw forbidden(`User does not have ${words} on Schema '${name}'.`);
  }
}

export function checkTag(key: string, value: string): void {
  if (/[.,\-=/:]/.test(key)) throw invalid(`Tag key '${key}' contains characters that are not allowed: . , - = / :`);
  if (key.length > 255) throw invalid("A tag key can be at most 255 characters long.");
  if (value.length > 1000) throw invalid(`The value of tag '${key}' is longer than 1000 characters.`);
}

/** Tags of a create call: whether an illegal one refuses the whole call is one of the rules. */
export function checkTags(state: State, tags: readonly [string, string][]): Map<string, string> {
  const kept = new Map<string, string>();
  for (const [key, value] of tags) {
    try {
      checkTag(key, value);
      kept.set(key, value);
    } catch (thrown) {
      if (state.rules.illegalTags === "refuse") throw thrown;
    }
  }
  if (kept.size > 50) throw invalid("at most 50 tags can be set on an object");
  return kept;
}

export function checkAlias(alias: string): string {
  if (!/^[\w-]{1,255}$/.test(alias) || /^(latest|v\d+)$/i.test(alias)) throw invalid(`Invalid alias name: '${alias}'.`);
  return alias;
}

/** A logged model has to be of the workspace, as MLflow's client takes for granted; whether dependencies are looked up is one of the rules. */
export function checkLineage(state: State, fields: Json): void {
  const modelId = optional(fields, "model_id");
  if (modelId !== undefined && !state.loggedModels.has(modelId)) throw missing(`Logged model with ID '${modelId}' not found.`);
  const dependencies = (fields["model_version_dependencies"] ?? []) as readonly Json[];
  for (const { type, name } of dependencies) {
    if (!/^DATABRICKS_[A-Z_]+$/.test(String(type)) || typeof name !== "string") throw invalid("a dependency has a type and a name");
    if (state.rules.checksDependencies) throw missing(`${name} does not exist.`);
  }
}
