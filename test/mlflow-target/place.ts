// A fake MLflow server and targets on it, without waiting between repeats.
import { connectMlflow } from "../../src/adapters/mlflow/connect.ts";
import { createMlflowSource } from "../../src/adapters/mlflow/source.ts";
import { createMlflowTarget } from "../../src/adapters/mlflow/target.ts";
import { createPacer } from "../../src/http/pace.ts";
import type { Target } from "../../src/ports/target.ts";
import { openRig } from "../contract/rig.ts";
import type { Rig } from "../contract/rig.ts";
import { startFakeMlflow } from "../fakes/mlflow-server.ts";
import type { FakeMlflow, FakeOptions } from "../fakes/mlflow-server.ts";

/** How often a repeatable request is sent at most. */
export const ATTEMPTS = 3;

export interface FakePlace extends Rig<FakeMlflow> {
  /** Requests sent by the work. */
  requestsOf(work: () => Promise<unknown>): Promise<string[]>;
  close(): Promise<void>;
}

export async function openFakePlace(options: FakeOptions = {}): Promise<FakePlace> {
  const fake = await startFakeMlflow(options);
  const rig = await openRig(fake, () => openTarget(fake.url));
  return {
    ...rig,
    async requestsOf(work) {
      const before = fake.requests.length;
      await work();
      return fake.requests.slice(before);
    },
    close: async () => rig[Symbol.asyncDispose](),
  };
}

async function openTarget(baseUrl: string): Promise<Target> {
  const clock = { now: () => 0, wait: () => Promise.resolve() };
  const options = { baseUrl, pacer: createPacer({ inFlight: 8 }), userAgent: "mlferry-test", clock, maxAttempts: ATTEMPTS, writes: true };
  const server = await connectMlflow(options, new AbortController().signal);
  return createMlflowTarget(server, createMlflowSource(server));
}
