// Permissions, registry webhooks and folders of the fake workspace.
import { compact, exists, fields, invalid, list, missing, optional, page, Refused, required } from "./answer.ts";
import type { Call, Json } from "./answer.ts";
import { groupsOf } from "./grants.ts";
import type { Routes } from "./routes.ts";
import { there } from "./state.ts";
import type { State } from "./state.ts";

const ACL = String.raw`\/api\/2\.0\/permissions\/(?<type>registered-models|experiments)\/(?<id>\w+)`;
const HOOKS = String.raw`\/api\/2\.0\/mlflow\/registry-webhooks`;

export const administrationRoutes: Routes = [
  [new RegExp(`^GET ${ACL}$`), (state, call) => permissionsJson(state, call)],
  [new RegExp(`^(?<how>PUT|PATCH) ${ACL}$`), setPermissions],
  [new RegExp(`^POST ${HOOKS}\\/create$`), createWebhook],
  [new RegExp(`^GET ${HOOKS}\\/list$`), listWebhooks],
  [new RegExp(`^PATCH ${HOOKS}\\/update$`), updateWebhook],
  [new RegExp(`^DELETE ${HOOKS}\\/delete$`), deleteWebhook],
  [/^POST \/api\/2\.0\/workspace\/mkdirs$/, makeFolders],
  [/^GET \/api\/2\.0\/workspace\/get-status$/, (state, call) => statusOf(state, required(fields(call), "path"))],
  [/^GET \/api\/2\.0\/preview\/scim\/v2\/Me$/, me],
];

const LEVELS: Readonly<Record<string, readonly string[]>> = {
  "registered-models": ["CAN_READ", "CAN_EDIT", "CAN_MANAGE_STAGING_VERSIONS", "CAN_MANAGE_PRODUCTION_VERSIONS", "CAN_MANAGE"],
  experiments: ["CAN_READ", "CAN_EDIT", "CAN_MANAGE"],
};

/** Registered models are known here by their id, never by name; `root` are the permissions over all of them. */
function aclOf(state: State, call: Call): { readonly key: string; readonly acl: Map<string, string> } {
  const [type, id] = [call.parts["type"] ?? "", call.parts["id"] ?? ""];
  const known =
    type === "experiments" ? state.experiments.has(id) : id === "root" || [...state.models.values()].some((model) => model.id === id);
  if (!known) throw missing(`${type === "experiments" ? "Experiment" : "RegisteredModel"} ${id} does not exist.`);
  const key = `${type}/${id}`;
  const acl = state.permissions.get(key) ?? new Map<string, string>();
  state.permissions.set(key, acl);
  return { key, acl };
}

/** What is set directly, and what the group of administrators has by inheritance. */
function permissionsJson(state: State, call: Call): Json {
  const { key, acl } = aclOf(state, call);
  const direct = [...acl].map(([principal, level]) => ({
    ...principalJson(principal),
    all_permissions: [{ permission_level: level, inherited: false }],
  }));
  const from = [`/${call.parts["type"] ?? ""}/`];
  const admins = {
    group_name: "admins",
    all_permissions: [{ permission_level: "CAN_MANAGE", inherited: true, inherited_from_object: from }],
  };
  return { object_id: `/${key}`, object_type: (call.parts["type"] ?? "").replace(/s$/, ""), access_control_list: [...direct, admins] };
}

function principalJson(principal: string): Json {
  if (principal.includes("@")) return { user_name: principal };
  return /^[0-9a-f]{8}-/.test(principal) ? { service_principal_name: principal } : { group_name: principal };
}

function setPermissions(state: State, call: Call): Json {
  const { acl } = aclOf(state, call);
  if (call.parts["how"] === "PUT") acl.clear();
  for (const entry of list(call.body["access_control_list"])) {
    const level = required(entry, "permission_level");
    if (LEVELS[call.parts["type"] ?? ""]?.includes(level) !== true) throw invalid(`Permission level ${level} is not supported.`);
    const principal = optional(entry, "user_name") ?? optional(entry, "group_name") ?? required(entry, "service_principal_name");
    if (principal.includes("@") && !state.users.includes(principal)) throw missing(`Principal: UserName(${principal}) does not exist`);
    acl.set(principal, level);
  }
  return permissionsJson(state, call);
}

const EVENTS = new Set([
  "MODEL_VERSION_CREATED",
  "MODEL_VERSION_TRANSITIONED_STAGE",
  "MODEL_VERSION_TRANSITIONED_TO_STAGING",
  "MODEL_VERSION_TRANSITIONED_TO_PRODUCTION",
  "MODEL_VERSION_TRANSITIONED_TO_ARCHIVED",
  "TRANSITION_REQUEST_CREATED",
  "TRANSITION_REQUEST_TO_STAGING_CREATED",
  "TRANSITION_REQUEST_TO_PRODUCTION_CREATED",
  "TRANSITION_REQUEST_TO_ARCHIVED_CREATED",
  "COMMENT_CREATED",
  "REGISTERED_MODEL_CREATED",
  "MODEL_VERSION_TAG_SET",
]);

/** Secrets go in and never come out. */
function createWebhook(state: State, call: Call): Json {
  const events = (call.body["events"] ?? []) as string[];
  if (events.length === 0 || events.some((event) => !EVENTS.has(event))) throw invalid(`Invalid webhook events: ${events.join(", ")}`);
  const model = optional(call.body, "model_name");
  if (model !== undefined) state.model(model);
  if (model !== undefined && events.includes("REGISTERED_MODEL_CREATED"))
    throw invalid("REGISTERED_MODEL_CREATED is for registry-wide webhooks only.");
  const [http, job] = [call.body["http_url_spec"] as Json | undefined, call.body["job_spec"] as Json | undefined];
  if ((http === undefined) === (job === undefined)) throw invalid("Exactly one of http_url_spec and job_spec must be given.");
  if (http !== undefined && !required(http, "url").startsWith("https://")) throw invalid("The URL of a webhook must begin with https.");
  const created = state.now();
  const webhook = compact({
    id: state.hex(),
    events,
    model_name: model,
    description: optional(call.body, "description"),
    status: optional(call.body, "status") ?? "ACTIVE",
    creation_timestamp: created,
    last_updated_timestamp: created,
    http_url_spec: http && { url: http["url"], enable_ssl_verification: http["enable_ssl_verification"] ?? true },
    job_spec: job && compact({ job_id: job["job_id"], workspace_url: job["workspace_url"] }),
  });
  state.webhooks.set(String(webhook["id"]), webhook);
  return { webhook };
}

function listWebhooks(state: State, call: Call): Json {
  const model = optional(fields(call), "model_name");
  const found = [...state.webhooks.values()].filter((webhook) => model === undefined || webhook["model_name"] === model);
  const { items, next } = page(found, fields(call), { most: 1000, usual: 100 });
  return compact({ webhooks: items, ...next });
}

function updateWebhook(state: State, call: Call): Json {
  const webhook = there(state.webhooks.get(required(call.body, "id")), "No webhook with this id.");
  const status = optional(call.body, "status");
  if (status !== undefined) webhook["status"] = status;
  return { webhook };
}

function deleteWebhook(state: State, call: Call): Json {
  if (!state.webhooks.delete(required(fields(call), "id"))) throw missing("No webhook with this id.");
  return {};
}

/** Makes the folders on the way too; one that is there is fine. Nobody makes folders directly below /Users. */
function makeFolders(state: State, call: Call): Json {
  const parts = required(call.body, "path")
    .split("/")
    .filter((part) => part !== "");
  for (let length = 1; length <= parts.length; length += 1) {
    const path = `/${parts.slice(0, length).join("/")}`;
    const known = state.objects.get(path);
    if (known?.type === "DIRECTORY") continue;
    if (known !== undefined || [...state.experiments.values()].some(({ name, deleted }) => name === path && !deleted)) {
      throw exists(`Node ${path} exists and is no folder.`);
    }
    if (length === 2 && parts[0] === "Users")
      throw new Refused(403, "PERMISSION_DENIED", `${call.user} does not have Manage permissions on /Users.`);
    state.objects.set(path, { type: "DIRECTORY", id: state.number() });
  }
  return {};
}

function statusOf(state: State, path: string): Json {
  const object = state.objects.get(path);
  if (object !== undefined) return { path, object_type: object.type, object_id: Number(object.id) };
  const experiment = [...state.experiments.values()].find(({ name, deleted }) => name === path && !deleted);
  if (experiment === undefined) throw missing(`Path (${path}) doesn't exist.`);
  return { path, object_type: "MLFLOW_EXPERIMENT", object_id: Number(experiment.id) };
}

function me(state: State, { user }: Call): Json {
  const groups = groupsOf(state, user).map((display) => ({ display, type: "direct" }));
  return compact({ id: "1001", userName: user, displayName: user, groups });
}
