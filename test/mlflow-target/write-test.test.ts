import { describe, expect, it, onTestFinished } from "vitest";
import { connectMlflow } from "../../src/adapters/mlflow/connect.ts";
import { writeTest } from "../../src/adapters/mlflow/write-test.ts";
import { createPacer } from "../../src/http/pace.ts";
import type { Check } from "../../src/ports/checks.ts";
import { startFakeMlflow } from "../fakes/mlflow-server.ts";
import type { FakeMlflow } from "../fakes/mlflow-server.ts";
import { jumpingClock, never } from "../http/scripted-server.ts";

async function run(fake: FakeMlflow): Promise<Check[]> {
  const options = { baseUrl: fake.url, pacer: createPacer({ inFlight: 4 }), userAgent: "test", clock: jumpingClock(), maxAttempts: 3 };
  const server = await connectMlflow(options, never);
  onTestFinished(() => server.http.close());
  const checks: Check[] = [];
  for await (const examined of writeTest(server, never)) if ("check" in examined) checks.push(examined.check);
  return checks;
}

async function fakeServer(): Promise<FakeMlflow> {
  const fake = await startFakeMlflow();
  onTestFinished(() => fake.close());
  return fake;
}

describe("a test of writing", () => {
  it("removes all that it made", async () => {
    const fake = await fakeServer();
    const checks = await run(fake);
    expect(
      checks.map(({ name, state }) => `${name} ${state}`),
      JSON.stringify(checks),
    ).toEqual(["writing ok", "removal ok"]);
    expect(fake.requests).toContain("POST experiments/delete");
    expect(fake.requests).toContain("DELETE registered-models/delete");
  });

  it("removes an experiment whose creation was carried out but never answered", async () => {
    const fake = await fakeServer();
    fake.lose("POST experiments/create", "after");
    const checks = await run(fake);
    expect(
      checks.map(({ name, state }) => `${name} ${state}`),
      JSON.stringify(checks),
    ).toEqual(["writing fail", "removal ok"]);
    expect(fake.requests).toContain("POST experiments/delete");
  });

  it("names what it could not remove", async () => {
    const fake = await fakeServer();
    fake.lose("DELETE registered-models/delete", "before", "before", "before");
    const [, removal] = await run(fake);
    expect(removal).toMatchObject({
      state: "warn",
      says: expect.stringMatching(/^left behind: registered model mlferry-doctor-/) as string,
    });
  });
});
