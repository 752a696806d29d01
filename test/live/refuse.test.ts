// What must not be begun is not begun: the error says why, and the target is as it was.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleContent } from "./bundle-content.ts";
import { createWorkplace } from "./mlferry.ts";
import type { RunOptions, Workplace } from "./mlferry.ts";
import { startMlflow } from "./servers.ts";
import type { LiveServer } from "./servers.ts";
import { expectSourceUntouched, NAMED_LOSSES, source, sourceBundle } from "./source.ts";

const run = promisify(execFile);

let place: Workplace;
let target: LiveServer;
beforeAll(async () => {
  [place, target] = await Promise.all([createWorkplace(), startMlflow({ name: "refusing" })]);
});
afterAll(async () => {
  await target[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

describe("a target that stays as it was", () => {
  beforeAll(async () => {
    const { status } = await fetch(`${target.url}/api/2.0/mlflow/registered-models/create`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "many", description: "another team's" }),
    });
    expect(status).toBe(200);
  });

  it.each([
    {
      what: "the target holds another model of the name",
      flags: ["--models", "many", "--models", "promoted"],
      code: 1,
      error: /^error: the target already holds another registered model named "many"$/m,
      planned: /^stops the job: names that the target holds already.*\n.*"many"/m,
      hint: /--rename-model FROM=TO/,
    },
    {
      what: "a pattern for models matches none",
      flags: ["--models", "promoted", "--models", "nobody*"],
      code: 2,
      error: /^error: .*"?nobody\*"?/m,
      hint: /./,
    },
    {
      what: "a pattern for experiments matches none",
      flags: ["--experiments", "Runs"],
      code: 2,
      error: /^error: .*"?Runs"?/m,
      hint: /./,
    },
    {
      what: "two models would get one name",
      flags: ["--rename-model", "promoted*=all promoted"],
      code: 1,
      error: /^error: models "promoted[^"]*" and "promoted[^"]*" would both become "all promoted"$/m,
      planned: /^stops the job: objects that would get one name.*\n.*would both become "all promoted"/m,
      hint: /nothing was written/,
    },
    {
      what: "two experiments would get one name",
      flags: ["--rename-experiment", "artifacts at a *=artifacts"],
      code: 1,
      error: /^error: experiments "artifacts at a [^"]*" and "artifacts at a [^"]*" would both become "artifacts"$/m,
      planned: /^stops the job: objects that would get one name.*\n.*would both become "artifacts"/m,
      hint: /nothing was written/,
    },
    {
      what: "a name is not allowed there",
      flags: ["--rename-model", "promoted=team/promoted"],
      code: 1,
      error: /^error: .*"team\/promoted"/m,
      planned: /^stops the job: names that the target does not allow.*\n.*"team\/promoted"/m,
      hint: /./,
    },
  ])("because $what", async ({ flags, code, error, hint, planned }) => {
    const before = await target.storedState();
    for (const command of ["copy", "plan"]) {
      const ran = await place.run([command, source().url, target.url, ...flags, "--quiet"]);
      expect(ran.code, `${command}: ${ran.stderr}`).toBe(code);
      // A plan tells all names that would stop the job, as its report.
      const isReport = command === "plan" && planned !== undefined;
      if (isReport) expect(ran.stdout).toMatch(planned);
      else expect(ran.stderr).toMatch(error);
      if (!isReport) expect(ran.stderr).toMatch(/^hint: /m);
      if (!isReport) expect(ran.stderr).toMatch(hint);
      expect(isReport ? ran.stderr : ran.stdout).toBe("");
    }
    expect(await target.storedState()).toBe(before);
  });

  it("takes the model of another name that the hint asks for", async () => {
    const { code, stderr } = await place.run([
      "copy",
      source().url,
      target.url,
      "--models",
      "many",
      "--rename-model",
      "many=ours",
      "--quiet",
    ]);
    expect(code, stderr).toBe(0);
  });
});

describe("a place that is none", () => {
  it("is told from a server within seconds when nothing listens", async () => {
    const { code, stderr } = await place.run(["ls", `http://127.0.0.1:${await freePort()}`]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: cannot reach http:\S+: connection refused\nhint: /m);
  });

  it("is not exported over: a bundle that is there stays", async () => {
    const before = await bundleContent(await sourceBundle());
    const { code, stderr } = await place.run(["export", source().url, "-o", await sourceBundle(), "--models", "promoted"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^hint: .*--force/m);
    expect(await bundleContent(await sourceBundle())).toEqual(before);
  });
});

describe("a disk that is full", () => {
  it("ends an export with one clear line, and with more room the same command continues", async () => {
    await using disk = await smallDisk(join(place.dir, "disk"));
    const args = ["export", source().url, "-o", join(disk.dir, "full.tar"), "--include-deleted", "--compression", "none", "--quiet"];
    const { code, stdout, stderr } = await place.run(args, disk.small);
    expect(code, stderr).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^error: cannot write[^\n]*: (the disk is full|the file may not grow that large)$/m);
    expect(stderr).toMatch(/^hint: .*run the same command again: it continues$/m);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(existsSync(join(disk.dir, "full.tar"))).toBe(false);

    await disk.grow();
    const again = await place.job(args);
    expect(again.code, again.told).toBe(NAMED_LOSSES);
    expect(await bundleContent(join(disk.dir, "full.tar"))).toEqual(await bundleContent(await sourceBundle()));
  });

  it("has not written anything to the source", expectSourceUntouched);
});

interface SmallDisk extends AsyncDisposable {
  readonly dir: string;
  /** How to run a program that finds the disk full after a megabyte or two. */
  readonly small: RunOptions;
  grow(): Promise<void>;
}

/** A file system of one megabyte; where this user may not mount one, a limit on the size of files (2 MiB). */
async function smallDisk(dir: string): Promise<SmallDisk> {
  await mkdir(dir);
  try {
    await run("mount", ["-t", "tmpfs", "-o", "size=1m", "mlferry-test", dir]);
  } catch {
    const small = { under: ["sh", "-c", 'trap "" XFSZ; ulimit -f 4096; exec "$@"', "sh"] };
    return { dir, small, grow: () => Promise.resolve(), [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  return {
    dir,
    small: {},
    async grow() {
      await run("mount", ["-o", "remount,size=64m", dir]);
    },
    async [Symbol.asyncDispose]() {
      await run("umount", [dir]);
    },
  };
}

async function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
