// Whatever ends a command before its time, the same command continues: in the end everything is there once, and nothing else.
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleContent } from "./bundle-content.ts";
import type { BundleContent } from "./bundle-content.ts";
import { createWorkplace } from "./mlferry.ts";
import type { Ran, Workplace } from "./mlferry.ts";
import { startProxy } from "./proxy.ts";
import type { Proxy } from "./proxy.ts";
import { createRandom } from "./random.ts";
import { snapshot } from "./registry.ts";
import type { Snapshot } from "./registry.ts";
import { startMlflow } from "./servers.ts";
import type { LiveServer } from "./servers.ts";
import { expectSourceUntouched, NAMED_LOSSES, source, sourceBundle } from "./source.ts";

/** A server, the proxy through which mlferry reaches it, and a folder to run in. */
interface Scene extends AsyncDisposable {
  readonly server: LiveServer;
  readonly proxy: Proxy;
  readonly place: Workplace;
}

async function createScene(name: string): Promise<Scene> {
  const [server, place] = await Promise.all([startMlflow({ name }), createWorkplace()]);
  const proxy = await startProxy(server.url);
  return {
    server,
    proxy,
    place,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

/** Runs the command and sends it the signal when it makes its n-th request; the server ends what it has begun. */
async function runUntil(
  request: number,
  how: NodeJS.Signals,
  { place, proxy }: Pick<Scene, "place" | "proxy">,
  args: readonly string[],
): Promise<Ran> {
  let stop = (): void => undefined;
  proxy.behave(({ number }) => {
    if (number === request) stop();
    return "pass";
  });
  const ran = await place.run(args, { onStart: (child) => (stop = () => void child.kill(how)) });
  await proxy.idle();
  proxy.behave(() => "pass");
  return ran;
}

/** Numbers of requests after which to stop, early and late, always the same; together fewer than `total`. */
function moments(total: number, count: number, seed: number): number[] {
  const random = createRandom(seed);
  // The first nine requests find out what is there; nothing is written before.
  return Array.from({ length: count }, () => 10 + Math.floor((random() * (total - 10 * count)) / count));
}

describe("an import that is cut off", () => {
  let bundle: string;
  let whole: Snapshot;
  let requests: number;

  beforeAll(async () => {
    bundle = await sourceBundle();
    await using scene = await createScene("uncut");
    const { code, stderr } = await scene.place.run(importing(scene));
    expect(code, stderr).toBe(NAMED_LOSSES);
    requests = scene.proxy.requests;
    whole = await snapshot(scene.server.url);
  });

  const importing = ({ proxy }: Scene): string[] => ["import", bundle, proxy.url, "--include-deleted", "--quiet"];

  async function expectWhole({ server }: Scene): Promise<void> {
    const { registry, counts } = await snapshot(server.url);
    expect(counts).toEqual(whole.counts);
    expect(registry).toEqual(whole.registry);
  }

  it.each([
    { how: "and continued with its journal", seed: 1, kills: 5, keep: true },
    { how: "and continued without a journal", seed: 2, kills: 3, keep: false },
  ])("ends as one that was not, killed at any moment $how", async ({ seed, kills, keep }) => {
    await using scene = await createScene("killed");
    for (const request of moments(requests, kills, seed)) {
      const { code } = await runUntil(request, "SIGKILL", scene, importing(scene));
      expect(code, `killed at request ${request}`).toBeNull();
      if (!keep) await rm(scene.place.state, { recursive: true, force: true });
    }
    const { code, report, told } = await scene.place.job(importing(scene));
    expect(code, told).toBe(NAMED_LOSSES);
    expect(report.totals.states).toMatchObject({ partial: 0, failed: 0, refused: 0, blocked: 0 });
    expect(report.totals.states["skipped"]).toBeGreaterThan(0);
    await expectWhole(scene);
  });

  describe("by its user, and by the server", () => {
    let scene: Scene;
    let interrupted: Ran;
    beforeAll(async () => {
      scene = await createScene("interrupted");
    });
    afterAll(() => scene[Symbol.asyncDispose]());

    it("finishes at Ctrl-C what it has begun, and tells the command that continues", async () => {
      interrupted = await runUntil(Math.floor(requests / 4), "SIGINT", scene, importing(scene));
      expect(interrupted.code).toBe(130);
      expect(interrupted.stderr).toContain("stopping: what has begun is being finished");
      expect(interrupted.stderr).toMatch(/^stopped: \d+ objects at the target/m);
      expect(interrupted.stderr).toContain(`hint: continue with: mlferry import ${bundle} ${scene.proxy.url} --include-deleted --quiet\n`);
      const { counts } = await snapshot(scene.server.url, { files: false });
      expect(counts["runs"]).toBeGreaterThan(0);
    });

    it("says what is wrong when the server dies and does not come back", async () => {
      let killed = Promise.resolve();
      scene.proxy.behave(({ number }) => {
        if (number === Math.floor(requests / 4)) killed = Promise.all([scene.server.kill(), scene.proxy.down()]).then(() => undefined);
        return "pass";
      });
      const started = performance.now();
      const { code, stderr } = await scene.place.run(importing(scene));
      await killed;
      expect(code).toBe(1);
      expect(performance.now() - started).toBeLessThan(LONGEST_WAIT_MS);
      expect(stderr).toMatch(/^error: .*cannot reach http:\/\/127\.0\.0\.1:\d+: connection refused$/m);
      expect(stderr).toMatch(/^hint: is the server running\? check host and port$/m);
      expect(stderr).not.toMatch(/^ +at /m);
    });

    it("survives a server that is away for a moment, with the command that was told, and is whole in the end", async () => {
      await scene.server.restart();
      await scene.proxy.up();
      let back = Promise.resolve();
      scene.proxy.behave(({ number }) => {
        if (number === 60) back = away(scene.proxy);
        return "pass";
      });
      const command = /^hint: continue with: (.*)$/m.exec(interrupted.stderr)?.[1] ?? "";
      const { code, stderr } = await scene.place.type(command);
      await back;
      expect(code, stderr).toBe(NAMED_LOSSES);
      await expectWhole(scene);
    });
  });
});

/** A server is waited for half a minute; what had begun before takes its time too. */
const LONGEST_WAIT_MS = 90_000;

/** Takes the address away for a second. */
async function away(proxy: Proxy): Promise<void> {
  await proxy.down();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await proxy.up();
}

describe("an export that is cut off", () => {
  let whole: BundleContent;
  beforeAll(async () => {
    await using place = await createWorkplace();
    const { code, stderr } = await place.run(["export", source().url, "-o", "whole.tar", ...MOST, "--quiet"]);
    expect(code, stderr).toBe(NAMED_LOSSES);
    whole = await bundleContent(join(place.dir, "whole.tar"));
  });

  it.each([
    { form: "tar", output: "cut.tar", seed: 3 },
    { form: "folder", output: "cut", seed: 4 },
  ])("holds as a $form what one that was not holds", async ({ output, seed }) => {
    await using place = await createWorkplace();
    await using proxy = await startProxy(source().url);
    const path = join(place.dir, output);
    const args = ["export", proxy.url, "-o", path, ...MOST, "--quiet"];
    const random = createRandom(seed);
    for (const how of ["SIGKILL", "SIGINT", "SIGKILL"] as const) {
      const request = READING_REQUESTS + Math.floor(random() * WORK_REQUESTS);
      const { code, stderr } = await runUntil(request, how, { place, proxy }, args);
      expect(code, stderr).toBe(how === "SIGKILL" ? null : 130);
      expect(existsSync(path)).toBe(false);
    }
    const { code, report, told } = await place.job(args);
    expect(code, told).toBe(NAMED_LOSSES);
    expect(report.totals.states["skipped"]).toBeGreaterThan(0);
    expect(await bundleContent(path)).toEqual(whole);
    expect(await place.run(["verify", path, "--quiet"])).toMatchObject({ code: 0 });
  });

  it("has not written anything to the source", expectSourceUntouched);
});

/** Everything but the experiment named metrics, whose histories would be most of the requests. */
const MOST = ["--experiments", "[!m]*", "--models", "*", "--include-deleted"];
/** About as many are sent before the first file is asked for. */
const READING_REQUESTS = 45;
/** A quarter of those that follow: three cuts leave some. */
const WORK_REQUESTS = 120;
