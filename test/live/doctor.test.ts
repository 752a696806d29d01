// mlferry doctor on real servers: what it says is what the server does, and what it wrote to see that it can is gone.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { doctorSchema } from "../../src/report/checklist.ts";
import type { DoctorJson } from "../../src/report/checklist.ts";
import { createWorkplace } from "./mlferry.ts";
import type { Workplace } from "./mlferry.ts";
import { startMlflow } from "./servers.ts";
import type { LiveServer } from "./servers.ts";
import { expectSourceUntouched, source, sourceBundle } from "./source.ts";

const PASSWORD = "s3cret-of-the-test";

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace();
});
afterAll(() => place[Symbol.asyncDispose]());

async function doctor(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number | null; report: DoctorJson; told: string }> {
  const { code, stdout, stderr } = await place.run(["doctor", ...args, "--json", "--quiet"], { env });
  return { code, report: doctorSchema.parse(JSON.parse(stdout)), told: stdout + stderr };
}

/** `name state` of every check of a place, by what its title begins with. */
function states(report: DoctorJson, title: string): string[] {
  const found = report.places.find(({ place: name }) => name.startsWith(title));
  return (found?.checks ?? []).map(({ name, state }) => `${name} ${state}`);
}

describe("the filled server", () => {
  it("is found to be whole and readable, its lost bucket apart, and nothing is written", async () => {
    const { code, report, told } = await doctor([source().url]);
    expect(code, told).toBe(0);
    expect(states(report, "source")).toEqual(
      expect.arrayContaining([
        "server ok",
        "login ok",
        "clock ok",
        "features ok",
        "files ok",
        "experiments ok",
        "registry ok",
        "visibility ok",
      ]),
    );
    expect(states(report, "source")).toContain("store of files ok");
    expect(states(report, "source")).toContain("files of versions ok");
    await expectSourceUntouched();
  });

  it("shows as much as its own listing expects", async () => {
    const listed = await place.run(["ls", source().url, "--json", "--quiet"]);
    await writeFile(join(place.dir, "all.json"), listed.stdout);
    const { code, report, told } = await doctor([source().url, "--expect", join(place.dir, "all.json")]);
    expect(code, told).toBe(0);
    expect(report.comparison?.unseen).toEqual([]);
    expect(report.comparison?.expected).toBeGreaterThan(10);
  });
});

describe("a server with MLflow's basic-auth app", () => {
  const admin = { MLFLOW_TRACKING_USERNAME: "admin", MLFLOW_TRACKING_PASSWORD: PASSWORD };
  const reader = { MLFLOW_TRACKING_USERNAME: "reader", MLFLOW_TRACKING_PASSWORD: `${PASSWORD}-2` };
  let dir: string;
  let server: LiveServer;

  const ask = async (route: string, body: object): Promise<void> => {
    const headers = { "content-type": "application/json", authorization: `Basic ${btoa(`admin:${PASSWORD}`)}` };
    const answer = await fetch(`${server.url}${route}`, { method: "POST", headers, body: JSON.stringify(body) });
    expect(answer.status, await answer.text()).toBe(200);
  };

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "mlferry-doctor-"));
    const config = join(dir, "auth.ini");
    const lines = ["[mlflow]", "default_permission = NO_PERMISSIONS", `database_uri = sqlite:///${dir}/auth.db`, "admin_username = admin"];
    await writeFile(config, [...lines, `admin_password = ${PASSWORD}`, ""].join("\n"));
    const env = { MLFLOW_AUTH_CONFIG_PATH: config, MLFLOW_FLASK_SERVER_SECRET_KEY: "of the test" };
    server = await startMlflow({ name: "doctor", dir, args: ["--app-name", "basic-auth", "--workers", "1"], env });
    await ask("/api/2.0/mlflow/users/create", { username: "reader", password: reader.MLFLOW_TRACKING_PASSWORD });
    await ask("/api/2.0/mlflow/registered-models/create", { name: "hidden" });
    await ask("/api/2.0/mlflow/registered-models/create", { name: "shown" });
    const grant = { username: "reader", resource_type: "registered_model", resource_id: "shown", permission: "READ" };
    await ask("/api/3.0/mlflow/users/permissions/grant", grant);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  it("is told who signs in, and that an administrator sees everything", async () => {
    const { code, report, told } = await doctor([server.url], admin);
    expect(code, told).toBe(0);
    expect(told).toContain("signed in as admin, an administrator");
    expect(states(report, "source")).toContain("visibility ok");
  });

  it("tells a login that sees only a part what it does not see, with exit code 4", async () => {
    const listed = await place.run(["ls", server.url, "--json", "--quiet"], { env: admin });
    await writeFile(join(place.dir, "admin.json"), listed.stdout);
    const { code, report, told } = await doctor([server.url, "--expect", join(place.dir, "admin.json")], reader);
    expect(code, told).toBe(4);
    expect(told).toContain("signed in as reader, no administrator");
    expect(told).toContain("visible to reader: 1 model, 0 versions");
    expect(states(report, "source")).toEqual(expect.arrayContaining(["visibility warn", "identity warn"]));
    expect(report.comparison?.unseen).toContainEqual({ kind: "registered-model", name: "hidden", expected: 0 });
    expect(report.comparison?.unseen.map(({ name }) => name)).not.toContain("shown");
  });

  it("says with exit code 5 that a password is wrong, and looks no further", async () => {
    const { code, report, told } = await doctor([server.url], { ...reader, MLFLOW_TRACKING_PASSWORD: "wrong-guess" });
    expect(code, told).toBe(5);
    expect(states(report, "source")).toEqual(["server fail"]);
    expect(told).not.toContain("wrong-guess");
  });

  it("leaves nothing active behind after it tried to write", async () => {
    const { code, report, told } = await doctor([await sourceBundle(), server.url, "--write-test"], admin);
    expect(code, told).toBe(0);
    expect(states(report, "target")).toEqual(expect.arrayContaining(["writing ok", "removal ok"]));
    const listed = await place.run(["ls", server.url, "--json", "--quiet"], { env: admin });
    expect(listed.stdout).not.toContain("mlferry-doctor");
    const deleted = await place.run(["ls", server.url, "--json", "--quiet", "--include-deleted"], { env: admin });
    expect(deleted.stdout).toContain("mlferry-doctor");
  });
});
