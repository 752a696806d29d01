// The JSON form of a report on several workspaces.
import { z } from "zod";
import { JSON_VERSION } from "./json.ts";

const count = z.int().min(0);

/** Any of the above with `--workspaces`: one report for each. */
export const workspacesSchema = z.object({
  mlferry_json: z.literal(JSON_VERSION),
  report: z.literal("workspaces"),
  workspaces: z.array(
    z.object({
      source: z.string().describe("the workspace's name"),
      target: z.string().optional(),
      report: z.unknown().describe("that of the command without --workspaces; an error where it ended with one"),
      exit_code: count,
    }),
  ),
  workspaces_not_read: z.array(z.string()).optional(),
  exit_code: count.describe("the gravest"),
});

export type WorkspacesJson = z.infer<typeof workspacesSchema>;
