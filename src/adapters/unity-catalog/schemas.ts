// Whether the schemas are there that models are to be made in: asked before anything is written.
import { asMigrationError } from "../../errors.ts";
import type { MigrationError } from "../../errors.ts";
import type { HttpClient } from "../../http/client.ts";
import type { Check } from "../../ports/checks.ts";

/** A check for each schema that these three-level names are in (databricks-sdk, schemas.get). Throws what would end a job. */
export async function* checkSchemas(http: HttpClient, models: readonly string[], signal: AbortSignal): AsyncGenerator<Check> {
  const schemas = new Set(models.map((name) => name.split(".").slice(0, 2).join(".")));
  for (const schema of schemas) {
    try {
      const path = `/api/2.1/unity-catalog/schemas/${encodeURIComponent(schema)}`;
      await http.json({ method: "GET", path, repeat: "safe" }, signal);
      yield { name: `schema ${schema}`, state: "ok", says: "it is there" };
    } catch (thrown) {
      const error = asMigrationError(thrown);
      const status = error.request?.status;
      if (status !== 403 && status !== 404) throw error;
      yield { name: `schema ${schema}`, state: "fail", says: error.message, hint: hintFor(schema, error), code: error.code };
    }
  }
}

function hintFor(schema: string, { request, hint }: MigrationError): string {
  if (request?.status === 403) return hint ?? `it takes USE CATALOG and USE SCHEMA to see ${schema}`;
  if (request?.serverCode === "METASTORE_DOES_NOT_EXIST") return "an account administrator can give the workspace a metastore";
  return `make it with CREATE SCHEMA ${schema}, or map the models to another one`;
}
