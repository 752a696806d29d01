// The open-source Unity Catalog server in this process, as its version 0.6.0 behaves: models and versions and nothing else. What it does
// not have (aliases, tags, stages) is answered as by the real one: no such route, or passed over in silence. No login is asked for
// unless a token is set.
import type { IncomingMessage, ServerResponse } from "node:http";
import { createLosses, listen, readBody } from "../listening.ts";
import type { Loss, Losses } from "../listening.ts";
import { invalid, page, pageSize, Refused, text } from "./answer.ts";
import type { Call, Json } from "./answer.ts";
import {
  createModel,
  createVersion,
  deleteModel,
  deleteVersion,
  finalize,
  getModel,
  getVersion,
  giveCredentials,
  listModels,
  listVersions,
  updateModel,
  updateVersion,
} from "./models.ts";
import type { Handle } from "./models.ts";
import { State } from "./state.ts";
import type { Storage } from "./state.ts";

export interface OssOptions {
  readonly storage: Storage;
  /** Such as `main.ml`. */
  readonly schemas: readonly string[];
  /** Asked for as `Authorization: Bearer …`. Default: no login. */
  readonly token?: string;
}

export interface FakeUnityCatalog extends AsyncDisposable {
  readonly url: string;
  readonly state: State;
  /** Every request so far: method and path, without the query. */
  readonly requests: string[];
  /** The next answers of routes whose `METHOD /path` matches are lost: before they take effect, or after. */
  lose(route: RegExp, ...when: readonly Loss[]): void;
  close(): Promise<void>;
}

/** Starts a server on a free port of this machine. */
export async function startFakeUnityCatalog(options: OssOptions): Promise<FakeUnityCatalog> {
  const fake: Fake = { state: new State(options.storage, options.schemas), token: options.token, requests: [], losses: createLosses() };
  const { url, close } = await listen((request, response) => void serve(fake, request, response));
  return {
    url,
    state: fake.state,
    requests: fake.requests,
    lose: fake.losses.lose,
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Fake {
  readonly state: State;
  readonly token: string | undefined;
  readonly requests: string[];
  readonly losses: Losses;
}

const MODEL = String.raw`\/models\/(?<model>[^/]+)`;
const VERSION = String.raw`${MODEL}\/versions\/(?<version>[^/]+)`;

const ROUTES: readonly (readonly [pattern: RegExp, handle: Handle])[] = [
  [/^GET \/metastore_summary$/, (state) => ({ metastore_id: state.metastoreId })],
  [/^GET \/catalogs$/, listCatalogs],
  [/^POST \/schemas$/, createSchema],
  [/^GET \/schemas\/(?<schema>[^/]+)$/, getSchema],
  [/^POST \/models$/, createModel],
  [/^GET \/models$/, listModels],
  [/^POST \/models\/versions$/, createVersion],
  [new RegExp(`^GET ${MODEL}$`), getModel],
  [new RegExp(`^PATCH ${MODEL}$`), updateModel],
  [new RegExp(`^DELETE ${MODEL}$`), deleteModel],
  [new RegExp(`^GET ${MODEL}\\/versions$`), listVersions],
  [new RegExp(`^GET ${VERSION}$`), getVersion],
  [new RegExp(`^PATCH ${VERSION}$`), updateVersion],
  [new RegExp(`^DELETE ${VERSION}$`), deleteVersion],
  [new RegExp(`^PATCH ${VERSION}\\/finalize$`), finalize],
  [/^POST \/temporary-model-version-credentials$/, giveCredentials],
];

const BASE = "/api/2.1/unity-catalog";

async function serve(fake: Fake, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://fake");
  const path = url.pathname;
  const bytes = await readBody(request);
  const name = `${request.method ?? ""} ${path}`;
  fake.requests.push(name);
  const loss = fake.losses.next(name);
  if (loss === "before") return void request.socket.destroy();
  const reply = answer(fake, request, { url, path, bytes });
  if (loss === "after") return void request.socket.destroy();
  response.writeHead(reply.status, { "content-type": reply.type }).end(reply.body);
}

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

function answer(
  fake: Fake,
  { method = "", headers }: IncomingMessage,
  { url, path, bytes }: { readonly url: URL; readonly path: string; readonly bytes: Buffer },
): Reply {
  const plain = (status: number, body: string): Reply => ({ status, type: "text/plain; charset=utf-8", body });
  const json = (status: number, body: Json): Reply => ({ status, type: "application/json", body: JSON.stringify(body) });
  if (!path.startsWith(`${BASE}/`)) return plain(404, "Status: 404\nDescription: Not Found");
  try {
    if (fake.token !== undefined && headers.authorization !== `Bearer ${fake.token}`) {
      throw new Refused("UNAUTHENTICATED", "Invalid access token.");
    }
    const route = path.slice(BASE.length);
    for (const [pattern, handle] of ROUTES) {
      const match = pattern.exec(`${method} ${route}`);
      if (match === null) continue;
      const parts = Object.fromEntries(Object.entries(match.groups ?? {}).map(([part, text]) => [part, decodeURIComponent(text)]));
      const call: Call = { query: new Map(url.searchParams), body: jsonOf(bytes), parts };
      const result = handle(fake.state, call);
      return typeof result === "string" ? plain(200, result) : json(200, result);
    }
    const isKnown = ROUTES.some(([pattern]) => METHODS.some((other) => pattern.test(`${other} ${route}`)));
    return isKnown ? plain(405, "Status: 405\nDescription: Method Not Allowed") : plain(404, "Status: 404\nDescription: Not Found");
  } catch (thrown) {
    if (!(thrown instanceof Refused)) throw thrown;
    return json(thrown.status, thrown.toJson());
  }
}

const METHODS = ["GET", "POST", "PATCH", "DELETE"] as const;

function jsonOf(bytes: Buffer): Json {
  if (bytes.length === 0) return {};
  try {
    return JSON.parse(bytes.toString()) as Json;
  } catch {
    throw invalid("failed to parse a JSON document");
  }
}

function listCatalogs(state: State, { query }: Call): Json {
  const token = query.get("page_token");
  const names = [...new Set([...state.schemas].map((schema) => schema.slice(0, schema.indexOf("."))))].sort();
  const rest = names.filter((name) => token === undefined || name > token);
  const { items, next } = page(rest, pageSize(query), (name) => name);
  return { catalogs: items.map((name) => ({ name })), next_page_token: next };
}

function createSchema(state: State, { body }: Call): Json {
  const [name = "", catalog = ""] = [text(body, "name"), text(body, "catalog_name")];
  const full = `${catalog}.${name}`;
  if (state.schemas.has(full)) throw new Refused("SCHEMA_ALREADY_EXISTS", `Schema already exists: ${name}`);
  state.schemas.add(full);
  return { name, catalog_name: catalog, full_name: full };
}

function getSchema(state: State, { parts }: Call): Json {
  const [catalog = "", name = ""] = (parts["schema"] ?? "").split(".");
  const full = state.requireSchema(catalog, name);
  return { name, catalog_name: catalog, full_name: full };
}
