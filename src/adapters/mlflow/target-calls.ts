// The REST calls that writing needs, by route. Their meaning is with those who call; how requests go out is with http/.
import { MigrationError } from "../../errors.ts";
import type { HttpClient, JsonRequest, Query } from "../../http/client.ts";
import type { Tags } from "../../model/entities.ts";
import { PROVENANCE, PROVENANCE_PREFIX } from "../../model/keys.ts";
import type { KeyValue } from "./target-batches.ts";

/** Routes are relative to a base (default `/api/2.0/mlflow/`), each part already percent-encoded. All but `create` may be repeated. */
export interface Calls {
  get(route: string, query: Query, signal: AbortSignal): Promise<unknown>;
  /** Also for searches, which MLflow sends by POST. */
  post(route: string, body: object, signal: AbortSignal): Promise<unknown>;
  patch(route: string, body: object, signal: AbortSignal): Promise<unknown>;
  /** What is gone already counts as deleted. */
  remove(method: "POST" | "DELETE", route: string, body: object, signal: AbortSignal): Promise<void>;
  /** A POST that makes another object when it is repeated: throws OUTCOME_UNKNOWN, see createOnce. */
  create(route: string, body: object, signal: AbortSignal): Promise<unknown>;
}

/** `base`: of another registry that has the routes of MLflow's. */
export function createCalls(http: HttpClient, base = "/api/2.0/mlflow/"): Calls {
  const send = (request: Omit<JsonRequest, "path">, route: string, signal: AbortSignal): Promise<unknown> =>
    http.json({ ...request, path: `${base}${route}` }, signal);
  return {
    get: (route, query, signal) => send({ method: "GET", query, repeat: "safe" }, route, signal),
    post: (route, body, signal) => send({ method: "POST", body, repeat: "safe" }, route, signal),
    patch: (route, body, signal) => send({ method: "PATCH", body, repeat: "safe" }, route, signal),
    async remove(method, route, body, signal) {
      await unlessMissing(send({ method, body, repeat: "safe" }, route, signal));
    },
    create: (route, body, signal) => send({ method: "POST", body, repeat: "once" }, route, signal),
  };
}

/** The answer, or undefined where the server says that the object does not exist. */
export async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (thrown) {
    if (isRefusal(thrown, "RESOURCE_DOES_NOT_EXIST")) return undefined;
    throw thrown;
  }
}

/**
 * The same for a look-up by name, to which a server with a login and workspaces answers 403 also where there is nothing of the name
 * (3.17.2): such an object counts as missing, and its create, which is refused or finds the name taken, tells the rest.
 */
export async function unlessUnseen<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await unlessMissing(answer);
  } catch (thrown) {
    if (thrown instanceof MigrationError && thrown.request?.status === 403) return undefined;
    throw thrown;
  }
}

/** Whether the server refused with this code of its own. The status alone says nothing: a missing route is a 404 too. */
export function isRefusal(thrown: unknown, serverCode: string): thrown is MigrationError {
  return thrown instanceof MigrationError && thrown.request?.serverCode === serverCode;
}

export function keyValues(tags: Tags): KeyValue[] {
  return [...tags].map(([key, value]) => ({ key, value }));
}

/** Provenance tags as they are stored, under mlferry's prefix. */
export function provenanceTags(provenance: Tags): KeyValue[] {
  return [...provenance].map(([key, value]) => ({ key: `${PROVENANCE_PREFIX}${key}`, value }));
}

/** The completion mark as it is stored. */
export function markTag(mark: string): KeyValue {
  return { key: MARK_TAG, value: mark };
}

export const SOURCE_TAG = `${PROVENANCE_PREFIX}${PROVENANCE.source}`;
/** On carrier runs and their experiment, and on the versions whose files they carry: readers leave those out, and know these by it. */
export const CARRIER_TAG = `${PROVENANCE_PREFIX}${PROVENANCE.carrier}`;
export const MARK_TAG = `${PROVENANCE_PREFIX}${PROVENANCE.done}`;

/** The digest that an object is searched for by. Throws INTERNAL where the caller gave none. */
export function sourceDigest(provenance: Tags): string {
  const digest = provenance.get(PROVENANCE.source);
  if (digest === undefined) throw new MigrationError("INTERNAL", "provenance without a source digest");
  return digest;
}

/** What a comparison of tags comes to: those to be set, and the keys to be deleted. */
export interface TagChanges {
  readonly set: readonly KeyValue[];
  readonly gone: readonly string[];
}

/** How the tags that are there become the wanted ones. */
export function tagChanges(there: Tags, wanted: Tags): TagChanges {
  return {
    set: keyValues(wanted).filter(({ key, value }) => there.get(key) !== value),
    gone: [...there.keys()].filter((key) => !wanted.has(key)),
  };
}
