// What a server has and a served registry never holds: searches find nothing, look-ups miss, parts that a server can lack are off.
import { notFound } from "./refusals.ts";
import { json } from "./route.ts";
import type { Answer, Call, Route } from "./route.ts";

const empty = (): Answer => json({});

function noTrace({ parts: [id = ""] }: Call): Answer {
  throw notFound(`Trace with ID '${id}' not found.`);
}

function noDataset({ parts: [id = ""] }: Call): Answer {
  throw notFound(`Evaluation dataset with id '${id}' not found`);
}

function noWebhook({ parts: [id = ""] }: Call): Answer {
  throw notFound(`Webhook with ID ${id} not found.`);
}

function noWorkspaces(): Answer {
  return { kind: "text", status: 503, body: "Workspaces are not enabled on this server" };
}

/** In this order: a fixed path comes before a placeholder that would match it. */
export const ABSENT_ROUTES: readonly Route[] = [
  { methods: ["GET"], path: "2.0/mlflow/traces", handler: empty },
  { methods: ["GET"], path: "2.0/mlflow/traces/{}/info", handler: noTrace },
  { methods: ["POST"], path: "3.0/mlflow/traces/search", handler: empty },
  { methods: ["POST"], path: "3.0/mlflow/traces/batchGetInfos", handler: empty },
  { methods: ["GET"], path: "3.0/mlflow/traces/batchGet", handler: empty },
  { methods: ["GET"], path: "3.0/mlflow/traces/{}", handler: noTrace },
  { methods: ["GET", "POST"], path: "3.0/mlflow/datasets/search", handler: empty },
  { methods: ["GET"], path: "3.0/mlflow/datasets/{}", handler: noDataset },
  { methods: ["GET"], path: "3.0/mlflow/scorers/list", handler: empty },
  { methods: ["GET"], path: "2.0/mlflow/webhooks", handler: empty },
  { methods: ["GET"], path: "2.0/mlflow/webhooks/{}", handler: noWebhook },
  { methods: ["GET"], path: "3.0/mlflow/workspaces", handler: noWorkspaces },
];
