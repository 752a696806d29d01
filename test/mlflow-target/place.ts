// A fake MLflow server and targets on it, without waiting between repeats.
import { connectMlflow } from "../../src/adapters/mlflow/connect.ts";
import { createMlflowSource } from "../../src/adapters/mlflow/source.ts";
import { createMlflowTarget } from "../../src/adapters/mlflow/target.ts";
import { createPacer } from "../../src/http/pace.ts";
import type { OriginId } from "../../src/model/entities.ts";
import type { Target } from "../../src/ports/target.ts";
import { createFerry } from "../contract/context.ts";
import type { Ferry } from "../contract/context.ts";
import { startFakeMlflow } from "../fakes/mlflow-server.ts";
import type { FakeMlflow, FakeOptions } from "../fakes/mlflow-server.ts";

/** How often a repeatable request is sent at most. */
export const ATTEMPTS = 3;

export interface FakePlace {
  readonly fake: FakeMlflow;
  readonly target: Target;
  readonly ferry: Ferry;
  /** Another process on the same server, which knows nothing yet. */
  again(): Promise<{ readonly target: Target; readonly ferry: Ferry }>;
  /** Requests sent by the work. */
  requestsOf(work: () => Promise<unknown>): Promise<string[]>;
  close(): Promise<void>;
}

export async function openFakePlace(options: FakeOptions = {}): Promise<FakePlace> {
  const fake = await startFakeMlflow(options);
  const opened: Target[] = [];
  const again = async (): Promise<{ target: Target; ferry: Ferry }> => {
    const target = await openTarget(fake.url);
    opened.push(target);
    return { target, ferry: createFerry(target, "0123456789abcdef0123456789abcdef" as OriginId) };
  };
  return {
    fake,
    ...(await again()),
    again,
    async requestsOf(work) {
      const before = fake.requests.length;
      await work();
      return fake.requests.slice(before);
    },
    async close() {
      for (const target of opened) await target.close();
      await fake.close();
    },
  };
}

async function openTarget(baseUrl: string): Promise<Target> {
  const clock = { now: () => 0, wait: () => Promise.resolve() };
  const options = { baseUrl, pacer: createPacer({ inFlight: 8 }), userAgent: "mlferry-test", clock, maxAttempts: ATTEMPTS, writes: true };
  const server = await connectMlflow(options, new AbortController().signal);
  return createMlflowTarget(server, createMlflowSource(server));
}
