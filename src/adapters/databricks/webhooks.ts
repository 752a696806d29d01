// Webhooks of the workspace registry. What they prove themselves by (secrets, tokens) is given out to nobody.
import { z } from "zod";
import type { HttpClient, Query } from "../../http/client.ts";
import type { Webhook } from "../../model/entities.ts";
import { keyOf } from "../../model/keys.ts";
import { parseWire } from "../mlflow/wire.ts";

const API = "/api/2.0/mlflow/registry-webhooks";

const webhook = z.object({
  id: z.string(),
  events: z.array(z.string()).default([]),
  model_name: z.string().optional(),
  description: z.string().optional(),
  status: z.enum(["ACTIVE", "DISABLED", "TEST_MODE"]).default("ACTIVE"),
  http_url_spec: z.object({ url: z.string(), enable_ssl_verification: z.boolean().default(true) }).optional(),
  job_spec: z.object({ job_id: z.union([z.string(), z.number()]).transform(String), workspace_url: z.string().optional() }).optional(),
});
const listed = z.object({ webhooks: z.array(webhook).default([]), next_page_token: z.string().optional() });

export interface ListedWebhook {
  readonly webhook: Webhook;
  /** The provenance of one that mlferry made. */
  readonly mark: string | undefined;
}

const MARK = /\n*\[mlferry ([0-9a-f]{32}): [^\]]*\]$/;

/** The description with the provenance at its end, and what is to be done. */
export function withMark(description: string | undefined, digest: string): string {
  return `${description === undefined ? "" : `${description}\n\n`}[mlferry ${digest}: made disabled; give its secret again, then enable it]`;
}

/** Every webhook that there is, for one model or for all. */
export async function* listWebhooks(http: HttpClient, signal: AbortSignal): AsyncGenerator<ListedWebhook> {
  const path = `${API}/list`;
  let token: string | undefined;
  do {
    const query: Query = token === undefined ? [] : [["page_token", token]];
    const page = parseWire(listed, await http.json({ method: "GET", path, query, repeat: "safe" }, signal), path);
    for (const one of page.webhooks) yield { webhook: toWebhook(one), mark: MARK.exec(one.description ?? "")?.[1] };
    token = page.next_page_token === "" ? undefined : page.next_page_token;
  } while (token !== undefined);
}

function toWebhook(one: z.infer<typeof webhook>): Webhook {
  const { id, events, model_name: model, status, http_url_spec: url, job_spec: job } = one;
  const description = (one.description ?? "").replace(MARK, "");
  const workspace = job?.workspace_url === undefined ? {} : { workspaceUrl: job.workspace_url };
  return {
    kind: "webhook",
    key: keyOf("webhook", id),
    needs: model === undefined ? [] : [keyOf("registered-model", model)],
    mayReference: [],
    provenance: new Map(),
    ...(model === undefined ? {} : { model }),
    events,
    ...(description === "" ? {} : { description }),
    status,
    target: url === undefined ? { jobId: job?.job_id ?? "", ...workspace } : { url: url.url, verifiesTls: url.enable_ssl_verification },
  };
}
