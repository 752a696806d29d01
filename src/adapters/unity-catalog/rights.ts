// Whether whoever runs a job may make the models that it is to make, and add versions to those that are there: told before anything is written.
import { asMigrationError } from "../../errors.ts";
import type { HttpClient } from "../../http/client.ts";
import type { Check } from "../../ports/checks.ts";
import { whoAmI } from "../databricks/principal.ts";
import { get, pagesOf, unlessNotFound } from "../mlflow/calls.ts";
import { GIVEN_BY, grant } from "./privileges.ts";
import { wire } from "./wire.ts";

const API = "/api/2.1/unity-catalog";

/**
 * A check for each schema in which models are to be made, and for each model of these three-level names that somebody else owns. The schemas must be
 * there. What cannot be asked is told as a warning. Throws what would end a job.
 */
export async function* checkRights(http: HttpClient, models: readonly string[], signal: AbortSignal): AsyncGenerator<Check> {
  const { name, groups } = await whoAmI(http, signal);
  // Everybody is in this group, which no listing of groups has.
  const asking: Asking = { http, signal, user: name, principals: new Set([name, ...groups, "account users"]) };
  const owners = await Promise.all(models.map((model) => ownerOf(asking, { type: "models", name: model })));
  const schemas = new Set(models.filter((_, at) => owners[at] === undefined).map((model) => model.split(".").slice(0, 2).join(".")));
  for (const schema of schemas) yield* told(`privileges in ${schema}`, () => checkSchema(asking, schema));
  for (const [at, model] of models.entries()) {
    const owner = owners[at];
    if (owner !== undefined && !asking.principals.has(owner)) yield* told(`model ${model}`, () => checkModel(asking, model, owner));
  }
}

interface Asking {
  readonly http: HttpClient;
  readonly signal: AbortSignal;
  readonly user: string;
  readonly principals: ReadonlySet<string>;
}

type Finding = Pick<Check, "state" | "says" | "hint" | "code">;

async function checkSchema(asking: Asking, schema: string): Promise<Finding> {
  const [catalog = ""] = schema.split(".");
  const held = await privilegesOn(asking, "schema", schema);
  const [ownsSchema, ownsCatalog] = await Promise.all([owns(asking, "schemas", schema), owns(asking, "catalogs", catalog)]);
  const mayUse = ownsCatalog || held.has("USE_CATALOG");
  const maySee = ownsCatalog || ownsSchema || held.has("USE_SCHEMA");
  const mayMake = ownsCatalog || ownsSchema || held.has("CREATE_MODEL") || held.has("CREATE_FUNCTION");
  const lacking: Parameters<typeof grant>[] = [];
  if (!mayUse) lacking.push(["USE CATALOG", "CATALOG", catalog]);
  if (!maySee) lacking.push(["USE SCHEMA", "SCHEMA", schema]);
  if (!mayMake) lacking.push(["CREATE MODEL", "SCHEMA", schema]);
  if (lacking.length === 0 || held.has("ALL_PRIVILEGES")) return { state: "ok", says: `${asking.user} may make models` };
  return {
    state: "fail",
    says: `${asking.user} has no ${lacking.map(([privilege]) => privilege).join(", no ")}, nor has a group of theirs`,
    hint: `${GIVEN_BY}: ${lacking.map((one) => grant(...one)).join("; ")}`,
    code: "NOT_AUTHORISED",
  };
}

/** The schema's and the catalog's owner may grant themselves what is missing; nothing is done for them here. */
async function checkModel(asking: Asking, model: string, owner: string): Promise<Finding> {
  const held = await privilegesOn(asking, "function", model);
  const mayAdd = held.has("CREATE_MODEL_VERSION") && held.has("APPLY_TAG");
  if (mayAdd || held.has("MANAGE") || held.has("ALL_PRIVILEGES")) {
    return { state: "ok", says: `${asking.user} may add versions` };
  }
  return {
    state: "fail",
    says: `it is owned by ${owner === "" ? "somebody else" : owner}, and ${asking.user} may add no versions`,
    hint: `${GIVEN_BY}: ${["CREATE MODEL VERSION", "APPLY TAG", "MANAGE"].map((one) => grant(one, "FUNCTION", model)).join("; ")}`,
    code: "NOT_AUTHORISED",
  };
}

async function owns(asking: Asking, type: "schemas" | "catalogs", name: string): Promise<boolean> {
  const owner = await ownerOf(asking, { type, name });
  return owner !== undefined && asking.principals.has(owner);
}

/** Undefined where there is no such thing, or none that may be seen. */
async function ownerOf(
  { http, signal }: Asking,
  { type, name }: { readonly type: string; readonly name: string },
): Promise<string | undefined> {
  try {
    const path = `${API}/${type}/${encodeURIComponent(name)}`;
    return (await unlessNotFound(get(http, path, { schema: wire.owned, signal })))?.owner;
  } catch (thrown) {
    if (asMigrationError(thrown).request?.status === 403) return undefined;
    throw thrown;
  }
}

/** Those of us and of our groups, inherited ones included. Asked for by pages, of which some are empty. */
async function privilegesOn({ http, signal, principals }: Asking, type: string, name: string): Promise<ReadonlySet<string>> {
  const held = new Set<string>();
  const path = `${API}/effective-permissions/${type}/${encodeURIComponent(name)}`;
  for await (const page of pagesOf(http, { path, query: [["max_results", "0"]], schema: wire.grants }, signal)) {
    for (const { principal, privileges } of page.privilege_assignments) {
      if (principals.has(principal)) for (const { privilege } of privileges) held.add(privilege);
    }
  }
  return held;
}

async function* told(name: string, check: () => Promise<Finding>): AsyncGenerator<Check> {
  try {
    yield { name, ...(await check()) };
  } catch (thrown) {
    const error = asMigrationError(thrown);
    const status = error.request?.status;
    if (status !== 403 && status !== 404) throw error;
    const hint = "who may not see them may have them all the same: a copy of one model shows it";
    yield { name, state: "warn", says: `they cannot be read: ${error.message}`, hint };
  }
}
