// Logins of named registries against real servers: two in one command, over TLS, and what becomes of a job whose login ends in mid-run.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { listingSchema } from "../../src/report/json.ts";
import { makeCertificates } from "./certificates.ts";
import { createWorkplace } from "./mlferry.ts";
import type { Workplace } from "./mlferry.ts";
import { startProxy } from "./proxy.ts";
import type { Proxy } from "./proxy.ts";
import { startMlflow } from "./servers.ts";
import type { LiveServer } from "./servers.ts";
import { expectSourceUntouched, source } from "./source.ts";

const MODEL = "one run twice";
const ADMIN = { username: "admin", password: "adm1n-of-the-test" };
const MOVER = { username: "mover", password: "m0ver-of-the-test" };
const NEW_PASSWORD = "m0ver-has-another-one";
const TOKENS = ["t0ken-of-the-test-1", "t0ken-of-the-test-2"] as const;
const AMBIENT = "t0ken-meant-for-another";

let dir: string;
let place: Workplace;
/** Wants a password. */
let server: LiveServer;
/** Before it, over TLS. */
let secure: Proxy;
/** Before the filled source; wants the token that `token.txt` held when it was asked to. */
let gateway: Proxy;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mlferry-credentials-"));
  place = await createWorkplace();
  const config = join(dir, "auth.ini");
  const lines = ["[mlflow]", "default_permission = READ", `database_uri = sqlite:///${dir}/auth.db`];
  await writeFile(config, [...lines, `admin_username = ${ADMIN.username}`, `admin_password = ${ADMIN.password}`, ""].join("\n"));
  const env = { MLFLOW_AUTH_CONFIG_PATH: config, MLFLOW_FLASK_SERVER_SECRET_KEY: "of the test" };
  server = await startMlflow({ name: "credentials", dir, args: ["--app-name", "basic-auth"], env });
  await asAdmin("POST", "create", MOVER);
  const { caFile, ...tls } = await makeCertificates(dir);
  secure = await startProxy(server.url, { tls });
  gateway = await startProxy(source().url);
  const registries = [
    "registries:",
    `  dev: { uri: "${gateway.url}", token_command: [cat, token.txt] }`,
    `  prod: { uri: "${secure.url}", username: mover, password_env: MOVER_PASSWORD, ca_file: "${caFile}" }`,
  ];
  await writeFile(join(place.dir, "mlferry.yaml"), registries.join("\n"));
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await secure[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

const env = { MOVER_PASSWORD: MOVER.password, MLFLOW_TRACKING_TOKEN: AMBIENT };

it("two registries get each their own login, one over TLS of a private authority, and neither gets the environment's", async () => {
  const seen = await expectToken(TOKENS[0]);
  const copied = await place.job(["copy", "dev", "prod", "--models", MODEL], { env });
  expect(copied.code, copied.told).toBe(0);
  expect([copied.report.source, copied.report.target]).toEqual([gateway.url, secure.url]);
  const compared = await place.verify(["verify", "dev", "prod", "--models", MODEL, "--level", "bytes"], { env });
  expect(compared.report.findings).toEqual([]);
  expect([...seen]).toEqual([`Bearer ${TOKENS[0]}`]);
});

it("a certificate of a private authority is refused by name, and taken when Node is told of the authority", async () => {
  const login = { MLFLOW_TRACKING_USERNAME: MOVER.username, MLFLOW_TRACKING_PASSWORD: MOVER.password };
  const refused = await place.run(["ls", secure.url], { env: login });
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/TLS failed \(\w+\)\nhint: .*ca_file.*NODE_EXTRA_CA_CERTS/)]);
  for (const variable of ["NODE_EXTRA_CA_CERTS", "MLFLOW_TRACKING_SERVER_CERT_PATH"]) {
    const taken = await place.run(["ls", secure.url], { env: { ...login, [variable]: join(dir, "ca.pem") } });
    expect(taken.code, taken.stderr).toBe(0);
  }
});

it("a token that ends in mid-run is replaced by the command's next one, and nobody notices", async () => {
  await expectToken(TOKENS[0]);
  const whole = await place.job(["export", "dev", "-o", "whole.tar", "--models", MODEL], { env });
  const seen = await expectToken(TOKENS[0], { until: 9, then: TOKENS[1] });
  const args = ["export", "dev", "-o", "renewed.tar", "--models", MODEL, "--verbose", "--log-file", "renewed.log"];
  const renewed = await place.run(args, { env });
  expect(renewed.code, renewed.stderr).toBe(whole.code);
  expect([...seen]).toEqual(TOKENS.map((token) => `Bearer ${token}`));
  expect(renewed.stderr).not.toMatch(/401|token/i);
  await expectNowhere([...TOKENS, AMBIENT, MOVER.password], renewed.stdout + renewed.stderr);
});

it("a password that is changed in mid-run ends the job with exit code 5, and the same command with the new one continues", async () => {
  await expectToken(TOKENS[1]);
  // Few objects: the server hashes the password anew for each request, which is most of its work.
  const selection = ["plain", "with space", "dots.in.name"].flatMap((name) => ["--experiments", name]);
  const args = ["copy", "dev", "prod", ...selection];
  let created = 0;
  secure.behave(async ({ method, path }) => {
    if (method === "POST" && path.endsWith("/runs/create") && ++created === 2) {
      await asAdmin("PATCH", "update-password", { ...MOVER, password: NEW_PASSWORD });
    }
    return "pass" as const;
  });
  const cut = await place.run(args, { env });
  expect(cut.code, cut.stderr).toBe(5);
  expect(cut.stderr).toMatch(/^stopped: \d+ objects? at the target/m);
  expect(cut.stderr).toMatch(/^error: server answered 401 to /m);
  expect(cut.stderr).toMatch(/^hint: .*renew it in MOVER_PASSWORD, the password_env of registry prod; the same command then continues$/m);
  secure.behave(() => "pass");
  const fresh = { env: { ...env, MOVER_PASSWORD: NEW_PASSWORD } };
  const continued = await place.job(args, fresh);
  expect(continued.code, continued.told).toBe(0);
  expect(continued.report.totals.states.skipped).toBeGreaterThan(0);
  const compared = await place.verify(["verify", ...args.slice(1)], fresh);
  expect(compared.report.findings).toEqual([]);
  const listed = await place.run(["ls", "prod", ...selection, "--json"], fresh);
  expect(listingSchema.parse(JSON.parse(listed.stdout)).counts).toMatchObject({ experiment: 3, run: 3 });
});

it("a token command that fails ends the job with its own words", async () => {
  await rm(join(place.dir, "token.txt"));
  const { code, stderr } = await place.run(["ls", "dev"], { env });
  expect(code).toBe(5);
  expect(stderr).toMatch(/^error: the token_command of registry dev gave no token: it ended with exit code 1: cat: .*token\.txt/m);
  expect(stderr).toMatch(/^hint: run it by hand to see what it wants: cat token\.txt$/m);
});

it("has not written anything to the source", expectSourceUntouched);

/** Has the gateway want this token, and another one from a request on; the file that the token command prints changes with it. */
async function expectToken(first: string, change?: { readonly until: number; readonly then: string }): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  let wanted = first;
  const file = join(place.dir, "token.txt");
  await writeFile(file, `${first}\n`);
  gateway.behave(async ({ number, authorization = "none" }) => {
    if (change !== undefined && number === change.until) {
      wanted = change.then;
      await writeFile(file, `${wanted}\n`);
    }
    seen.add(authorization);
    return authorization === `Bearer ${wanted}` ? "pass" : { status: 401 };
  });
  return seen;
}

async function asAdmin(method: string, route: string, body: { username: string; password: string }): Promise<void> {
  const answer = await fetch(`${server.url}/api/2.0/mlflow/users/${route}`, {
    method,
    headers: { "content-type": "application/json", authorization: `Basic ${btoa(`${ADMIN.username}:${ADMIN.password}`)}` },
    body: JSON.stringify(body),
  });
  expect(answer.ok, await answer.text()).toBe(true);
}

/** Looks through everything that the program left in its folder but the token's own file. */
async function expectNowhere(secrets: readonly string[], output: string): Promise<void> {
  const entries = await readdir(place.dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name !== "token.txt").map((entry) => join(entry.parentPath, entry.name));
  const texts = [output, ...(await Promise.all(files.map((file) => readFile(file, "latin1"))))];
  expect(files.some((file) => file.endsWith("renewed.log"))).toBe(true);
  for (const secret of secrets) expect(texts.filter((text) => text.includes(secret))).toEqual([]);
}
