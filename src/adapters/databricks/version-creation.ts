// Creating versions in the workspace registry, which copies their files after it has answered: a version counts once it is READY, and only a
// few may be on their way at a time.
import { z } from "zod";
import { MigrationError } from "../../errors.ts";
import { waitOrInterrupt } from "../../http/clock.ts";
import type { Clock } from "../../http/clock.ts";
import type { Calls } from "../mlflow/target-calls.ts";
import { parseWire } from "../mlflow/wire.ts";
import { createSlots } from "./slots.ts";

/** Of 20 that an older page documents for a workspace. */
const MOST_OPEN = 5;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
/** MLflow's client waits for 5 minutes; files of many GB take longer. */
const LONGEST_COPY_MS = 60 * 60_000;

export interface VersionId {
  readonly name: string;
  readonly version: string;
}

export interface VersionCreation {
  /** The same calls, where creating a version answers when it is READY. */
  readonly calls: Calls;
  /** Waits until the version is no longer pending; gives the answer that said so. */
  settled(id: VersionId, signal: AbortSignal): Promise<unknown>;
}

/** Throws REQUEST_FAILED for a version whose files could not be copied, or were not within an hour. */
export function createVersionCreation(calls: Calls, clock: Clock): VersionCreation {
  const slots = createSlots(MOST_OPEN);
  const settled = (id: VersionId, signal: AbortSignal): Promise<unknown> => untilReady(calls, id, { clock, signal });
  return {
    settled,
    calls: {
      ...calls,
      create: async (route, body, signal) => {
        if (route !== CREATE) return calls.create(route, body, signal);
        return slots.run(async () => {
          const answer = await calls.create(route, body, signal);
          const { model_version: made } = parseWire(statusAnswer, answer, route);
          return made.status === PENDING ? settled(made, signal) : required(answer, made);
        });
      },
    },
  };
}

const CREATE = "model-versions/create";
const PENDING = "PENDING_REGISTRATION";

const statusAnswer = z.object({
  model_version: z.object({
    name: z.string(),
    version: z.union([z.string(), z.number()]).transform(String),
    status: z.string().default("READY"),
    status_message: z.string().default(""),
  }),
});
type Status = z.infer<typeof statusAnswer>["model_version"];

async function untilReady(
  calls: Calls,
  { name, version }: VersionId,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<unknown> {
  const route = "model-versions/get";
  const query = [
    ["name", name],
    ["version", version],
  ] as const;
  let waitMs = FIRST_WAIT_MS;
  for (let waitedMs = 0; ; waitedMs += waitMs) {
    const answer = await calls.get(route, query, signal);
    const { model_version: made } = parseWire(statusAnswer, answer, route);
    if (made.status !== PENDING) return required(answer, made);
    if (waitedMs >= LONGEST_COPY_MS) throw notCopied(made, "is still PENDING_REGISTRATION after an hour");
    await waitOrInterrupt(clock, waitMs, signal);
    waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2);
  }
}

function required(answer: unknown, made: Status): unknown {
  if (made.status !== "FAILED_REGISTRATION") return answer;
  throw notCopied(made, `could not be registered: ${made.status_message === "" ? "the workspace gives no reason" : made.status_message}`);
}

function notCopied({ name, version }: Status, what: string): MigrationError {
  return new MigrationError("REQUEST_FAILED", `version ${version} of ${JSON.stringify(name)} ${what}`, {
    hint: "the registry could not copy the files of its run: see that they are there, delete the version and run the same command again",
  });
}
