// Short ways to make up what a server holds, and to read it whole.
import { createMlflowSource } from "../../src/adapters/mlflow/source.ts";
import type { HttpClient } from "../../src/http/client.ts";
import type { Entity } from "../../src/model/entities.ts";
import type { Selection } from "../../src/model/selection.ts";
import type { Catalogue, Source } from "../../src/ports/source.ts";
import { createReadableMlflow } from "../fakes/readable-mlflow.ts";
import type { Content, Json, RunJson } from "../fakes/readable-mlflow.ts";

export const never: AbortSignal = new AbortController().signal;

/** An id of 32 hexadecimal digits, the same for the same name. */
export function hexId(name: string): string {
  return Buffer.from(name.padEnd(16, ".")).toString("hex").slice(0, 32);
}

export const modelId = (name: string): string => `m-${hexId(name)}`;

export function tagList(tags: Readonly<Record<string, string>>): { key: string; value: string }[] {
  return Object.entries(tags).map(([key, value]) => ({ key, value }));
}

export function experimentJson(id: string, name: string, more: Json = {}): Json {
  return { experiment_id: id, name, artifact_location: `mlflow-artifacts:/${id}`, lifecycle_stage: "active", creation_time: 1, ...more };
}

export interface RunOptions {
  readonly experiment?: string;
  readonly parent?: string;
  readonly start?: number;
  readonly deleted?: boolean;
  readonly root?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** Keys of metrics whose latest point is 0 at step 0. */
  readonly metrics?: readonly string[];
  /** Names of logged models. */
  readonly made?: readonly string[];
  readonly used?: readonly string[];
}

export function runJson(name: string, options: RunOptions = {}): RunJson {
  const { experiment = "1", parent, start = 1000, deleted = false, tags = {}, metrics = [], made = [], used = [] } = options;
  const run_id = hexId(name);
  const allTags = { "mlflow.runName": name, ...(parent === undefined ? {} : { "mlflow.parentRunId": hexId(parent) }), ...tags };
  return {
    info: {
      run_id,
      experiment_id: experiment,
      run_name: name,
      user_id: "ada",
      status: "FINISHED",
      start_time: start,
      artifact_uri: options.root ?? `mlflow-artifacts:/${experiment}/${run_id}/artifacts`,
      lifecycle_stage: deleted ? "deleted" : "active",
    },
    data: { tags: tagList(allTags), metrics: metrics.map((key) => ({ key, value: 0, timestamp: 1000, step: 0 })) },
    inputs: { model_inputs: used.map((model) => ({ model_id: modelId(model) })) },
    outputs: { model_outputs: made.map((model, step) => ({ model_id: modelId(model), step })) },
  };
}

export function loggedModelJson(
  name: string,
  options: { readonly experiment?: string; readonly sourceRun?: string; readonly measuredBy?: string; readonly created?: number } = {},
): { info: Json; data?: Json } {
  const { experiment = "1", sourceRun, measuredBy, created = 1 } = options;
  const metric = { key: "rmse", value: 1, timestamp: 1, step: 0, run_id: hexId(measuredBy ?? "") };
  const id = modelId(name);
  return {
    info: {
      model_id: id,
      experiment_id: experiment,
      name,
      creation_timestamp_ms: created,
      artifact_uri: `mlflow-artifacts:/${experiment}/models/${id}/artifacts`,
      status: "LOGGED_MODEL_READY",
      ...(sourceRun === undefined ? {} : { source_run_id: hexId(sourceRun) }),
    },
    ...(measuredBy === undefined ? {} : { data: { metrics: [metric] } }),
  };
}

export function modelJson(name: string, more: Json = {}): Json {
  return { name, creation_timestamp: 1, ...more };
}

export function versionJson(model: string, version: number, source: string, more: Json = {}): Json {
  return { name: model, version: String(version), creation_timestamp: version, current_stage: "None", source, run_id: "", ...more };
}

export interface Opened {
  readonly source: Source;
  readonly http: HttpClient;
  readonly requests: string[];
  select(selection?: Partial<Selection>): Promise<Catalogue>;
  /** Keys in the order in which they come, shown with names in place of ids. */
  keys(selection?: Partial<Selection>): Promise<string[]>;
  entities(selection?: Partial<Selection>): Promise<Entity[]>;
  /** The entity whose key is shown like this. */
  entity(shown: string, selection?: Partial<Selection>): Promise<Entity>;
}

export function open(content: Content, options: Parameters<typeof createReadableMlflow>[1] = {}): Opened {
  const { server, requests } = createReadableMlflow(content, options);
  const source = createMlflowSource(server);
  const select: Opened["select"] = (selection = {}) => source.select({ includeDeleted: false, ...selection }, never);
  const entities: Opened["entities"] = async (selection) => {
    const found: Entity[] = [];
    for await (const entity of (await select(selection)).entities(never)) found.push(entity);
    return found;
  };
  return {
    source,
    http: server.http,
    requests,
    select,
    entities,
    keys: async (selection) => (await entities(selection)).map(({ key }) => shown(key)),
    async entity(wanted, selection) {
      const found = (await entities(selection)).find(({ key }) => shown(key) === wanted);
      if (found === undefined) throw new Error(`${wanted} was not yielded`);
      return found;
    },
  };
}

/** A key with the names that {@link hexId} made ids of. */
export function shown(key: string): string {
  return key.replace(/(m-)?([0-9a-f]{32})/g, (_, _prefix: string | undefined, hex: string) =>
    Buffer.from(hex, "hex").toString().replace(/\.+$/, ""),
  );
}
