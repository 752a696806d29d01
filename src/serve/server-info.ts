// What the server says about itself.
import { json } from "./route.ts";
import type { Answer, Call, Route, Served } from "./route.ts";

/** The MLflow whose REST API is imitated: what /version answers. */
export const IMITATED_VERSION = "3.17.2";

export const SERVER_ROUTES: readonly Route[] = [
  { methods: ["GET"], path: "version", handler: () => ({ kind: "text", body: IMITATED_VERSION }) },
  { methods: ["GET"], path: "health", handler: () => ({ kind: "text", body: "OK" }) },
  { methods: ["GET"], path: "", handler: welcome },
];

export const INFO_ROUTES: readonly Route[] = [{ methods: ["GET"], path: "3.0/mlflow/server-info", handler: serverInfo }];

/** Fields as MLflow 3.17.2 answers them; nothing that only writers use is offered. */
function serverInfo(_call: Call, { holdings }: Served): Answer {
  return json({
    // A SQL store cannot hold infinities, a file store can: readers draw that conclusion.
    store_type: holdings.source.capabilities.infinities ? "FileStore" : "SqlStore",
    workspaces_enabled: false,
    trace_archival_enabled: false,
    multipart_uploads_enabled: false,
    multipart_downloads_enabled: false,
    artifact_serving_enabled: true,
    features_enabled: { gateway: false, scheduled_issue_detection: false },
    tracking_auth: "",
    artifacts_presigned_only: false,
  });
}

/** For a person with a browser: there is no user interface here. */
function welcome(_call: Call, { holdings: { registry } }: Served): Answer {
  const counts: [string, ReadonlyMap<unknown, unknown>][] = [
    ["experiments", registry.experiments],
    ["runs", registry.runs],
    ["logged models", registry.loggedModels],
    ["registered models", registry.registeredModels],
    ["versions", registry.versions],
  ];
  const held = counts.map(([what, objects]) => `${String(objects.size)} ${what}`).join(", ");
  const body = `<!doctype html>\n<title>mlferry</title>\n<p>A registry, served read-only by mlferry: ${held}.</p>
<p>Point MLflow's client here: <code>MLFLOW_TRACKING_URI</code> is this address.</p>\n`;
  return { kind: "text", body };
}
