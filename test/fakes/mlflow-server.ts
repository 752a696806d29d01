// An in-process MLflow server: as much of the REST API as writing to one needs, strict about what a real server refuses,
// and able to lose answers. Whatever else is asked of it is a 404, as at a server that is too old.
import type { IncomingMessage, ServerResponse } from "node:http";
import { listen, readBody } from "./listening.ts";
import { registryRoutes } from "./mlflow-registry-routes.ts";
import { FakeStore, Refused } from "./mlflow-store.ts";
import type { Json } from "./mlflow-store.ts";
import { trackingRoutes } from "./mlflow-tracking-routes.ts";

/** Answers one route. `query` holds the last value of each parameter. */
export type Route = (store: FakeStore, body: Json, query: ReadonlyMap<string, string>) => Json;

/** `before`: the request never took effect. `after`: it did, and the answer is lost. `race`: another got ahead with the same row. */
export type Loss = "before" | "after" | "race";

export interface FakeMlflow {
  readonly url: string;
  readonly store: FakeStore;
  /** Every request so far: `POST runs/create`, files as `PUT <path>`. */
  readonly requests: string[];
  /** Breaks off the connection of the next requests to this route, one for each loss. */
  lose(route: string, ...losses: readonly Loss[]): void;
  close(): Promise<void>;
}

export interface FakeOptions {
  /** What the server calls itself; default: 3.17.2. */
  readonly version?: string;
  /** Routes that it does not have, by how they begin. */
  readonly lacks?: readonly string[];
  /** Whether its database refuses NUL characters, as PostgreSQL does. */
  readonly refusesNul?: boolean;
}

/** Starts a server on a free port of this machine. */
export async function startFakeMlflow(options: FakeOptions = {}): Promise<FakeMlflow> {
  const store = new FakeStore();
  const requests: string[] = [];
  const losses = new Map<string, Loss[]>();
  const { url, close } = await listen((request, response) => {
    void answer({ store, requests, losses, options }, request, response);
  });
  return {
    url,
    store,
    requests,
    lose: (route, ...more) => void losses.set(route, [...(losses.get(route) ?? []), ...more]),
    close,
  };
}

interface Fake {
  readonly store: FakeStore;
  readonly requests: string[];
  readonly losses: Map<string, Loss[]>;
  readonly options: FakeOptions;
}

/** As 3.17.2 with SQLite words it. */
const RACE = "(sqlite3.IntegrityError) UNIQUE constraint failed: datasets.experiment_id, datasets.name, datasets.digest [SQL: INSERT …]";

const API = "/api/2.0/mlflow/";
const PROXY = "/api/2.0/mlflow-artifacts/artifacts/";

async function answer(fake: Fake, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://fake");
  const body = await readBody(request);
  if (url.pathname === "/version") return void response.end(fake.options.version ?? "3.17.2");
  if (url.pathname === "/api/3.0/mlflow/server-info") return reply(response, 200, { store_type: "SqlStore", workspaces_enabled: false });
  const route = url.pathname.startsWith(PROXY) ? decodeURIComponent(url.pathname.slice(PROXY.length)) : url.pathname.slice(API.length);
  const name = `${request.method ?? ""} ${route}`;
  fake.requests.push(name);
  const loss = fake.losses.get(name)?.shift();
  if (loss === "before") return void request.socket.destroy();
  if (loss === "race") return reply(response, 400, { error_code: "BAD_REQUEST", message: RACE });
  const [status, json] = url.pathname.startsWith(PROXY) ? storeFile(fake.store, route, body) : carryOut(fake, { name, body, url });
  if (loss === "after") return void request.socket.destroy();
  reply(response, status, json);
}

function storeFile(store: FakeStore, path: string, body: Buffer): [number, Json] {
  store.files.set(path, body);
  return [200, {}];
}

interface FakeCall {
  readonly name: string;
  readonly body: Buffer;
  readonly url: URL;
}

function carryOut({ store, options }: Fake, { name, body, url }: FakeCall): [number, Json] {
  const route = name.slice(name.indexOf(" ") + 1);
  if (options.lacks?.some((missing) => route.startsWith(missing)) === true) return [404, {}];
  if (options.refusesNul === true && [...url.searchParams.values(), body.toString()].some((text) => /\0|\\u0000/.test(text))) {
    return [500, { error_code: "INTERNAL_ERROR", message: "A string literal cannot contain NUL (0x00) characters." }];
  }
  for (const [pattern, route] of ROUTES) {
    const match = pattern.exec(name);
    if (match === null) continue;
    const parts = Object.entries(match.groups ?? {}).map(([key, value]): [string, string] => [key, decodeURIComponent(value)]);
    try {
      const json = body.length === 0 ? {} : (JSON.parse(body.toString()) as Json);
      return [200, route(store, json, new Map([...url.searchParams, ...parts]))];
    } catch (thrown) {
      if (!(thrown instanceof Refused)) return [500, { error_code: "INTERNAL_ERROR", message: String(thrown) }];
      return [thrown.status, { error_code: thrown.code, message: thrown.message }];
    }
  }
  return isRoute(`POST ${route}`) ? [405, {}] : [404, {}];
}

function isRoute(name: string): boolean {
  return ROUTES.some(([pattern]) => pattern.test(name));
}

const ROUTES: readonly (readonly [RegExp, Route])[] = [...trackingRoutes, ...registryRoutes];

function reply(response: ServerResponse, status: number, body: Json): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
