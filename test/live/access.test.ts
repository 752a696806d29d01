// Servers that want a login, and servers behind gateways: with the right credentials all works, with others nothing is written.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listingSchema } from "../../src/report/json.ts";
import { bundleContent } from "./bundle-content.ts";
import { createWorkplace } from "./mlferry.ts";
import type { Workplace } from "./mlferry.ts";
import { startProxy } from "./proxy.ts";
import { startMlflow } from "./servers.ts";
import type { LiveServer, MlflowVersion } from "./servers.ts";
import { expectSourceUntouched, source, sourceBundle } from "./source.ts";

const MODEL = "one run twice";
/** The experiment of its runs. */
const HOME = "runs of many";
const SECRET = "s3cret-of-the-test";

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace();
});
afterAll(() => place[Symbol.asyncDispose]());

describe.each<MlflowVersion>(["3.17.2", "2.22.5"])("a server of %s with MLflow's basic-auth app", (version) => {
  const admin = { MLFLOW_TRACKING_USERNAME: "admin", MLFLOW_TRACKING_PASSWORD: SECRET };
  const reader = { MLFLOW_TRACKING_USERNAME: "reader", MLFLOW_TRACKING_PASSWORD: `${SECRET}-2` };
  let dir: string;
  let server: LiveServer;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "mlferry-auth-"));
    const config = join(dir, "auth.ini");
    const lines = ["[mlflow]", "default_permission = READ", `database_uri = sqlite:///${dir}/auth.db`, "admin_username = admin"];
    await writeFile(config, [...lines, `admin_password = ${SECRET}`, ""].join("\n"));
    const env = { MLFLOW_AUTH_CONFIG_PATH: config, MLFLOW_FLASK_SERVER_SECRET_KEY: "of the test" };
    server = await startMlflow({ name: "auth", version, dir, args: ["--app-name", "basic-auth"], env });
    await asAdmin("POST", "2.0/mlflow/users/create", { username: "reader", password: reader.MLFLOW_TRACKING_PASSWORD });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  const asAdmin = async (method: "GET" | "POST", route: string, body?: object): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${server.url}/api/${route}`, {
      method,
      headers: { "content-type": "application/json", authorization: `Basic ${btoa(`admin:${SECRET}`)}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    expect(answer.status, await answer.clone().text()).toBe(200);
    return (await answer.json()) as Record<string, unknown>;
  };

  /** Takes from the reader what everybody may do otherwise; the two versions have other routes for it. */
  const deny = async (kind: "experiment" | "registered_model", id: string): Promise<void> => {
    const username = "reader";
    if (version === "3.17.2") {
      const denial = { username, resource_type: kind, resource_id: id, permission: "DENY" };
      await asAdmin("POST", "3.0/mlflow/users/permissions/grant", denial);
      return;
    }
    const what = kind === "experiment" ? { experiment_id: id } : { name: id };
    const route = kind === "experiment" ? "experiments" : "registered-models";
    await asAdmin("POST", `2.0/mlflow/${route}/permissions/create`, { username, ...what, permission: "NO_PERMISSIONS" });
  };

  const importing = async (model: string): Promise<string[]> => ["import", await sourceBundle(), server.url, "--models", model];

  it.each([
    { who: "without credentials", env: {}, hint: "no credential was sent: set MLFLOW_TRACKING_TOKEN" },
    {
      who: "with a wrong password",
      env: { ...admin, MLFLOW_TRACKING_PASSWORD: "wrong-guess" },
      hint: "a user name and password went with the request",
    },
    { who: "with a token, which the app does not take", env: { MLFLOW_TRACKING_TOKEN: "wrong-guess" }, hint: "went with the request" },
  ])("is told by exit code 5 $who, and nothing is written", async ({ env, hint }) => {
    const before = await server.storedState();
    const { code, stdout, stderr } = await place.run(await importing(MODEL), { env });
    expect(code, stderr).toBe(5);
    expect(stderr).toMatch(/^error: server answered 401 to GET http/m);
    expect(stderr).toMatch(new RegExp(`^hint: .*${hint}`, "m"));
    expect(stdout + stderr).not.toContain("wrong-guess");
    expect(await server.storedState()).toBe(before);
  });

  it("takes what a user brings who may write", async () => {
    const { code, stderr } = await place.run([...(await importing(MODEL)), "--quiet"], { env: admin });
    expect(code, stderr).toBe(3);
    const again = await place.verify(["verify", await sourceBundle(), server.url, "--models", MODEL], { env: admin });
    expect(again.report.findings).toEqual([]);
  });

  it("keeps apart the logins of two servers", async () => {
    const env = { MLFERRY_TARGET_TRACKING_USERNAME: "admin", MLFERRY_TARGET_TRACKING_PASSWORD: SECRET };
    const { code, stderr } = await place.run(["copy", source().url, server.url, "--models", MODEL, "--quiet"], { env });
    expect(code, stderr).toBe(0);
  });

  it("fails object by object what a user may not change, and ends with exit code 5", async () => {
    const { code, report } = await place.job(await importing("many"), { env: reader });
    expect(code).toBe(5);
    const { failed, blocked } = report.totals.states;
    expect({ failed: failed === 0, blocked: blocked === 0 }).toEqual({ failed: false, blocked: false });
    const codes = new Set(report.outcomes.map((outcome) => `${outcome.state} ${outcome.code}`));
    expect(codes).toEqual(new Set(["failed NOT_AUTHORISED", "blocked NEEDS_FAILED"]));
    expect(report.outcomes.find(({ state }) => state === "failed")?.message).toMatch(
      /server answered 403 to POST .*\/runs\/create: Permission denied/,
    );
  });

  it("fails the one object whose files a user may not read, and ends with exit code 5", async () => {
    const { experiment } = (await asAdmin("GET", `2.0/mlflow/experiments/get-by-name?experiment_name=${encodeURIComponent(HOME)}`)) as {
      experiment: { experiment_id: string };
    };
    await deny("experiment", experiment.experiment_id);
    const { code, report } = await place.job(["export", server.url, "-o", `denied-${version}.tar`, "--models", MODEL], { env: reader });
    expect(report.outcomes.map((outcome) => `${outcome.state} ${outcome.key} ${outcome.code}`).sort()).toEqual(
      [1, 2].map((number) => `partial model-version:${MODEL}/${number} NOT_AUTHORISED`),
    );
    expect(code).toBe(5);
  });

  it("gives a user who may not read everything what that user may, and does not call that everything", async () => {
    const seenBy = async (env: Record<string, string>): Promise<{ models: string[]; notes: string[] }> => {
      const { stdout } = await place.run(["ls", server.url, "--json", "--quiet"], { env });
      const { models, not_carried: notCarried } = listingSchema.parse(JSON.parse(stdout));
      return { models: models.map(({ name }) => name), notes: notCarried.map(({ what }) => what) };
    };
    await asAdmin("POST", "2.0/mlflow/registered-models/create", { name: "for all" });
    const all = await seenBy(admin);
    expect([all.models.includes(MODEL), all.models.includes("for all"), all.notes]).toEqual([true, true, []]);
    await deny("registered_model", MODEL);
    const some = await seenBy(reader);
    expect(some.models).toEqual(all.models.filter((name) => name !== MODEL));
    // 2.22.5 has no way to ask whether there is more.
    expect(some.notes).toEqual(version === "2.22.5" ? [] : ["objects that this user may not see"]);
    const hidden = await place.run(["export", server.url, "-o", `hidden-${version}.tar`, "--models", MODEL], { env: reader });
    expect([hidden.code, hidden.stderr]).toEqual([2, expect.stringContaining(MODEL)]);
  });

  it("finds the password nowhere: not in a log, a journal or an output", async () => {
    const args = [...(await importing(MODEL)), "--verbose", "--log-file", join(place.dir, "run.log")];
    const { stdout, stderr } = await place.run(args, { env: admin });
    expect(await readFile(join(place.dir, "run.log"), "utf8")).toContain("ended");
    await expectNowhere(SECRET, stdout + stderr);
  });
});

describe("a server behind a gateway", () => {
  it("is read and written below a base path", async () => {
    await using server = await startMlflow({ name: "below" });
    await using there = await startProxy(source().url, { basePath: "/ml/flow" });
    await using here = await startProxy(server.url, { basePath: "/ml" });
    const direct = await place.run(["export", source().url, "-o", "direct.tar", "--models", MODEL, "--quiet"]);
    const below = await place.run(["export", `${there.url}/`, "-o", "below.tar", "--models", MODEL, "--quiet"]);
    expect([direct.code, below.code], below.stderr).toEqual([0, 0]);
    expect(await bundleContent(join(place.dir, "below.tar"))).toEqual(await bundleContent(join(place.dir, "direct.tar")));
    const imported = await place.job(["import", "below.tar", here.url]);
    expect(imported.code, imported.told).toBe(0);
    const { report } = await place.verify(["verify", "direct.tar", server.url, "--level", "bytes"]);
    expect(report.findings).toEqual([]);
    expect(report.compared.files).toBeGreaterThan(0);
  });

  it("is not taken for one without its base path, which the error asks about", async () => {
    await using proxy = await startProxy(source().url, { basePath: "/ml" });
    const { code, stderr } = await place.run(["ls", proxy.url.replace(/\/ml$/, "")]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: http:\S+ is not an MLflow server$/m);
    expect(stderr).toMatch(/^hint: .*base path/m);
  });

  it("gets the bearer token that it demands, which is found nowhere else", async () => {
    await using proxy = await startProxy(source().url);
    proxy.behave(({ authorization }) => (authorization === `Bearer ${SECRET}` ? "pass" : { status: 401 }));
    const args = ["export", proxy.url, "-o", "token.tar", "--models", MODEL, "--verbose", "--log-file", join(place.dir, "token.log")];
    expect(await place.run(args)).toMatchObject({ code: 5 });
    const { code, stdout, stderr } = await place.run(args, { env: { MLFLOW_TRACKING_TOKEN: SECRET } });
    expect(code, stderr).toBe(0);
    await expectNowhere(SECRET, stdout + stderr);
  });

  it("has not written anything to the source", expectSourceUntouched);
});

/** Looks through everything that the program left in its folder: journals, logs and bundles. */
async function expectNowhere(secret: string, output: string): Promise<void> {
  expect(output).not.toContain(secret);
  const entries = await readdir(place.dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  expect(files.length).toBeGreaterThan(1);
  for (const file of files) expect((await readFile(file)).includes(secret), file).toBe(false);
}
