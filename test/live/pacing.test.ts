// Servers that have too much to do, or too little room: a job slows down and loses nothing.
import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { REFUSED, startProxy as startCounting } from "../../bench/latency-proxy.ts";
import { createWorkplace } from "./mlferry.ts";
import { startProxy } from "./proxy.ts";
import { startMlflow } from "./servers.ts";
import { NAMED_LOSSES, sourceBundle } from "./source.ts";

const MODEL = "many";

it("slows down for a gateway that answers 429 to more than 3 requests at a time, and loses nothing", async () => {
  await using target = await startMlflow({ name: "limited" });
  await using gateway = await startCounting({ target: target.url, mostInFlight: 3, delayMs: 5 });
  await using place = await createWorkplace();
  const { code, report, told } = await place.job(["import", await sourceBundle(), gateway.url, "--models", MODEL]);
  expect(code, told).toBe(NAMED_LOSSES);
  expect(report.outcomes).toEqual([]);
  expect(gateway.counts.get(REFUSED)).toBeGreaterThan(0);
  const pace = Object.values(report.totals.pace ?? {})[0];
  expect(pace?.slowed["the server answered 429"]).toBeGreaterThan(0);
  expect(pace?.level.lowest).toBe(2);
  await expectWhole(place, target.url);
});

it("slows down for a server that answers 503 now and then, waits as it asks, and says both", async () => {
  await using target = await startMlflow({ name: "unavailable" });
  await using proxy = await startProxy(target.url);
  await using place = await createWorkplace();
  proxy.behave(({ number }) => (number % 60 === 30 ? { status: 503, headers: { "retry-after": "1" } } : "pass"));
  const { code, stdout, stderr } = await place.run(["import", await sourceBundle(), proxy.url, "--models", MODEL, "--verbose"]);
  expect(code, stderr).toBe(NAMED_LOSSES);
  expect(stderr).toMatch(/^127\.0\.0\.1:\d+: \d+ -> \d+ requests in flight: the server answered 503$/m);
  expect(stdout).toMatch(/^ +slowed down +\d+ × the server answered 503$/m);
  expect(stdout).toMatch(/^ +waited as it asked +\d/m);
  await expectWhole(place, target.url);
});

it("imports the whole registry to a server with one worker without exhausting its database connections", async () => {
  await using target = await startMlflow({ name: "one-worker", args: ["--workers", "1"] });
  await using place = await createWorkplace();
  const { code, report, told } = await place.job(["import", await sourceBundle(), target.url, "--include-deleted"]);
  expect(code, told).toBe(NAMED_LOSSES);
  expect(report.outcomes).toEqual([]);
  expect(Object.keys(Object.values(report.totals.pace ?? {})[0]?.slowed ?? {})).not.toContain("the server had no database connection left");
  expect(await readFile(target.logFile, "utf8")).not.toContain("QueuePool limit");
});

async function expectWhole(place: Awaited<ReturnType<typeof createWorkplace>>, url: string): Promise<void> {
  const { report } = await place.verify(["verify", await sourceBundle(), url, "--level", "bytes", "--models", MODEL]);
  expect(report.findings).toEqual([]);
  expect(report.compared.objects).toBeGreaterThan(30);
}
