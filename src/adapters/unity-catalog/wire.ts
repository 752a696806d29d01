// The JSON of Unity Catalog's registry in MLflow's dialect (databricks_uc_registry_messages.proto of 3.17): what it has beside MLflow's own.
import { z } from "zod";
import { headers } from "../databricks/wire.ts";
import { temporaryCredentials } from "./lent.ts";

const text = z.string().default("");

/** Fields of a version that say whether its files are there, and whose run it names. */
export const versionState = z.object({
  model_version: z.object({ status: text, status_message: text, run_tracking_server_id: z.string().optional(), storage_location: text }),
});

/** Answers by call. Parse with parseWire. */
export const wire = {
  filesApi: z.object({ is_databricks_sdk_models_artifact_repository_enabled: z.boolean().default(false) }),
  credentials: z.object({ credentials: temporaryCredentials }),
  owned: z.object({ owner: text }),
  grants: z.object({
    privilege_assignments: z
      .array(z.object({ principal: text, privileges: z.array(z.object({ privilege: text })).default([]) }))
      .default([]),
    next_page_token: z.string().optional(),
  }),
  signedUrl: z.object({ url: z.string(), headers }),
} as const;
