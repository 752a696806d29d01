// A registry of a few objects behind a running server, and requests to it.
import { createMemory } from "../../src/adapters/memory/memory.ts";
import type { MemoryPlace } from "../../src/adapters/memory/memory.ts";
import { parseJson } from "../../src/http/json.ts";
import { serveRegistry } from "../../src/serve/serve.ts";
import type { RunningServer } from "../../src/serve/serve.ts";
import type { Item } from "../contract/item.ts";

/** A place in memory that holds the items. */
export function placeOf(items: readonly Item[]): MemoryPlace {
  const place = createMemory();
  for (const { entity, points, files } of items) {
    place.load(entity, { ...(points === undefined ? {} : { points }), ...(files === undefined ? {} : { files }) });
  }
  return place;
}

export interface Client {
  readonly server: RunningServer;
  /** Lines of the server's log. */
  readonly log: string[];
  raw(path: string, init?: RequestInit): Promise<Response>;
  /** The JSON of an answer, with 64-bit integers as texts. */
  get(path: string, query?: Readonly<Record<string, string | readonly string[]>>): Promise<unknown>;
  post(path: string, body: object): Promise<unknown>;
}

const API = "/api/2.0/mlflow/";

/** Serves the items on a free port. */
export async function serveItems(items: readonly Item[]): Promise<Client> {
  const log: string[] = [];
  const server = await serveRegistry(placeOf(items), { port: 0, log: (line) => log.push(line) });
  const raw: Client["raw"] = (path, init) => fetch(`${server.url}${path}`, init);
  const read = async (response: Response): Promise<unknown> => parseJson(await response.text());
  return {
    server,
    log,
    raw,
    get: async (path, query = {}) => {
      const pairs = Object.entries(query).flatMap(([key, values]) => [values].flat().map((value): [string, string] => [key, value]));
      const search = new URLSearchParams(pairs).toString();
      return read(await raw(`${path.startsWith("/") ? "" : API}${path}${search === "" ? "" : `?${search}`}`));
    },
    post: async (path, body) =>
      read(await raw(`${API}${path}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })),
  };
}
