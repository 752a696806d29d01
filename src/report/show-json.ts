// The JSON form of one object with what stands around it.
import { z } from "zod";
import type { Inspected } from "../engine/inspect.ts";
import { uriOf } from "../model/object-name.ts";
import { entityJson, entitySchema } from "./entity-json.ts";
import { JSON_VERSION } from "./json.ts";

/** `mlferry show --json`. */
export const showSchema = z.object({
  mlferry_json: z.literal(JSON_VERSION),
  report: z.literal("show"),
  source: z.string(),
  uri: z.string().optional().describe("as MLflow's client knows the object"),
  entity: entitySchema,
  experiment_name: z.string().optional(),
  dependants: z.array(z.string()).describe("keys of what needs it: children, logged models, versions, aliases"),
  more_dependants: z.boolean(),
  files: z
    .array(
      z.object({
        path: z.string(),
        size_bytes: z.int().min(0).optional(),
        digest: z.string().optional(),
        unreadable: z.string().optional(),
      }),
    )
    .optional(),
  points: z.record(z.string(), z.int().min(0)).optional().describe("number of points of each metric"),
  notes: z.array(z.string()),
});

export type ShowJson = z.infer<typeof showSchema>;

export interface ShowContext {
  readonly source: string;
  readonly notes: readonly string[];
}

export function showJson({ entity, home, dependants, more, files, points }: Inspected, { source, notes }: ShowContext): ShowJson {
  const uri = uriOf(entity.key);
  return {
    mlferry_json: JSON_VERSION,
    report: "show",
    source,
    ...(uri === undefined ? {} : { uri }),
    entity: entityJson(entity),
    ...(home === undefined ? {} : { experiment_name: home.name }),
    dependants: dependants.map(({ key }) => key),
    more_dependants: more,
    ...(files === undefined
      ? {}
      : {
          files: files.map(({ path, sizeBytes, digest, unreadable }) => ({
            path,
            ...(sizeBytes === undefined ? {} : { size_bytes: sizeBytes }),
            ...(digest === undefined ? {} : { digest }),
            ...(unreadable === undefined ? {} : { unreadable }),
          })),
        }),
    ...(points === undefined ? {} : { points: Object.fromEntries(points) }),
    notes: [...notes],
  };
}
