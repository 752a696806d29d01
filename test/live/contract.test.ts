// A real MLflow server under the contracts that every place keeps.
import { afterAll, beforeAll } from "vitest";
import { connectMlflow } from "../../src/adapters/mlflow/connect.ts";
import { createMlflowSource } from "../../src/adapters/mlflow/source.ts";
import { createMlflowTarget } from "../../src/adapters/mlflow/target.ts";
import { createPacer } from "../../src/http/pace.ts";
import type { Target } from "../../src/ports/target.ts";
import { sourceContract } from "../contract/source-contract.ts";
import { carriedTo } from "../contract/source-place.ts";
import { targetContract } from "../contract/target-contract.ts";
import { startMlflow } from "./servers.ts";
import type { LiveServer } from "./servers.ts";

// One server for all tests: each uses names of its own.
let server: LiveServer;
beforeAll(async () => {
  server = await startMlflow({ name: "contract" });
});
afterAll(() => server[Symbol.asyncDispose]());

targetContract("an MLflow server", async () => {
  const target = await open();
  return { target, dispose: () => target.close() };
});

sourceContract("an MLflow server", async (items) => {
  const [writing, reading] = [await open(), await open()];
  return carriedTo(writing, items, {
    open: () => Promise.resolve(reading),
    async dispose() {
      await Promise.all([writing.close(), reading.close()]);
    },
  });
});

async function open(): Promise<Target> {
  const options = { baseUrl: server.url, pacer: createPacer({ inFlight: 8 }), userAgent: "mlferry-test" };
  const connected = await connectMlflow(options, new AbortController().signal);
  return createMlflowTarget(connected, createMlflowSource(connected));
}
