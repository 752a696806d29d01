// What the fake workspace remembers. Ids look like Databricks': numbers for experiments and registry objects, hexadecimal for runs.
import { missing } from "./answer.ts";
import type { Json } from "./answer.ts";
import type { WorkspaceObject } from "./notebooks.ts";
import { USUAL } from "./rules.ts";
import type { Rules } from "./rules.ts";

export interface Experiment {
  readonly id: string;
  name: string;
  readonly tags: Map<string, string>;
  readonly created: number;
  deleted: boolean;
  /** Where its runs' files are to lie; absent: where the workspace keeps them. */
  readonly location?: string;
}

export interface Run {
  readonly id: string;
  readonly experiment: Experiment;
  readonly user: string;
  readonly startTime: number | undefined;
  name: string;
  status: string;
  endTime: number | undefined;
  deleted: boolean;
  readonly params: Map<string, string>;
  readonly tags: Map<string, string>;
  /** Every point that was sent, repetitions too. */
  readonly metrics: Json[];
  readonly datasets: Json[];
  readonly inputs: Json[];
  readonly outputs: Json[];
}

export interface LoggedModel {
  readonly id: string;
  readonly experiment: Experiment;
  readonly fields: Json;
  readonly params: Map<string, string>;
  readonly tags: Map<string, string>;
  /** Points that runs logged with the model's id. */
  readonly metrics: Json[];
  status: string;
  readonly created: number;
}

export interface Version {
  readonly model: string;
  readonly number: number;
  readonly created: number;
  readonly user: string;
  readonly source: string;
  readonly runId: string | undefined;
  readonly runLink: string | undefined;
  readonly tags: Map<string, string>;
  /** By path below the version; a copy that was taken when it was created. */
  readonly files: Map<string, Buffer>;
  description: string;
  stage: string;
  status: string;
  updated: number;
  /** Reads left before it is READY. */
  pending: number;
  /** Of Unity Catalog: everything else that was sent with the create. */
  readonly extra: Json;
}

export interface Model {
  readonly id: string;
  name: string;
  readonly created: number;
  readonly user: string;
  readonly tags: Map<string, string>;
  readonly aliases: Map<string, number>;
  readonly versions: Map<number, Version>;
  description: string;
  updated: number;
  lastNumber: number;
  owner: string;
}

/** A comment, a transition or a request, as the workspace registry's own screens show them. */
export interface Activity {
  readonly id: string;
  readonly type: string;
  readonly user: string;
  readonly created: number;
  readonly model: string;
  readonly version: number;
  comment: string;
  readonly from?: string;
  readonly to?: string;
  updated: number;
  /** Of a request: whether it still waits for an answer. */
  open?: boolean;
}

export type Grants = Map<string, Set<string>>;

export class State {
  readonly rules: Rules;
  readonly workspaceId: string;
  /** The first one owns what is there at the start. */
  readonly users: readonly string[];
  /** Members by group. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly experiments = new Map<string, Experiment>();
  readonly runs = new Map<string, Run>();
  readonly loggedModels = new Map<string, LoggedModel>();
  /** The workspace model registry, by name. */
  readonly models = new Map<string, Model>();
  readonly activities = new Map<string, Activity>();
  readonly webhooks = new Map<string, Json>();
  /** By object, such as `registered-models/<id>`: principal to level. */
  readonly permissions = new Map<string, Map<string, string>>();
  /** Folders and notebooks of the workspace, by path. */
  readonly objects = new Map<string, WorkspaceObject>();
  /** Everything that the Files API and the stores behind signed URLs hold, by absolute path. */
  readonly files = new Map<string, Buffer>();
  /** Models of Unity Catalog by their lower-case full name, and the schemas that there are. */
  readonly catalog = new Map<string, Model>();
  readonly schemas = new Set<string>();
  /** By securable, such as `catalog/main`, `schema/main.ml`, `function/main.ml.churn`: principal to privileges. */
  readonly grants = new Map<string, Grants>();
  #ids = 0;
  #time = Date.UTC(2026, 0, 1);

  constructor(options: Pick<State, "workspaceId" | "users" | "groups"> & { readonly rules: Partial<Rules> }) {
    this.rules = { ...USUAL, ...options.rules };
    this.workspaceId = options.workspaceId;
    this.users = options.users;
    this.groups = options.groups;
    for (const path of ["/", "/Shared", "/Users", ...options.users.map((user) => `/Users/${user}`)]) {
      this.objects.set(path, { type: "DIRECTORY", id: this.number() });
    }
  }

  /** Epoch ms; later at each call. */
  now(): number {
    this.#time += 1000;
    return this.#time;
  }

  /** A long decimal id. */
  number(): string {
    this.#ids += 1;
    return String(1_000_000_000_000_000n + BigInt(this.#ids) * 7919n);
  }

  hex(): string {
    this.#ids += 1;
    return this.#ids.toString(16).padStart(32, "0");
  }

  run(id: string): Run {
    return there(this.runs.get(id), `Run '${id}' not found.`);
  }

  experiment(id: string): Experiment {
    return there(this.experiments.get(id), `No experiment was found with id '${id}'.`);
  }

  model(name: string): Model {
    return there(this.models.get(name), `Registered Model with name=${name} not found`);
  }

  version(name: string, number: string): Version {
    const version = this.model(name).versions.get(Number(number));
    return there(version, `Model Version (name=${name}, version=${number}) not found`);
  }
}

export function there<T>(value: T | undefined, message: string): T {
  if (value === undefined) throw missing(message);
  return value;
}
