// Reads what hangs on a workspace's experiments, models and versions: entries, permissions and webhooks, as far as a selection means them.
import type { HttpClient } from "../../http/client.ts";
import type { EntityKey, Permission, StageHistory, VersionEntry, Webhook } from "../../model/entities.ts";
import { versionKey } from "../../model/keys.ts";
import type { Attached } from "../mlflow/registry-half.ts";
import type { WireModelVersion } from "../mlflow/wire.ts";
import type { EntryReader } from "./entries.ts";
import { experimentPermission, modelPermission, registryPermission } from "./permissions.ts";
import type { ReadPermission } from "./permissions.ts";
import { listWebhooks } from "./webhooks.ts";
import { workThrough } from "../mlflow/workers.ts";

/** Requests of each kind under way. */
const AT_ONCE = 8;

export interface PartsOf {
  readonly http: HttpClient;
  readonly entries: EntryReader;
  readonly versions: readonly WireModelVersion[];
  /** Names of the models that are selected. */
  readonly models: readonly string[];
  /** Of experiments that may come. */
  readonly experimentIds: readonly string[];
}

export async function readParts(of: PartsOf, signal: AbortSignal): Promise<Attached> {
  const { http, entries: reader, versions, models, experimentIds } = of;
  const histories = new Map<EntityKey, StageHistory>();
  const entries: VersionEntry[] = [];
  await workThrough([...versions], AT_ONCE, async (version) => {
    const found = await reader.of(version, signal);
    histories.set(versionKey(version.name, version.version), found.history);
    entries.push(...found.entries);
  });
  const permissions: Permission[] = [];
  let hidden = 0;
  const take = (read: ReadPermission): void => {
    if (read === "hidden") hidden += 1;
    else if (read !== undefined) permissions.push(read);
  };
  if (models.length > 0) take(await registryPermission(http, signal));
  await workThrough([...models], AT_ONCE, async (name) => take(await modelPermission(http, name, signal)));
  await workThrough([...experimentIds], AT_ONCE, async (id) => take(await experimentPermission(http, id, signal)));
  const webhooks: Webhook[] = [];
  if (models.length > 0) for await (const { webhook } of listWebhooks(http, signal)) webhooks.push(webhook);
  return {
    parts: [...entries, ...permissions, ...webhooks],
    histories,
    notCarried: hidden === 0 ? [] : [{ what: "permissions that this login may not see", count: hidden }],
  };
}
