// Examines a workspace before a job: whom it takes us for, which one it is, its clock, and what of it may be read.
import type { Check, Examined, ExamineOptions } from "../../ports/checks.ts";
import { clockCheck } from "../mlflow/examine.ts";
import { readTests } from "../mlflow/read-tests.ts";
import { lookAround } from "../mlflow/sight.ts";
import type { Principal } from "../mlflow/sight.ts";
import { tried } from "../mlflow/tried.ts";
import type { DatabricksServer } from "./connect.ts";
import { whoAmI } from "./principal.ts";
import { createDatabricksSource } from "./source.ts";

/** Throws INTERRUPTED only: every other error is a check that failed. `connect` is called once, and its server left open. */
export async function* examineDatabricks(connect: () => Promise<DatabricksServer>, options: ExamineOptions): AsyncGenerator<Examined> {
  const { signal } = options;
  let server: DatabricksServer | undefined;
  yield* tried("server", async () => {
    server = await connect();
    return { says: `a Databricks workspace at ${server.uri}` };
  });
  if (server === undefined) return;
  const opened: DatabricksServer = server;
  let principal: Principal | undefined;
  yield* tried("login", async () => {
    principal = await whoAmI(opened.http, signal);
    return { says: `signed in as ${principal.name}` };
  });
  yield { check: identityCheck(opened) };
  yield { check: clockCheck(opened) };
  if (options.use === "write") {
    const says = `not tried: what ${principal?.name ?? "this login"} may write is not known`;
    yield { check: { name: "writing", state: "warn", says, hint: "a small copy first, such as of one model, shows it" } };
    return;
  }
  const seen = yield* lookAround(opened, principal, options);
  if (seen !== undefined) yield* readTests(opened, { ...seen, source: createDatabricksSource(opened) }, signal);
}

function identityCheck({ workspaceId, uri }: DatabricksServer): Check {
  const name = "identity";
  if (workspaceId !== undefined) return { name, state: "ok", says: `it is workspace ${workspaceId}, whatever its address` };
  const hint = "under another address it is another registry: what was moved is moved again";
  return { name, state: "warn", says: `the workspace is known by its address ${uri}: it does not tell its id`, hint };
}
