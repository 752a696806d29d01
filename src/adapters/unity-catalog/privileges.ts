// Which privilege a refused call to Unity Catalog lacks, as the statement that gives it.
import type { RefusedCall } from "../../http/client.ts";

/** What a call needs, beside the use of catalog and schema; on what: a schema, or a model, which SQL takes for a function. */
interface Need {
  readonly privilege: string;
  readonly on: "schema" | "model";
  /** Said where an owner needs none. */
  readonly orOwner?: true;
}

const READ: Need = { privilege: "EXECUTE", on: "model" };
const CREATE_MODEL: Need = { privilege: "CREATE MODEL", on: "schema" };
const CREATE_VERSION: Need = { privilege: "CREATE MODEL VERSION", on: "model", orOwner: true };
const TAG: Need = { privilege: "APPLY TAG", on: "model", orOwner: true };
const MANAGE: Need = { privilege: "MANAGE", on: "model", orOwner: true };

/**
 * By method and route: learn.microsoft.com/azure/databricks/machine-learning/manage-model-lifecycle/upgrade-workflows, and what
 * databricks-sdk-py says at each call of `registered_models` and `model_versions`. The first that fits counts.
 */
const NEEDS: readonly (readonly [RegExp, Need])[] = [
  [/^POST .*\/unity-catalog\/registered-models\/create$/, CREATE_MODEL],
  [/^POST .*\/unity-catalog\/model-versions\/(create|finalize)$/, CREATE_VERSION],
  [/^(POST|DELETE) .*\/unity-catalog\/(registered-models|model-versions)\/(set|delete)-tag$/, TAG],
  [/^GET .*\/unity-catalog\/(registered-models|model-versions)\//, READ],
  [/^(POST|PATCH|DELETE) .*\/unity-catalog\/(registered-models|model-versions)\/(update|delete|alias)$/, MANAGE],
  [/^(GET|HEAD) \/api\/2\.0\/fs\/(files|directories)\/Models\//, READ],
  [/^POST \/api\/2\.0\/fs\/create-download-url$/, READ],
  [/^PUT \/api\/2\.0\/fs\/files\/Models\/|^POST \/api\/2\.0\/fs\/create-upload-url$/, CREATE_VERSION],
];

/**
 * The hint for a call that was refused (403): what the server says is missing, or else all that the call needs. Undefined for calls
 * that are none of Unity Catalog's.
 */
export function missingPrivilege(refused: RefusedCall): string | undefined {
  const route = `${refused.method} ${refused.path}`;
  const name = modelOf(refused);
  if (route.includes("/unity-catalog/model-versions/generate-temporary-credentials")) {
    return hintOf(refused, refused.body?.includes("READ_WRITE") === true ? CREATE_VERSION : READ, name);
  }
  const need = NEEDS.find(([pattern]) => pattern.test(route))?.[1];
  return need === undefined ? undefined : hintOf(refused, need, name);
}

function hintOf({ says }: RefusedCall, need: Need, name: string | undefined): string | undefined {
  const [, privilege, kind = "", securable = ""] = SAYS.exec(says) ?? [];
  const keyword = KEYWORDS[kind.toLowerCase()];
  if (privilege !== undefined && keyword !== undefined) return `${GIVEN_BY}: ${grant(privilege, keyword, securable)}`;
  const [catalog, schema, model] = name?.split(".") ?? [];
  if (catalog === undefined || schema === undefined || model === undefined) return undefined;
  const uses = [grant("USE CATALOG", "CATALOG", catalog), grant("USE SCHEMA", "SCHEMA", `${catalog}.${schema}`)];
  const owner = need.orOwner === true ? "owner of the model, or " : "";
  const own =
    need.on === "schema"
      ? grant(need.privilege, "SCHEMA", `${catalog}.${schema}`)
      : grant(need.privilege, "FUNCTION", `${catalog}.${schema}.${model}`);
  return `it takes the ${owner}${need.privilege}, with the use of catalog and schema: ${[...uses, own].join("; ")}`;
}

/** Begins a hint that holds such statements. */
export const GIVEN_BY = "an owner or an administrator can give it";

/** As servers were seen to word it: `User does not have USE SCHEMA on Schema 'main.ml'`. */
const SAYS = /does not have ([A-Z][A-Z ]*[A-Z]) on (Catalog|Schema|Routine or Model|Function|Model) '([^']+)'/i;

const KEYWORDS: Readonly<Record<string, "CATALOG" | "SCHEMA" | "FUNCTION">> = {
  catalog: "CATALOG",
  schema: "SCHEMA",
  "routine or model": "FUNCTION",
  function: "FUNCTION",
  model: "FUNCTION",
};

/** The statement that gives a privilege; `…` stands for whoever gets it. */
export function grant(privilege: string, keyword: "CATALOG" | "SCHEMA" | "FUNCTION", securable: string): string {
  return `GRANT ${privilege} ON ${keyword} ${securable.split(".").map(quoted).join(".")} TO \`…\``;
}

function quoted(part: string): string {
  return /^\w+$/.test(part) ? part : `\`${part.replaceAll("`", "``")}\``;
}

/** The three-level name, from wherever the route has it. */
function modelOf({ path, query = [], body }: RefusedCall): string | undefined {
  const sent: Readonly<Record<string, unknown>> = { ...Object.fromEntries(query), ...fieldsOf(body) };
  const file = [path, sent["path"]].find((one) => typeof one === "string" && one.includes("/Models/"));
  const levels = typeof file === "string" ? (file.split("/Models/", 2)[1] ?? "").split("/").slice(0, 3) : [];
  if (levels.length === 3) return levels.map(decodeURIComponent).join(".");
  if (typeof sent["name"] === "string") return sent["name"];
  return typeof sent["filter"] === "string" ? /'([^']+)'/.exec(sent["filter"])?.[1] : undefined;
}

function fieldsOf(body: string | undefined): Readonly<Record<string, unknown>> {
  const value: unknown = body?.startsWith("{") === true ? JSON.parse(body) : {};
  return value as Record<string, unknown>;
}
