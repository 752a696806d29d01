// A network that loses answers and a gateway that asks to wait: nothing arrives twice, and everything arrives.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createWorkplace } from "./mlferry.ts";
import { startProxy } from "./proxy.ts";
import type { Fate } from "./proxy.ts";
import { createRandom } from "./random.ts";
import { compareServers } from "./registry.ts";
import { startMlflow } from "./servers.ts";
import { AGREED, CARRIERS, expectSourceUntouched, NAMED_LOSSES, source, sourceBundle } from "./source.ts";

/** One request in twelve fares badly; the server carries out most of these all the same. */
const FATES: readonly Fate[] = ["lose-answer", "lose-answer", "cut-answer", "refuse"];
const SHARE = 1 / 12;

describe("a bad network", () => {
  it("makes no object twice when answers to its writes are lost, and loses none", async () => {
    await using target = await startMlflow({ name: "faults" });
    await using proxy = await startProxy(target.url);
    await using place = await createWorkplace();
    const random = createRandom(5);
    const lost = new Set<string>();
    proxy.behave(({ method, path }) => {
      const fate = random() < SHARE ? FATES[Math.floor(random() * FATES.length)] : undefined;
      if (fate === "lose-answer") lost.add(`${method} ${routeOf(path)}`);
      return fate ?? "pass";
    });
    const { code, report, told } = await place.job(["import", await sourceBundle(), proxy.url, "--include-deleted"]);
    expect(code, told).toBe(NAMED_LOSSES);
    expect(report.outcomes).toEqual([]);
    expect([...lost].filter((route) => /create|versions|log-batch|artifacts/.test(route)).length).toBeGreaterThan(4);
    const { differences, carriers } = await compareServers(source().url, target.url, { allow: AGREED });
    expect(differences).toEqual([]);
    expect(carriers).toBe(CARRIERS);
  });

  it("waits as long as a server asks, and then goes on", async () => {
    await using target = await startMlflow({ name: "busy" });
    await using proxy = await startProxy(target.url);
    await using place = await createWorkplace();
    let refusedAt = Infinity;
    let early = 0;
    let refused = 0;
    proxy.behave(({ number }) => {
      const now = performance.now();
      // What was under way already may still come in.
      if (now > refusedAt + IN_FLIGHT_MS && now < refusedAt + WAIT_MS) early += 1;
      if (number !== 20 && number !== 40) return "pass";
      refusedAt = now;
      refused += 1;
      return { status: 429, headers: { "retry-after": String(WAIT_MS / 1000) } };
    });
    const started = performance.now();
    const log = join(place.dir, "log");
    const { code, stderr } = await place.run(["import", await sourceBundle(), proxy.url, "--models", "many", "--log-file", log]);
    expect(code, stderr).toBe(NAMED_LOSSES);
    expect(refused).toBe(2);
    expect(early).toBe(0);
    expect(performance.now() - started).toBeGreaterThan(2 * WAIT_MS);
    const told = (await readFile(log, "utf8")).split("\n").filter((line) => line.includes("server asked to wait: 429"));
    expect(told).toHaveLength(2);
  });

  it("reads a source through it without a byte amiss", async () => {
    await using proxy = await startProxy(source().url);
    await using place = await createWorkplace();
    const random = createRandom(6);
    proxy.behave(() => (random() < SHARE ? (FATES[Math.floor(random() * FATES.length)] ?? "pass") : "pass"));
    const selection = ["--models", "*", "--experiments", "artifacts *", "--experiments", "runs"];
    const { code, stderr } = await place.run(["export", proxy.url, "-o", "bad.tar", ...selection, "--quiet"]);
    expect(code, stderr).toBe(NAMED_LOSSES);
    const { report } = await place.verify(["verify", await sourceBundle(), "bad.tar", "--level", "bytes", ...selection]);
    expect(report.findings).toEqual([]);
    expect(report.compared.by_kind["model-version"]).toBe(54);
  });

  it("has not written anything to the source", expectSourceUntouched);
});

const WAIT_MS = 2000;
const IN_FLIGHT_MS = 500;

function routeOf(path: string): string {
  return path.split("?", 1)[0] ?? path;
}
