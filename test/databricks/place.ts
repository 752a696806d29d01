// A fake workspace, and sources and targets on it, without waiting between repeats.
import { connectDatabricks } from "../../src/adapters/databricks/connect.ts";
import type { DatabricksOptions, DatabricksServer } from "../../src/adapters/databricks/connect.ts";
import { createDatabricksSource } from "../../src/adapters/databricks/source.ts";
import { createDatabricksTarget } from "../../src/adapters/databricks/target.ts";
import { createPacer } from "../../src/http/pace.ts";
import type { Source } from "../../src/ports/source.ts";
import type { Target } from "../../src/ports/target.ts";
import { openRig } from "../contract/rig.ts";
import type { Rig } from "../contract/rig.ts";
import { startFakeDatabricks } from "../fakes/databricks/server.ts";
import type { DatabricksOptions as FakeOptions, FakeDatabricks } from "../fakes/databricks/server.ts";

export const never: AbortSignal = new AbortController().signal;

/** A connection with the first user's token. */
export function connect(fake: FakeDatabricks, more: Partial<DatabricksOptions> = {}): Promise<DatabricksServer> {
  const options: DatabricksOptions = {
    baseUrl: fake.url,
    auth: { kind: "bearer", token: "token" },
    pacer: createPacer({ inFlight: 8 }),
    userAgent: "mlferry-test",
    clock: { now: () => 0, wait: () => Promise.resolve() },
    maxAttempts: 3,
    ...more,
  };
  return connectDatabricks(options, never);
}

export async function openSource(fake: FakeDatabricks, more: Partial<DatabricksOptions> = {}): Promise<Source> {
  return createDatabricksSource(await connect(fake, more));
}

export async function openTarget(fake: FakeDatabricks, more: Partial<DatabricksOptions> = {}): Promise<Target> {
  const server = await connect(fake, more);
  return createDatabricksTarget(server, createDatabricksSource(server));
}

export type Workspace = Rig<FakeDatabricks>;

export async function openWorkspace(options: FakeOptions = {}, more: Partial<DatabricksOptions> = {}): Promise<Workspace> {
  const fake = await startFakeDatabricks(options);
  return openRig(fake, () => openTarget(fake, more));
}

/** A request to the workspace as its first user sends it. */
export async function ask(fake: FakeDatabricks, method: string, path: string, body: object): Promise<unknown> {
  const headers = { authorization: "Bearer token", "content-type": "application/json" };
  const answer = await fetch(`${fake.url}${path}`, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
  return answer.json();
}
