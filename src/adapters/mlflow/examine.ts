// Examines a server before a job: what it is, who it takes us for, what of it we see, and whether that can be read and written.
import type { Check, Examined, ExamineOptions } from "../../ports/checks.ts";
import { unlessNotFound } from "./calls.ts";
import type { OpenSourceServer } from "./server.ts";
import { createMlflowSource } from "./source.ts";
import { readTests } from "./read-tests.ts";
import { lookAround } from "./sight.ts";
import type { Principal } from "./sight.ts";
import { tried } from "./tried.ts";
import { parseWire, wire } from "./wire.ts";
import { writeTest } from "./write-test.ts";

/** Throws INTERRUPTED only: every other error is a check that failed. `connect` is called once, and its server left open. */
export async function* examineMlflow(connect: () => Promise<OpenSourceServer>, options: ExamineOptions): AsyncGenerator<Examined> {
  const { signal } = options;
  let server: OpenSourceServer | undefined;
  yield* tried("server", async () => {
    server = await connect();
    return { says: `MLflow ${server.version} at ${server.uri}` };
  });
  if (server === undefined) return;
  const opened: OpenSourceServer = server;
  let principal: Principal | undefined;
  yield* tried("login", async () => {
    principal = await whoAmI(opened, signal);
    return loginCheck(opened, principal);
  });
  yield { check: identityCheck(opened) };
  yield { check: clockCheck(opened) };
  yield { check: featuresCheck(opened) };
  yield* tried("files", async () => filesCheck(opened, options));
  if (options.use === "read") {
    const seen = yield* lookAround(opened, principal, options);
    if (seen !== undefined) yield* readTests(opened, { ...seen, source: createMlflowSource(opened) }, signal);
  } else {
    yield* options.writeTest === true ? writeTest(opened, signal) : yieldOne(permissionCheck(opened, principal));
  }
}

async function* yieldOne(check: Check): AsyncGenerator<Examined> {
  yield { check };
}

/** The basic-auth app tells, other servers have no such route. */
async function whoAmI(server: OpenSourceServer, signal: AbortSignal): Promise<Principal | undefined> {
  const path = "/api/2.0/mlflow/users/current";
  const answer = await unlessNotFound(server.http.json({ method: "GET", path, repeat: "safe" }, signal));
  if (answer === undefined) return undefined;
  const { user } = parseWire(wire.currentUser, answer, path);
  return user === undefined ? undefined : { name: user.username, isAdmin: user.is_admin };
}

function loginCheck({ http }: OpenSourceServer, principal: Principal | undefined): Partial<Check> & Pick<Check, "says"> {
  if (principal !== undefined)
    return { says: `signed in as ${principal.name}, ${principal.isAdmin ? "an administrator" : "no administrator"}` };
  if (http.credential === undefined) return { says: "no credential is sent, and the server asks for none" };
  return { says: `${http.credential} is sent; the server does not say for whom it takes that` };
}

function identityCheck({ knownBy, uri }: OpenSourceServer): Check {
  if (knownBy === "database") return { name: "identity", state: "ok", says: "the registry is known by its database, whatever its address" };
  const hint = "under another address, or for a login that may read experiment 0, it is another registry: what was moved is moved again";
  return { name: "identity", state: "warn", says: `the registry is known by its address ${uri}: experiment 0 cannot be read`, hint };
}

/** Further apart, signed requests are refused, and times that are compared mislead. */
const MOST_SKEW_MS = 60_000;

/** How far the two clocks are apart. */
export function clockCheck({ http }: Pick<OpenSourceServer, "http">): Check {
  const ms = http.clockSkewMs;
  if (ms === undefined) return { name: "clock", state: "ok", says: "the server does not tell its time" };
  const seconds = Math.round(Math.abs(ms) / 1000);
  if (Math.abs(ms) <= MOST_SKEW_MS) return { name: "clock", state: "ok", says: "the server's and this machine's agree" };
  const says = `the server's is ${String(seconds)} s ${ms > 0 ? "ahead of" : "behind"} this machine's`;
  return {
    name: "clock",
    state: "warn",
    says,
    hint: "set both by a time server: signed addresses of object stores expire by these clocks",
  };
}

function featuresCheck({ features, workspaces, servesArtifacts }: OpenSourceServer): Check {
  const offered = [
    ...(features.loggedModels ? ["logged models"] : []),
    ...(features.stages ? ["stages"] : []),
    ...(workspaces === undefined ? [] : [`workspaces (${workspaces.map(({ name }) => name).join(", ")})`]),
    ...(servesArtifacts ? ["files through the server"] : []),
  ];
  return { name: "features", state: "ok", says: offered.length === 0 ? "experiments, runs and the model registry" : offered.join(", ") };
}

function filesCheck({ servesArtifacts }: OpenSourceServer, { use }: ExamineOptions): Partial<Check> & Pick<Check, "says"> {
  if (servesArtifacts) return { says: "the server passes files on" };
  if (use === "read") return { says: "the server passes files on only for runs and logged models (--no-serve-artifacts)" };
  return {
    state: "fail",
    says: "the server takes no files (--no-serve-artifacts)",
    code: "NOT_SUPPORTED",
    hint: "start it with --serve-artifacts and an --artifacts-destination",
  };
}

function permissionCheck({ http }: OpenSourceServer, principal: Principal | undefined): Check {
  const name = "writing";
  if (principal?.isAdmin === true) return { name, state: "ok", says: "not tried: an administrator may write everything" };
  const hint = "--write-test creates an experiment, a run, a file and a registered model, and removes them again";
  if (principal === undefined && http.credential === undefined)
    return { name, state: "ok", says: "not tried: the server asks for no login", hint };
  return { name, state: "warn", says: `not tried: what ${principal?.name ?? "this login"} may write is not known`, hint };
}
