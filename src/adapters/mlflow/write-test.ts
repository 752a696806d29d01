// Tries what an import does: creates an experiment, a run, a file and a registered model, and removes them again.
import { randomBytes } from "node:crypto";
import { asMigrationError } from "../../errors.ts";
import type { Examined } from "../../ports/checks.ts";
import type { TrackingHalf } from "./tracking-half.ts";
import { createCalls, unlessMissing } from "./target-calls.ts";
import type { Calls } from "./target-calls.ts";
import { artifactUriBelow, proxyPath } from "./target-files.ts";
import { tried } from "./tried.ts";
import { parseWire, wire } from "./wire.ts";

/** Of removals, which go on when everything else is stopped. */
const late = new AbortController().signal;

/** How to undo a step that was done, last one first. */
interface Undo {
  readonly what: string;
  readonly work: () => Promise<unknown>;
}

/** Yields a check for what was tried, and one for what was removed; removes also after a failure or an interruption. */
export async function* writeTest(server: TrackingHalf, signal: AbortSignal): AsyncGenerator<Examined> {
  const undo: Undo[] = [];
  const name = `mlferry-doctor-${randomBytes(6).toString("hex")}`;
  try {
    yield* tried("writing", async () => {
      await write(server, { name, undo, signal });
      return { says: "an experiment, a run, a file and a registered model could be created" };
    });
  } finally {
    // An interruption must not leave scratch objects behind.
    const left = await removeAll(undo);
    yield {
      check:
        left.length === 0
          ? {
              name: "removal",
              state: "ok",
              says: `everything of ${name} is removed; MLflow keeps a deleted experiment's name until mlflow gc`,
            }
          : { name: "removal", state: "warn", says: `left behind: ${left.join("; ")}`, hint: `remove what is called ${name} by hand` },
    };
  }
}

async function write(
  server: TrackingHalf,
  { name, undo, signal }: { readonly name: string; readonly undo: Undo[]; readonly signal: AbortSignal },
): Promise<void> {
  const calls = createCalls(server.http);
  const id = await making(undo, { what: `experiment ${name}`, work: () => removeExperiment(calls, name) }, async () => {
    const answer = await calls.create("experiments/create", { name }, signal);
    return parseWire(wire.experimentCreated, answer, "experiments/create").experiment_id;
  });
  const run = await createRun(calls, { id, name }, signal);
  undo.push({ what: `run ${run.run_id}`, work: () => calls.remove("POST", "runs/delete", { run_id: run.run_id }, late) });
  const path = "mlferry-doctor.txt";
  const bytes = Buffer.from("written by mlferry doctor to see whether it can\n");
  undo.push({ what: `file ${path} of run ${run.run_id}`, work: () => removeFile(server, artifactUriBelow(run.artifact_uri, path)) });
  await server.files.sender(run.artifact_uri, signal)({ path, sizeBytes: bytes.length }, () => oneChunk(bytes));
  const removal = { what: `registered model ${name}`, work: () => calls.remove("DELETE", "registered-models/delete", { name }, late) };
  await making(undo, removal, () => calls.create("registered-models/create", { name }, signal));
}

/** Creates what `step` undoes. Only after a refusal there is surely nothing to undo. */
async function making<T>(undo: Undo[], step: Undo, create: () => Promise<T>): Promise<T> {
  undo.push(step);
  try {
    return await create();
  } catch (thrown) {
    const { code } = asMigrationError(thrown);
    if (code !== "OUTCOME_UNKNOWN" && code !== "INTERRUPTED") undo.pop();
    throw thrown;
  }
}

/** By its name: the answer that held its id may have been lost. A run in it is deleted with it. */
async function removeExperiment(calls: Calls, name: string): Promise<void> {
  const answer = await unlessMissing(calls.get("experiments/get-by-name", [["experiment_name", name]], late));
  if (answer === undefined) return;
  const { experiment } = parseWire(wire.experiment, answer, "experiments/get-by-name");
  await calls.remove("POST", "experiments/delete", { experiment_id: experiment.experiment_id }, late);
}

async function createRun(
  calls: Calls,
  { id, name }: { readonly id: string; readonly name: string },
  signal: AbortSignal,
): Promise<{ readonly run_id: string; readonly artifact_uri: string }> {
  const answer = await calls.create("runs/create", { experiment_id: id, run_name: name }, signal);
  return parseWire(wire.run, answer, "runs/create").run.info;
}

async function removeFile({ http }: TrackingHalf, uri: string): Promise<void> {
  const path = proxyPath(uri, http.baseUrl);
  if (path === undefined) return;
  const route = `/api/2.0/mlflow-artifacts/artifacts/${path.split("/").map(encodeURIComponent).join("/")}`;
  await http.json({ method: "DELETE", path: route, repeat: "safe" }, late);
}

async function removeAll(undo: readonly Undo[]): Promise<string[]> {
  const left: string[] = [];
  for (const { what, work } of undo.toReversed()) {
    try {
      await work();
    } catch (thrown) {
      left.push(`${what} (${asMigrationError(thrown).message})`);
    }
  }
  return left;
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
