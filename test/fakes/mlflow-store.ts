// What a fake MLflow server remembers, and the refusals of a real one (3.17.2) that matter to whoever writes to it.

export type Json = Record<string, unknown>;

/** An error answer. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const invalid = (message: string): Refused => new Refused(400, "INVALID_PARAMETER_VALUE", message);
export const missing = (message: string): Refused => new Refused(404, "RESOURCE_DOES_NOT_EXIST", message);
export const exists = (message: string): Refused => new Refused(400, "RESOURCE_ALREADY_EXISTS", message);
const badRequest = (message: string): Refused => new Refused(400, "BAD_REQUEST", message);

export interface FakeExperiment {
  readonly id: string;
  readonly name: string;
  readonly tags: Map<string, string>;
  deleted: boolean;
}

export interface FakeRun {
  readonly id: string;
  readonly experiment: FakeExperiment;
  readonly user: string;
  readonly startTime: unknown;
  name: string;
  status: string;
  endTime: unknown;
  deleted: boolean;
  readonly params: Map<string, string>;
  readonly tags: Map<string, string>;
  /** By identity: key, timestamp, step and value. */
  readonly metrics: Map<string, Json>;
  readonly datasets: Json[];
  readonly outputs: Map<string, unknown>;
  readonly inputs: Set<string>;
}

export interface FakeLoggedModel {
  readonly id: string;
  readonly experiment: FakeExperiment;
  readonly fields: Json;
  readonly params: Map<string, string>;
  readonly tags: Map<string, string>;
  readonly metrics: Map<string, Json>;
  status: string;
}

export interface FakeVersion {
  readonly model: string;
  readonly version: number;
  readonly source: string;
  readonly runId: string | undefined;
  readonly runLink: unknown;
  readonly tags: Map<string, string>;
  description: string;
  stage: string;
}

export interface FakeModel {
  readonly name: string;
  readonly tags: Map<string, string>;
  readonly aliases: Map<string, string>;
  readonly versions: Map<number, FakeVersion>;
  description: string;
  lastNumber: number;
}

export class FakeStore {
  readonly experiments = new Map<string, FakeExperiment>();
  readonly runs = new Map<string, FakeRun>();
  readonly loggedModels = new Map<string, FakeLoggedModel>();
  readonly models = new Map<string, FakeModel>();
  /** By path below the proxy. */
  readonly files = new Map<string, Buffer>();
  #ids = 0;

  newId(): string {
    this.#ids += 1;
    return this.#ids.toString(16).padStart(32, "0");
  }

  experiment(id: unknown): FakeExperiment {
    return required(this.experiments.get(text(id)), `No Experiment with id=${text(id)} exists`);
  }

  activeExperiment(id: unknown): FakeExperiment {
    const experiment = this.experiment(id);
    if (experiment.deleted) throw invalid(`The experiment ${experiment.id} must be in the 'active' state. Current state is deleted.`);
    return experiment;
  }

  run(id: unknown): FakeRun {
    return required(this.runs.get(text(id)), `Run with id=${text(id)} not found`);
  }

  activeRun(id: unknown): FakeRun {
    const run = this.run(id);
    if (run.deleted) throw invalid(`The run ${run.id} must be in the 'active' state. Current state is deleted.`);
    return run;
  }

  loggedModel(id: unknown): FakeLoggedModel {
    return required(this.loggedModels.get(text(id)), `Logged model with ID '${text(id)}' not found.`);
  }

  model(name: unknown): FakeModel {
    return required(this.models.get(text(name)), `Registered Model with name=${text(name)} not found`);
  }

  version(name: unknown, version: unknown): FakeVersion {
    const there = this.models.get(text(name))?.versions.get(Number(version));
    return required(there, `Model Version (name=${text(name)}, version=${text(version)}) not found`);
  }

  logBatch(body: Json): void {
    const run = this.activeRun(body["run_id"]);
    const [metrics, params, tags] = [list(body["metrics"]), pairs(body["params"]), pairs(body["tags"])];
    if (metrics.length > 1000 || params.length > 100 || tags.length > 100) throw invalid("A batch logging request can contain at most …");
    if (metrics.length + params.length + tags.length > 1000)
      throw invalid("A batch logging request can contain at most 1000 metrics, params, and tags.");
    for (const [key, value] of [...params, ...tags]) checkPair(key, value);
    for (const [key, value] of params) {
      const there = run.params.get(key);
      if (there !== undefined && there !== value)
        throw invalid(`Changing param values is not allowed. Param with key='${key}' was already logged.`);
    }
    for (const metric of metrics) {
      if (typeof metric["timestamp"] !== "number" || metric["timestamp"] < 0)
        throw invalid("Timestamp must be a nonnegative long (64-bit integer)");
    }
    for (const [key, value] of params) run.params.set(key, value);
    for (const metric of metrics) this.#logMetric(run, metric);
    for (const [key, value] of tags) run.tags.set(key, value);
  }

  #logMetric(run: FakeRun, metric: Json): void {
    const { key, value, timestamp, step } = metric;
    run.metrics.set(JSON.stringify([key, timestamp, step, value]), { key, value, timestamp, step });
    if (metric["model_id"] === undefined) return;
    const model = this.loggedModels.get(text(metric["model_id"]));
    if (model === undefined) throw badRequest("FOREIGN KEY constraint failed");
    const identity = JSON.stringify([key, timestamp, step, run.id]);
    const known = model.metrics.get(identity);
    const copy = { ...metric, run_id: run.id, value: value === "NaN" ? 0 : value };
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(copy))
      throw badRequest("UNIQUE constraint failed: logged_model_metrics");
    model.metrics.set(identity, copy);
  }

  linkOutputs(body: Json): void {
    const run = this.activeRun(body["run_id"]);
    for (const { model_id: id, step } of list(body["models"])) {
      if (run.outputs.has(text(id))) throw badRequest("(sqlite3.IntegrityError) UNIQUE constraint failed: inputs.source_type");
      run.outputs.set(text(id), step);
    }
  }

  /** Checks the source as 3.x does: it must lie inside the run or logged model that is named with it. */
  createVersion(body: Json): FakeVersion {
    const model = this.model(body["name"]);
    const origin = this.#origin(text(body["source"]), body["run_id"], body["model_id"]);
    const tags = pairs(body["tags"]);
    for (const [key, value] of tags) checkPair(key, value);
    model.lastNumber += 1;
    const version: FakeVersion = {
      model: model.name,
      version: model.lastNumber,
      ...origin,
      runLink: body["run_link"],
      tags: new Map(tags),
      description: text(body["description"]),
      stage: "None",
    };
    model.versions.set(version.version, version);
    return version;
  }

  #origin(source: string, runId: unknown, modelId: unknown): { readonly source: string; readonly runId: string | undefined } {
    const named = /^models:\/(.+)\/(\d+)$/.exec(source);
    if (named !== null) {
      const from = this.version(named[1], named[2]);
      if (runId !== undefined && runId !== from.runId)
        throw invalid("The run_id and model_id request parameters must match the referenced model version.");
      return { source, runId: from.runId };
    }
    const root = modelId === undefined ? runRoot(this.run(runId)) : modelRoot(this.loggedModel(modelId));
    const isInside = source === root || source.startsWith(`${root}/`) || source === `models:/${text(modelId)}`;
    if (!isInside) throw invalid("The run_id request parameter must identify the resource that contains the source.");
    const sourceRun = modelId === undefined ? undefined : this.loggedModel(modelId).fields["source_run_id"];
    const run = runId ?? sourceRun;
    return { source, runId: run === undefined ? undefined : text(run) };
  }
}

export const runRoot = (run: FakeRun): string => `mlflow-artifacts:/${run.experiment.id}/${run.id}/artifacts`;
export const modelRoot = (model: FakeLoggedModel): string => `mlflow-artifacts:/${model.experiment.id}/models/${model.id}/artifacts`;

/** A field that holds text, or a number where an id is meant. */
export function text(value: unknown, fallback = ""): string {
  if (typeof value === "number") return String(value);
  return typeof value === "string" ? value : fallback;
}

export function list(value: unknown): Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

/** Key and value pairs; a value that is no text would make a real server drop the rest in silence. */
export function pairs(value: unknown): [string, string][] {
  return list(value).map(({ key, value: text }) => {
    if (typeof key !== "string" || typeof text !== "string") throw new Error(`not a pair of texts: ${JSON.stringify([key, text])}`);
    return [key, text];
  });
}

export function checkPair(key: string, value: string, longest = 8000): void {
  if (key.length === 0 || key.length > 250) throw invalid("'key' exceeds the maximum length of 250 characters");
  if (!/^[/\w.\- :]*$/u.test(key)) throw invalid(`Invalid value "${key}" for parameter 'key' supplied`);
  if (value.length > longest) throw invalid(`'value' exceeds the maximum length of ${longest} characters`);
}

function required<T>(value: T | undefined, message: string): T {
  if (value === undefined) throw missing(message);
  return value;
}
