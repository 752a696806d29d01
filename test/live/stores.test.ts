// Servers whose files lie in object stores without a proxy in front: files are read and written there directly.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startClouds } from "./emulators.ts";
import type { Clouds } from "./emulators.ts";
import { createWorkplace } from "./mlferry.ts";
import type { RunOptions, Workplace } from "./mlferry.ts";
import { startProxy } from "./proxy.ts";
import type { Proxy, Seen } from "./proxy.ts";
import type { CompareOptions, Comparison } from "./registry.ts";
import { runPython, startMlflow } from "./servers.ts";
import type { LiveServer } from "./servers.ts";

let clouds: Clouds;
let place: Workplace;
/** To S3, watched and disturbed. */
let wire: Proxy;
/** Files in all three stores; in a bucket; in a bucket behind the server's own proxy. */
let source: LiveServer;
let stored: LiveServer;
let proxied: LiveServer;

const CLOUDS = ["s3", "gs", "azure"] as const;
/** Of each cloud: files of the run, of the logged model, and of the version that has its own. */
const FILES_OF_EACH = 8 + 3 + 3;
/** `hash#tag.txt` and `escaped%20space.txt` of each run. */
const UNPROXIED = 2;

beforeAll(async () => {
  clouds = await startClouds();
  wire = await startProxy(clouds.s3);
  const at = (name: string): ReturnType<typeof startMlflow> =>
    startMlflow({ name, artifacts: { root: `${clouds.roots.s3}/${name}` }, env: clouds.env });
  const behind = { behind: `${clouds.roots.s3}/behind` };
  [place, source, stored, proxied] = await Promise.all([
    createWorkplace(),
    at("source"),
    at("stored"),
    startMlflow({ name: "behind", artifacts: behind, env: { ...clouds.env, MLFLOW_S3_ENDPOINT_URL: wire.url } }),
  ]);
  await runPython("seed_stores.py", ["--uri", source.url, "--roots", JSON.stringify(clouds.roots)], { env: clouds.env });
});

afterAll(async () => {
  await Promise.all([source, stored, proxied, place, wire].map((one) => one[Symbol.asyncDispose]()));
  await clouds[Symbol.asyncDispose]();
});

const withClouds = (more: Readonly<Record<string, string>> = {}): RunOptions => ({ env: { ...clouds.env, ...more } });

/** By MLflow's own client, which has access to the stores. */
async function compare(from: LiveServer, to: LiveServer, options: CompareOptions = {}): Promise<Comparison> {
  const rules = ["--map", JSON.stringify(options.map ?? {}), "--allow", JSON.stringify(options.allow ?? [])];
  return (await runPython("compare.py", ["--source", from.url, "--target", to.url, ...rules], { env: clouds.env })) as Comparison;
}

/** Records the requests that pass the wire to S3. */
function record(fate: Parameters<Proxy["behave"]>[0] = () => "pass"): Seen[] {
  const seen: Seen[] = [];
  wire.behave((request) => {
    seen.push(request);
    return fate(request);
  });
  return seen;
}

describe("from three clouds to a bucket", () => {
  it("moves every file, names with # and %20 too, large ones in parts", async () => {
    const seen = record();
    const env = { MLFERRY_TARGET_MLFLOW_S3_ENDPOINT_URL: wire.url };
    const { code, report, told } = await place.job(["copy", source.url, stored.url], withClouds(env));
    expect(code, told).toBe(0);
    expect(report.totals).toMatchObject({ files: CLOUDS.length * FILES_OF_EACH });
    expect(seen.filter(({ method, path }) => method === "PUT" && /big\.bin\?.*partNumber=/.test(path))).toHaveLength(CLOUDS.length * 3);
    expect((await compare(source, stored)).differences).toEqual([]);
  });

  it("writes nothing when it is run again, and is verified byte by byte", async () => {
    const before = await stored.storedState();
    const { code, report } = await place.job(["copy", source.url, stored.url], withClouds());
    expect({ code, moved: report.totals.files, state: await stored.storedState() }).toEqual({ code: 0, moved: 0, state: before });
    const verified = await place.verify(["verify", source.url, stored.url, "--level", "bytes"], withClouds());
    expect(verified.report.findings).toEqual([]);
    expect(verified.code).toBe(0);
  });
});

describe("a server that passes files on to a bucket", () => {
  it("gets large files by signed URLs in parts, without its credentials, and small ones through its proxy", async () => {
    const seen = record();
    const env = { MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE: "1000000", MLFLOW_TRACKING_TOKEN: "the-servers-own-token" };
    const { code, report, told } = await place.job(["copy", source.url, proxied.url, "--on-loss", "drop"], withClouds(env));
    expect(code, told).toBe(0);
    expect(report.losses.filter(({ field }) => /#|%20/.test(field))).toHaveLength(CLOUDS.length * UNPROXIED);
    const parts = seen.filter(({ method, path }) => method === "PUT" && /big\.bin\?.*partNumber=/.test(path));
    expect(parts).toHaveLength(CLOUDS.length * 2);
    expect(parts.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
    const allow = ["hash#tag.txt", "escaped%20space.txt"].map((file) => ({ key: "run:*", field: `files.${file}` }));
    expect((await compare(source, proxied, { allow })).differences).toEqual([]);
  });

  it("gives large files by signed URLs, and is verified under the losses of the copy", async () => {
    const seen = record();
    const env = withClouds({ MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE: "1000000" });
    const { code, report } = await place.verify(["verify", source.url, proxied.url, "--level", "bytes"], env);
    expect(report.findings.filter(({ agreed }) => !agreed)).toEqual([]);
    expect(code).toBe(0);
    expect(seen.filter(({ method, path }) => method === "GET" && /big\.bin\?.*X-Amz-Signature/.test(path))).toHaveLength(CLOUDS.length);
  });

  it("is a source for a bucket", async () => {
    await using bucket = await startMlflow({ name: "bucket", artifacts: { root: `${clouds.roots.s3}/bucket` }, env: clouds.env });
    const { code, told } = await place.job(["copy", proxied.url, bucket.url], withClouds());
    expect(code, told).toBe(0);
    // The run of a version with files of its own only carries them, here and there.
    const allow = [{ key: "model-version:*/3", field: "run" }];
    const { differences } = await compare(proxied, bucket, { map: { experiments: { "mlferry carriers": null } }, allow });
    expect(differences).toEqual([]);
  });
});

describe("a disturbed store", () => {
  const only = ["--experiments", "in s3"];

  it("is read on where the connection was cut", async () => {
    let cuts = 0;
    const seen = record(({ method, path }) => (method === "GET" && path.includes("big.bin") && cuts++ === 0 ? "cut-answer" : "pass"));
    const env = withClouds({ MLFERRY_SOURCE_MLFLOW_S3_ENDPOINT_URL: wire.url });
    const { code, told } = await place.job(["export", source.url, "-o", "cut.tar", ...only], env);
    expect(code, told).toBe(0);
    expect(seen.filter(({ method, path }) => method === "GET" && path.includes("big.bin"))).toHaveLength(2);
  });

  it("that refuses is read through the server, which says what it cannot carry", async () => {
    wire.behave(() => ({ status: 403 }));
    const env = withClouds({ MLFERRY_SOURCE_MLFLOW_S3_ENDPOINT_URL: wire.url });
    const { code, report } = await place.job(["export", source.url, "-o", "refused.tar", ...only], env);
    expect(code).toBe(3);
    expect(report.losses.map(({ field }) => field).sort()).toEqual(["files/escaped%20space.txt", "files/hash#tag.txt"]);
  });

  it("that refuses writing is told with the bucket and what to check", async () => {
    wire.behave(() => ({ status: 403 }));
    const env = withClouds({ MLFERRY_TARGET_MLFLOW_S3_ENDPOINT_URL: wire.url });
    const { code, report } = await place.job(["copy", source.url, stored.url, ...only, "--rename-experiment", "*=refused"], env);
    expect(code).toBe(5);
    expect(report.losses[0]?.reason).toContain("s3://artifacts: 403");
  });

  it("without its bucket is told so", async () => {
    const nowhere = ["--target-artifact-root", "s3://artifacts=s3://nowhere", "--rename-experiment", "*=nowhere"];
    const { code, report } = await place.job(["copy", source.url, stored.url, ...only, ...nowhere], withClouds());
    expect(code).toBe(3);
    expect(report.losses[0]?.reason).toContain("there is no such bucket");
  });
});

describe("without the package for S3", () => {
  // As if it were not installed: its name leads nowhere.
  const hook = `import { registerHooks } from "node:module";
    registerHooks({ resolve: (name, context, next) => {
      if (!name.startsWith("@aws-sdk/")) return next(name, context);
      throw Object.assign(new Error("Cannot find package " + name), { code: "ERR_MODULE_NOT_FOUND" });
    } });`;
  const env = (): RunOptions => withClouds({ NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(hook)}` });

  it("a copy to a bucket ends before anything is written, with the line that installs it", async () => {
    const before = await stored.storedState();
    const { code, stderr } = await place.run(["copy", source.url, stored.url, "--rename-experiment", "*=x *"], env());
    expect({ code, state: await stored.storedState() }).toEqual({ code: 1, state: before });
    expect(stderr).toContain("npm install @aws-sdk/client-s3 @aws-sdk/lib-storage");
  });

  it("files are read through the server", async () => {
    const { code, report } = await place.job(["export", source.url, "-o", "unpacked.tar", "--experiments", "in s3"], env());
    expect({ code, files: report.losses.map(({ field }) => field).sort() }).toEqual({
      code: 3,
      files: ["files/escaped%20space.txt", "files/hash#tag.txt"],
    });
  });
});

describe("what is asked of the files", () => {
  const copy = (...flags: string[]): string[] => [
    "copy",
    source.url,
    stored.url,
    "--rename-experiment",
    "*=some/*",
    "--rename-model",
    "*=some *",
    ...flags,
  ];
  const small = ["--max-file-size", "1MiB", "--artifacts", "model/*", "--artifacts", "*.bin"];

  it("is moved alone, and the rest is counted", async () => {
    const { code, report, told } = await place.job(copy(...small), withClouds());
    expect(code, told).toBe(0);
    expect(report.totals.files).toBe(CLOUDS.length * (2 + 1 + 1));
    expect(report.files_left_out.map(({ files, counted }) => ({ files, counted })).sort((a, b) => b.files - a.files)).toEqual([
      { files: CLOUDS.length * (5 + 2 + 2), counted: true },
      { files: CLOUDS.length, counted: true },
    ]);
  });

  it("is not moved again, and the difference is agreed to", async () => {
    const before = await stored.storedState();
    const again = await place.job(copy(...small), withClouds());
    expect({ code: again.code, moved: again.report.totals.files, state: await stored.storedState() }).toEqual({
      code: 0,
      moved: 0,
      state: before,
    });
    const { code, report } = await place.verify(["verify", source.url, stored.url], withClouds());
    expect({ code, differ: report.findings.filter(({ agreed }) => !agreed) }).toEqual({ code: 0, differ: [] });
  });

  it("gives way to everything", async () => {
    const { code, report } = await place.job(copy(), withClouds());
    expect(code).toBe(0);
    expect(report.totals.files).toBe(CLOUDS.length * (FILES_OF_EACH - 2 - 1 - 1));
  });
});

it("files of a server are written to a folder of this machine, and read from there, by a rule alone", async () => {
  const folder = join(place.dir, "mounted");
  await mkdir(folder);
  const rule = `s3://artifacts/stored=${folder}`;
  const names = ["--experiments", "in s3", "--rename-experiment", "*=mounted"];
  const copied = await place.job(["copy", source.url, stored.url, ...names, "--target-artifact-root", rule], withClouds());
  expect(copied.code, copied.told).toBe(0);
  const exported = await place.job(
    ["export", stored.url, "-o", "mounted.tar", "--experiments", "mounted", "--artifact-root", rule],
    withClouds(),
  );
  expect(exported.code, exported.told).toBe(0);
  expect(exported.report.totals.files).toBe(copied.report.totals.files);
});
