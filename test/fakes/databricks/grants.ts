// Who owns what in the fake Unity Catalog and who was given what: databricks-sdk, catalog.GrantsAPI, SchemasAPI, CatalogsAPI and
// RegisteredModelsAPI, whose models are `function`s to grants.
import { compact, fields, forbidden, invalid, missing, optional } from "./answer.ts";
import type { Call, Json } from "./answer.ts";
import type { Routes } from "./routes.ts";
import { there } from "./state.ts";
import type { State } from "./state.ts";

const N = String.raw`\/api\/2\.1\/unity-catalog`;

export const grantRoutes: Routes = [
  [new RegExp(`^GET ${N}\\/permissions\\/(?<type>\\w+)\\/(?<name>[^/]+)$`), (state, call) => direct(state, securableOf(state, call))],
  [new RegExp(`^PATCH ${N}\\/permissions\\/(?<type>\\w+)\\/(?<name>[^/]+)$`), change],
  [new RegExp(`^GET ${N}\\/effective-permissions\\/(?<type>\\w+)\\/(?<name>[^/]+)$`), effective],
  [new RegExp(`^GET ${N}\\/catalogs\\/(?<name>[^/]+)$`), getCatalog],
  [new RegExp(`^GET ${N}\\/models\\/(?<name>[^/]+)$`), getModel],
];

interface Securable {
  readonly type: string;
  readonly name: string;
}

/** What the user may do there: as owner of it, or by privileges of his own and of his groups, on it or above. */
export function has(state: State, user: string, { type, name }: Securable, privileges: readonly string[]): boolean {
  const principals = new Set([user, ...groupsOf(state, user), "account users"]);
  return upwards({ type, name }).some((one) => {
    if (principals.has(ownerOf(state, one))) return true;
    const given = [...(state.grants.get(`${one.type}/${one.name}`) ?? [])].filter(([principal]) => principals.has(principal));
    return given.some(([, all]) => all.has("ALL_PRIVILEGES") || privileges.some((privilege) => all.has(privilege)));
  });
}

export const groupsOf = ({ groups }: State, user: string): string[] =>
  Object.entries(groups).flatMap(([group, members]) => (members.includes(user) ? [group] : []));

/** The securable, and what its privileges may be inherited from. */
function upwards({ type, name }: Securable): Securable[] {
  const [catalog = "", schema = ""] = name.split(".");
  const above = { function: [{ type: "schema", name: `${catalog}.${schema}` }], schema: [] }[type] ?? [];
  return [{ type, name }, ...above, ...(type === "catalog" ? [] : [{ type: "catalog", name: catalog }])];
}

/** What is there at the start is the first user's. */
function ownerOf(state: State, { type, name }: Securable): string {
  return type === "function" ? (state.catalog.get(name)?.owner ?? "") : (state.users[0] ?? "");
}

function securableOf(state: State, call: Call): Securable {
  const [type, name] = [(call.parts["type"] ?? "").toLowerCase(), (call.parts["name"] ?? "").toLowerCase()];
  const isThere =
    type === "function"
      ? state.catalog.has(name)
      : [...state.schemas].some((schema) => (type === "schema" ? schema === name : type === "catalog" && schema.startsWith(`${name}.`)));
  if (!isThere) throw missing(`${type} '${name}' does not exist.`);
  return { type, name };
}

function direct(state: State, { type, name }: Securable): Json {
  const given = [...(state.grants.get(`${type}/${name}`) ?? [])];
  return compact({ privilege_assignments: given.map(([principal, privileges]) => ({ principal, privileges: [...privileges] })) });
}

function change(state: State, call: Call): Json {
  const securable = securableOf(state, call);
  const { type, name } = securable;
  if (!has(state, call.user, securable, ["MANAGE"])) throw forbidden(`User does not have MANAGE on ${type} '${name}'.`);
  const grants = state.grants.get(`${type}/${name}`) ?? new Map<string, Set<string>>();
  state.grants.set(`${type}/${name}`, grants);
  for (const { principal, add = [], remove = [] } of (call.body["changes"] ?? []) as Change[]) {
    const privileges = grants.get(principal) ?? new Set();
    for (const privilege of add) privileges.add(privilege);
    for (const privilege of remove) privileges.delete(privilege);
    grants.set(principal, privileges);
    if (privileges.size === 0) grants.delete(principal);
  }
  return direct(state, securable);
}

interface Change {
  readonly principal: string;
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
}

/** With what is inherited. Pages may be empty and have a token; `max_results` is 0 for the server's own size, or at least 150. */
function effective(state: State, call: Call): Json {
  const securable = securableOf(state, call);
  const from = fields(call);
  const size = optional(from, "max_results");
  if (size !== undefined && size !== "0" && Number(size) < 150) throw invalid("max_results must be 0 or at least 150");
  if (size !== undefined && state.rules.emptyPages && optional(from, "page_token") === undefined) return { next_page_token: "first" };
  const byPrincipal = new Map<string, Json[]>();
  for (const one of upwards(securable)) {
    const inherited = one.type === securable.type ? {} : { inherited_from_type: one.type.toUpperCase(), inherited_from_name: one.name };
    for (const [principal, privileges] of state.grants.get(`${one.type}/${one.name}`) ?? []) {
      const list = byPrincipal.get(principal) ?? [];
      list.push(...[...privileges].map((privilege) => ({ privilege, ...inherited })));
      byPrincipal.set(principal, list);
    }
  }
  const wanted = optional(from, "principal");
  const all = [...byPrincipal].filter(([principal]) => wanted === undefined || principal === wanted);
  return compact({ privilege_assignments: all.map(([principal, privileges]) => ({ principal, privileges })) });
}

function getCatalog(state: State, call: Call): Json {
  const { name } = securableOf(state, { ...call, parts: { ...call.parts, type: "catalog" } });
  return { name, owner: ownerOf(state, { type: "catalog", name }) };
}

function getModel(state: State, call: Call): Json {
  const name = (call.parts["name"] ?? "").toLowerCase();
  const model = there(state.catalog.get(name), `Routine or Model '${name}' does not exist.`);
  const [catalog_name, schema_name, short] = name.split(".");
  const { owner, description: comment, created: created_at, updated: updated_at } = model;
  return compact({ name: short, catalog_name, schema_name, full_name: name, owner, comment, created_at, updated_at });
}
