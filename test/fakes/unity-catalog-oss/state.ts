// What the fake open-source Unity Catalog holds.
import { randomUUID } from "node:crypto";
import { Refused } from "./answer.ts";
import type { Json } from "./answer.ts";

/** Where the server keeps the files of models. */
export interface Storage {
  /** Such as `file:///srv/uc` or `s3://bucket/uc`. */
  readonly root: string;
  /** Answer to a request for temporary credentials, where the root is in a cloud. */
  readonly credentials?: Json;
}

export interface Version {
  readonly id: string;
  readonly version: number;
  readonly source: string | undefined;
  readonly runId: string | undefined;
  readonly storageLocation: string;
  readonly createdAt: number;
  comment: string | undefined;
  status: "PENDING_REGISTRATION" | "READY" | "FAILED_REGISTRATION";
  updatedAt: number;
}

export interface Model {
  readonly id: string;
  readonly schema: string;
  readonly storageLocation: string;
  readonly createdAt: number;
  readonly versions: Map<number, Version>;
  name: string;
  comment: string | undefined;
  updatedAt: number;
  /** The highest number that was ever given out; no answer tells it. */
  maxVersion: number;
}

export class State {
  readonly metastoreId = randomUUID();
  readonly storage: Storage;
  /** Schemas as `catalog.schema`. */
  readonly schemas: Set<string>;
  /** By full name, which is case-sensitive. */
  readonly models = new Map<string, Model>();
  #time = Date.UTC(2026, 0, 1);

  constructor(storage: Storage, schemas: readonly string[]) {
    this.storage = storage;
    this.schemas = new Set(schemas);
  }

  /** Epoch ms; later at each call. */
  now(): number {
    this.#time += 1000;
    return this.#time;
  }

  /** Throws as the server does where catalog or schema are not there. */
  requireSchema(catalog: string, schema: string): string {
    const name = `${catalog}.${schema}`;
    if (this.schemas.has(name)) return name;
    if (![...this.schemas].some((known) => known.startsWith(`${catalog}.`))) {
      throw new Refused("CATALOG_NOT_FOUND", `Catalog not found: ${catalog}`);
    }
    throw new Refused("SCHEMA_NOT_FOUND", `Schema not found: ${name}`);
  }
}
