// The JSON of the open-source server (api/all.yaml of v0.6.0), and the same in the shapes of MLflow's dialect of Unity Catalog.
import { z } from "zod";
import type { WireModelVersion, WireRegisteredModel } from "../mlflow/wire.ts";
import type { CatalogVersion } from "../unity-catalog/reads.ts";
import { decodeComment } from "./comments.ts";

const int64 = z
  .union([z.number(), z.string()])
  .nullish()
  .transform((value) => (value === undefined || value === null ? undefined : BigInt(value)));
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? "");
const nextPage = { next_page_token: z.string().nullish() };
const names = { catalog_name: z.string(), schema_name: z.string() };

const model = z.object({ ...names, name: z.string(), comment: text, created_at: int64, updated_at: int64 });
const version = z.object({
  ...names,
  model_name: z.string(),
  version: z.union([z.number(), z.string()]).transform(Number),
  source: text,
  run_id: text,
  status: text,
  storage_location: text,
  comment: text,
  created_at: int64,
  updated_at: int64,
});

export type WireVersion = z.infer<typeof version>;

/** Answers by call. Parse with parseWire. */
export const wire = {
  comment: z.object({ comment: text }),
  metastore: z.object({ metastore_id: z.string() }),
  model,
  models: z.object({ registered_models: z.array(model).default([]), ...nextPage }),
  version,
  versions: z.object({ model_versions: z.array(version).default([]), ...nextPage }),
} as const;

/** A model with the tags that its comment holds. */
export function toModel(answer: z.infer<typeof model>): WireRegisteredModel {
  const { description, tags } = decodeComment(answer.comment);
  return {
    name: `${answer.catalog_name}.${answer.schema_name}.${answer.name}`,
    creation_timestamp: answer.created_at,
    last_updated_timestamp: answer.updated_at,
    description,
    tags,
    aliases: [],
  };
}

/** A version likewise. Its run is another server's. */
export function toVersion(answer: WireVersion): CatalogVersion {
  const { description, tags } = decodeComment(answer.comment);
  const found: WireModelVersion = {
    name: `${answer.catalog_name}.${answer.schema_name}.${answer.model_name}`,
    version: answer.version,
    creation_timestamp: answer.created_at,
    last_updated_timestamp: answer.updated_at,
    description,
    current_stage: "",
    source: answer.source,
    run_id: answer.run_id,
    run_link: "",
    model_id: "",
    status: answer.status,
    tags,
  };
  return { wire: found, status: answer.status, statusMessage: "", location: answer.storage_location.replace(/\/+$/, "") };
}
