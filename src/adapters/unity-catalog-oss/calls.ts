// The calls of MLflow's dialect that writing makes, in the words of the open-source server: names in three parts, descriptions and mlferry's own
// tags together in a comment, which is read before a part of it is changed.
import { MigrationError } from "../../errors.ts";
import type { HttpClient, JsonRequest } from "../../http/client.ts";
import { unlessNotFound } from "../mlflow/calls.ts";
import type { KeyValue } from "../mlflow/target-batches.ts";
import type { Calls } from "../mlflow/target-calls.ts";
import { parseWire } from "../mlflow/wire.ts";
import { decodeComment, encodeComment } from "./comments.ts";
import type { Comment } from "./comments.ts";
import { modelPath, OSS_API } from "./reads.ts";
import { wire } from "./wire.ts";

/** Fields of the calls, as those who call send them. */
interface Body {
  readonly name: string;
  readonly version?: string;
  readonly description?: string;
  readonly source?: string;
  /** Of the server that the catalog is paired with. */
  readonly run_id?: string;
  readonly tags?: readonly KeyValue[];
  readonly key?: string;
  readonly value?: string;
}

export function createOssCalls(http: HttpClient): Calls {
  const work = (route: string, body: object, signal: AbortSignal): Promise<unknown> => change({ http, signal }, route, body as Body);
  return {
    get: (route) => Promise.reject(unknown(route)),
    post: work,
    patch: work,
    async remove(_method, route, body, signal) {
      await work(route, body, signal);
    },
    create: (route, body, signal) => create(http, route, body as Body, signal),
  };
}

interface Calling {
  readonly http: HttpClient;
  readonly signal: AbortSignal;
}

async function create(http: HttpClient, route: string, body: Body, signal: AbortSignal): Promise<unknown> {
  const [catalog, schema, model] = body.name.split(".");
  const comment = encodeComment({ description: body.description ?? "", tags: new Map(body.tags?.map(({ key, value }) => [key, value])) });
  const place = { catalog_name: catalog, schema_name: schema, ...(comment === "" ? {} : { comment }) };
  const send = (path: string, fields: object): Promise<unknown> =>
    http.json({ method: "POST", path, body: { ...place, ...fields }, repeat: "once" }, signal);
  try {
    if (route === "registered-models/create") return await send(`${OSS_API}/models`, { name: model });
    const source = body.source?.slice(0, SOURCE_CHARS);
    const answer = await send(`${OSS_API}/models/versions`, { model_name: model, source, run_id: body.run_id });
    return { model_version: inMlflowsWords(answer) };
  } catch (thrown) {
    throw asExisting(thrown);
  }
}

/** The width of the column; what is longer fails with 500. It is for people: the files go to a place of the server's. */
const SOURCE_CHARS = 255;

/** As reading gives it, in the shape that the parser of versions takes. */
function inMlflowsWords(answer: unknown): object {
  const { catalog_name, schema_name, model_name, version, source, run_id, status, storage_location, comment } = parseWire(
    wire.version,
    answer,
    "versions",
  );
  const { description, tags } = decodeComment(comment);
  return {
    name: `${catalog_name}.${schema_name}.${model_name}`,
    version: String(version),
    source,
    run_id,
    status,
    storage_location,
    description,
    tags: [...tags].map(([key, value]) => ({ key, value })),
  };
}

/** A name that is taken has another code here. */
function asExisting(thrown: unknown): unknown {
  if (!(thrown instanceof MigrationError) || thrown.request?.serverCode !== "ALREADY_EXISTS") return thrown;
  const { code, message, request, hint } = thrown;
  const told = { request: { ...request, serverCode: "RESOURCE_ALREADY_EXISTS" }, cause: thrown };
  return new MigrationError(code, message, { ...told, ...(hint === undefined ? {} : { hint }) });
}

async function change(calling: Calling, route: string, body: Body): Promise<unknown> {
  const { http, signal } = calling;
  const path = body.version === undefined ? modelPath(body.name) : `${modelPath(body.name)}/versions/${body.version}`;
  switch (route) {
    case "registered-models/update":
    case "model-versions/update":
      return rewrite(calling, path, (comment) => ({ ...comment, description: body.description ?? "" }));
    case "registered-models/set-tag":
    case "model-versions/set-tag":
      return rewrite(calling, path, (comment) => ({ ...comment, tags: new Map([...comment.tags, [body.key ?? "", body.value ?? ""]]) }));
    case "model-versions/finalize":
      return finalize(calling, path, body);
    case "model-versions/delete": {
      const request: JsonRequest = { method: "DELETE", path, repeat: "safe", ignoresAnswer: true };
      return (await unlessNotFound(http.json(request, signal))) ?? {};
    }
    default:
      throw unknown(route);
  }
}

/** A repeated one is refused, so what a refusal means is looked up. */
async function finalize({ http, signal }: Calling, path: string, { name, version }: Body): Promise<unknown> {
  const body = { full_name: name, version: Number(version) };
  try {
    return await http.json({ method: "PATCH", path: `${path}/finalize`, body, repeat: "safe" }, signal);
  } catch (thrown) {
    if (!(thrown instanceof MigrationError) || thrown.request?.status !== 400) throw thrown;
    const answer = await http.json({ method: "GET", path, repeat: "safe" }, signal);
    if (parseWire(wire.version, answer, path).status !== "READY") throw thrown;
    return answer;
  }
}

async function rewrite({ http, signal }: Calling, path: string, edit: (comment: Comment) => Comment): Promise<unknown> {
  const answer = await http.json({ method: "GET", path, repeat: "safe" }, signal);
  const { comment } = parseWire(wire.comment, answer, path);
  return http.json({ method: "PATCH", path, body: { comment: encodeComment(edit(decodeComment(comment))) }, repeat: "safe" }, signal);
}

/** Capabilities keep such a thing from being asked for. */
function unknown(route: string): MigrationError {
  return new MigrationError("NOT_SUPPORTED", `an open-source Unity Catalog has no ${route}`, { side: "target" });
}
