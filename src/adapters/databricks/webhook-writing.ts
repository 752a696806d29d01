// Makes webhooks in the workspace registry, disabled: whoever they call knows them by a secret, which no registry gives out.
import { MigrationError } from "../../errors.ts";
import type { HttpClient } from "../../http/client.ts";
import type { PlacedKey, Webhook } from "../../model/entities.ts";
import { idOf, placed } from "../../model/keys.ts";
import type { FindContext, Found, PutContext } from "../../ports/target.ts";
import type { Calls } from "../mlflow/target-calls.ts";
import { sourceDigest } from "../mlflow/target-calls.ts";
import { createOnce } from "../mlflow/target-once.ts";
import { listWebhooks, withMark } from "./webhooks.ts";

export interface WebhookWriting {
  readonly http: HttpClient;
  readonly calls: Calls;
}

/** The one whose description ends in the mark of its provenance; webhooks have no tags. */
export async function findWebhook({ http }: WebhookWriting, webhook: Webhook, context: FindContext): Promise<Found | undefined> {
  const there = await ours(http, sourceDigest(context.provenance), context.signal);
  // Whether it is enabled is for the people there to decide.
  return there && { key: placed(there.key), ours: true, deleted: false, read: async () => ({ ...there, status: webhook.status }) };
}

async function ours(http: HttpClient, digest: string, signal: AbortSignal): Promise<Webhook | undefined> {
  for await (const { webhook, mark } of listWebhooks(http, signal)) if (mark === digest) return webhook;
  return undefined;
}

/** Creates it, or brings its description up to date; events and address are those that it was made with. */
export async function putWebhook(writing: WebhookWriting, webhook: Webhook, context: PutContext): Promise<PlacedKey> {
  const { http, calls } = writing;
  const { signal, existing } = context;
  const digest = sourceDigest(context.provenance);
  const { model, events, status, target } = webhook;
  const description = withMark(webhook.description, digest);
  if (existing !== undefined) {
    await calls.patch("registry-webhooks/update", { id: idOf(existing.key), events, description }, signal);
    return existing.key;
  }
  const to =
    "url" in target
      ? { http_url_spec: { url: target.url, enable_ssl_verification: target.verifiesTls } }
      : { job_spec: { job_id: target.jobId, workspace_url: target.workspaceUrl } };
  const body = { ...(model === undefined ? {} : { model_name: model }), events, description, status, ...to };
  const made = await createOnce({
    what: `a webhook of ${model ?? "all models"}`,
    send: async () => {
      await calls.create("registry-webhooks/create", body, signal);
      return required(await ours(http, digest, signal), webhook);
    },
    look: () => ours(http, digest, signal),
  });
  return placed(made.key);
}

function required(made: Webhook | undefined, { key }: Webhook): Webhook {
  if (made !== undefined) return made;
  throw new MigrationError("NOT_FOUND", `${key} was made, and the workspace does not list it`, { key, hint: "run the same command again" });
}
