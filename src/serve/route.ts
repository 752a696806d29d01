// What a request handler gets and gives, and how a path finds its handler.
import type { ArtifactFile, ArtifactReader } from "../ports/source.ts";
import type { Fields } from "./fields.ts";
import type { Holdings } from "./holdings.ts";

/** What handlers answer from. */
export interface Served {
  readonly holdings: Holdings;
  /** Aborted when the server closes. */
  readonly signal: AbortSignal;
}

export interface Call {
  readonly fields: Fields;
  /** What the placeholders of the route's path matched, decoded. */
  readonly parts: readonly string[];
}

export type Answer =
  | {
      readonly kind: "json";
      readonly body: unknown;
      readonly status?: number;
      /** Whether non-finite numbers stand bare. */ readonly bare?: boolean;
    }
  | { readonly kind: "text"; readonly body: string; readonly status?: number }
  | { readonly kind: "file"; readonly file: ArtifactFile; readonly reader: ArtifactReader };

export type Handler = (call: Call, served: Served) => Answer | Promise<Answer>;

/** A way to read something: `path` without the leading `/api` or `/ajax-api`; `{}` stands for one part, `{...}` for the rest. */
export interface Route {
  readonly methods: readonly ("GET" | "POST")[];
  readonly path: string;
  readonly handler: Handler;
}

export const json = (body: unknown): Answer => ({ kind: "json", body });

/** Finds the route of a path, still encoded, in a table; `undefined` when there is none of this method. */
export function createMatcher(
  routes: readonly Route[],
): (method: string, path: string) => { handler: Handler; parts: string[] } | undefined {
  const compiled = routes.map((route) => ({ ...route, pattern: patternOf(route.path) }));
  return (method, path) => {
    for (const { methods, pattern, handler } of compiled) {
      const match = methods.some((one) => one === method) ? pattern.exec(path) : null;
      if (match !== null) return { handler, parts: match.slice(1).map(decode) };
    }
    return undefined;
  };
}

function patternOf(path: string): RegExp {
  const source = path.replaceAll(".", "\\.").replaceAll("{\\.\\.\\.}", "(.*)").replaceAll("{}", "([^/]+)");
  return new RegExp(`^${source}$`);
}

/** A name with a stray percent sign stands for itself. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
