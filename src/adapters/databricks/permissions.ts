// Permissions of experiments, registered models and the registry as a whole: those that an object has directly, by the object's number.
import { z } from "zod";
import { MigrationError } from "../../errors.ts";
import type { HttpClient } from "../../http/client.ts";
import type { EntityKey, Grant, Permission } from "../../model/entities.ts";
import { keyOf, permissionKey } from "../../model/keys.ts";
import { parseWire } from "../mlflow/wire.ts";

const entry = z.object({
  user_name: z.string().optional(),
  group_name: z.string().optional(),
  service_principal_name: z.string().optional(),
  all_permissions: z.array(z.object({ permission_level: z.string(), inherited: z.boolean().default(false) })).default([]),
});
const listed = z.object({ access_control_list: z.array(entry).default([]) });
const modelAnswer = z.object({ registered_model_databricks: z.object({ id: z.union([z.string(), z.number()]).transform(String) }) });

/** The number under which the permissions over all registered models are kept. */
const ALL_MODELS = "root";

/** `hidden`: the workspace does not show them to this login. Undefined where the object has no direct ones. */
export type ReadPermission = Permission | "hidden" | undefined;

export async function experimentPermission(http: HttpClient, id: string, signal: AbortSignal): Promise<ReadPermission> {
  return read(http, { path: `experiments/${id}`, object: keyOf("experiment", id) }, signal);
}

export async function modelPermission(http: HttpClient, name: string, signal: AbortSignal): Promise<ReadPermission> {
  const path = "/api/2.0/mlflow/databricks/registered-models/get";
  const answer = await http.json({ method: "GET", path, query: [["name", name]], repeat: "safe" }, signal);
  const { id } = parseWire(modelAnswer, answer, path).registered_model_databricks;
  return read(http, { path: `registered-models/${encodeURIComponent(id)}`, object: keyOf("registered-model", name) }, signal);
}

/** Those over all registered models. */
export async function registryPermission(http: HttpClient, signal: AbortSignal): Promise<ReadPermission> {
  return read(http, { path: `registered-models/${ALL_MODELS}`, object: "registry" }, signal);
}

interface Asked {
  readonly path: string;
  readonly object: EntityKey | "registry";
}

async function read(http: HttpClient, { path, object }: Asked, signal: AbortSignal): Promise<ReadPermission> {
  const route = `/api/2.0/permissions/${path}`;
  try {
    const answer = await http.json({ method: "GET", path: route, repeat: "safe" }, signal);
    const entries = parseWire(listed, answer, route).access_control_list.flatMap(grantsOf);
    if (entries.length === 0) return undefined;
    const needs = object === "registry" ? [] : [object];
    return { kind: "permission", key: permissionKey(object), needs, mayReference: [], provenance: new Map(), object, entries };
  } catch (thrown) {
    const status = thrown instanceof MigrationError ? thrown.request?.status : undefined;
    if (status === 403) return "hidden";
    // An experiment that belongs to a notebook has those of the notebook, and a deleted one has none.
    if (status === 404) return undefined;
    throw thrown;
  }
}

function grantsOf(one: z.infer<typeof entry>): Grant[] {
  const direct = one.all_permissions.filter(({ inherited }) => !inherited);
  const [kind, name] =
    one.user_name !== undefined
      ? (["user", one.user_name] as const)
      : one.group_name !== undefined
        ? (["group", one.group_name] as const)
        : (["service-principal", one.service_principal_name ?? ""] as const);
  return direct.map(({ permission_level: level }) => ({ kind, name, level }));
}
