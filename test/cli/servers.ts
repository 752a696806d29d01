// Small HTTP servers for the command line's tests: one that answers the same to everything, and an MLflow server's barest outline.
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Serves until the test ends; gives the address. */
export async function serve(answer: Answer): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

/** One answer for every request. */
export function always(status: number, type: string, body: string): Answer {
  return (_request, response) => void response.writeHead(status, { "content-type": type }).end(body);
}

const RUNS = ["a", "b", "c", "d"].map((letter) => letter.repeat(32));

/** A server of one experiment with four runs, each with one file whose listing `hold` may delay. */
export function outlineServer(hold: (path: string) => Promise<void> = () => Promise.resolve()): Answer {
  return (request, response) => {
    const url = new URL(request.url ?? "/", "http://h");
    const send = (body: unknown): void => void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (url.pathname === "/version") return void response.writeHead(200, { "content-type": "text/plain" }).end("3.17.2");
    if (url.pathname.endsWith("/users/current")) return void response.writeHead(404).end();
    if (url.pathname.endsWith("/server-info")) return send({ store_type: "SqlStore", artifact_serving_enabled: true });
    if (url.pathname.endsWith("/experiments/get")) return send({ experiment: EXPERIMENT });
    if (url.pathname.endsWith("/experiments/search")) return send({ experiments: [EXPERIMENT] });
    if (url.pathname.endsWith("/runs/search")) return send({ runs: RUNS.map(runOf) });
    if (url.pathname.endsWith("/artifacts/list")) {
      return void hold(url.pathname).then(() =>
        send({ root_uri: "mlflow-artifacts:/1/x", files: [{ path: "note.txt", is_dir: false, file_size: 5 }] }),
      );
    }
    if (url.pathname.endsWith("/get-artifact") || url.pathname.includes("/mlflow-artifacts/"))
      return void response.writeHead(200).end("hello");
    send({});
  };
}

const EXPERIMENT = {
  experiment_id: "1",
  name: "training",
  artifact_location: "mlflow-artifacts:/1",
  lifecycle_stage: "active",
  creation_time: 1_700_000_000_000,
  last_update_time: 1_700_000_000_000,
};

function runOf(id: string): unknown {
  const info = {
    run_id: id,
    run_uuid: id,
    run_name: `run ${id.slice(0, 1)}`,
    experiment_id: "1",
    user_id: "ada",
    status: "FINISHED",
    start_time: 1_700_000_000_000,
    end_time: 1_700_000_060_000,
    artifact_uri: `mlflow-artifacts:/1/${id}/artifacts`,
    lifecycle_stage: "active",
  };
  return { info, data: { metrics: [], params: [], tags: [] }, inputs: {}, outputs: {} };
}
