// Versions of Unity Catalog in a customer's own store: with the credentials that the workspace lends, and no others.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Rules } from "../fakes/databricks/rules.ts";
import { startFakeDatabricks } from "../fakes/databricks/server.ts";
import type { FakeDatabricks } from "../fakes/databricks/server.ts";
import { startFakeUnityCatalog } from "../fakes/unity-catalog-oss/server.ts";
import { BUCKET, lentSas, startClouds } from "./emulators.ts";
import type { Clouds } from "./emulators.ts";
import { runPython } from "./leash.ts";
import { createWorkplace } from "./mlferry.ts";
import type { Workplace } from "./mlferry.ts";
import { startProxy } from "./proxy.ts";
import type { Proxy, Seen } from "./proxy.ts";

const MODEL = "main.ml.churn";

let clouds: Clouds;
let place: Workplace;
/** Before each cloud: what comes by is noted. */
let wires: Readonly<Record<Cloud, Proxy>>;
/** A workspace in whose catalog MLflow's client has registered a version that predicts. */
let old: FakeDatabricks;

type Cloud = "s3" | "azure" | "gs";

beforeAll(async () => {
  [clouds, place, old] = await Promise.all([
    startClouds(),
    createWorkplace(),
    startFakeDatabricks({ tokens: { secret: "admin@example.com" }, workspaceId: "111", schemas: ["main.ml"] }),
  ]);
  const [s3, azure, gs] = await Promise.all([clouds.s3, clouds.azure, clouds.gs].map((url) => startProxy(url)));
  if (s3 === undefined || azure === undefined || gs === undefined) throw new Error("no proxies");
  wires = { s3, azure, gs };
  await writeProfiles({ old });
  await runPython(join("databricks", "models.py"), [], { env: login(old) });
});

afterAll(async () => {
  await Promise.all([...Object.values(wires), place, old].map((one) => one[Symbol.asyncDispose]()));
  await clouds[Symbol.asyncDispose]();
});

/** How the stores are reached, and logins of the user's own that would be refused everywhere. */
function environment(): Record<string, string> {
  return {
    HOME: place.dir,
    MLFLOW_S3_ENDPOINT_URL: wires.s3.url,
    AWS_ACCESS_KEY_ID: "ambient",
    AWS_SECRET_ACCESS_KEY: "ambient",
    AWS_DEFAULT_REGION: "us-east-1",
    AZURE_STORAGE_CONNECTION_STRING: `AccountName=ambient;AccountKey=ambient;BlobEndpoint=${wires.azure.url}/devstoreaccount1;`,
    STORAGE_EMULATOR_HOST: wires.gs.url,
  };
}

function login({ url }: FakeDatabricks): Record<string, string> {
  return { HOME: place.dir, DATABRICKS_HOST: url, DATABRICKS_TOKEN: "secret" };
}

function lent(seconds: number, given: object): () => Record<string, unknown> {
  return () => ({ ...given, expiration_time: Date.now() + seconds * 1000 });
}

const S3_KEYS = { aws_temp_credentials: { access_key_id: "LENTKEY", secret_access_key: "lent-secret", session_token: "lent-session" } };
const KMS = {
  encryption_details: { sse_encryption_details: { algorithm: "AWS_SSE_KMS", aws_kms_key_arn: "arn:aws:kms:us-east-1:1:key/a" } },
};

/** What each cloud's store is called, what is lent for it, and whether a request came with that. */
const CLOUDS: readonly (readonly [Cloud, () => Rules["customerStorage"], (seen: Seen) => boolean])[] = [
  [
    "s3",
    () => ({ root: `s3://${BUCKET}/uc`, credentials: lent(3600, { ...S3_KEYS, ...KMS }) }),
    ({ authorization, headers, method }) =>
      authorization?.includes("Credential=LENTKEY/") === true &&
      headers["x-amz-security-token"] === "lent-session" &&
      (method !== "PUT" || headers["x-amz-server-side-encryption-aws-kms-key-id"] === "arn:aws:kms:us-east-1:1:key/a"),
  ],
  [
    "azure",
    () => ({
      root: `abfss://${BUCKET}@devstoreaccount1.dfs.core.windows.net/uc`,
      credentials: lent(3600, { azure_user_delegation_sas: { sas_token: lentSas() } }),
    }),
    ({ path, authorization }) => path.includes("sig=") && authorization === undefined,
  ],
  [
    "gs",
    () => ({ root: `gs://${BUCKET}/uc`, credentials: lent(3600, { gcp_oauth_token: { oauth_token: "lent-token" } }) }),
    ({ authorization }) => authorization === "Bearer lent-token",
  ],
];

async function startNew(storage: Rules["customerStorage"]): Promise<FakeDatabricks> {
  const rules = { modelsFilesApi: false, customerStorage: storage };
  const fake = await startFakeDatabricks({ tokens: { secret: "admin@example.com" }, workspaceId: "222", schemas: ["main.ml"], rules });
  await writeProfiles({ old, new: fake });
  return fake;
}

async function writeProfiles(workspaces: Readonly<Record<string, FakeDatabricks>>): Promise<void> {
  const profiles = Object.entries(workspaces).map(([name, { url }]) => `[${name}]\nhost = ${url}\ntoken = secret\n`);
  await writeFile(join(place.dir, ".databrickscfg"), profiles.join("\n"));
}

function record(wire: Proxy): Seen[] {
  const seen: Seen[] = [];
  wire.behave((one) => {
    seen.push(one);
    return "pass";
  });
  return seen;
}

const COPYING = ["copy", "databricks-uc://old", "databricks-uc://new", "--quiet"];

it.each(CLOUDS)("into a store of the customer in %s and out of it", async (cloud, storage, isLent) => {
  await using fake = await startNew(storage());
  const seen = record(wires[cloud]);
  const copied = await place.run(COPYING, { env: environment() });
  expect(copied.code, copied.stderr).toBe(0);
  expect([...fake.state.files.keys()].filter((path) => path.startsWith("/Models/"))).toEqual([]);
  const verified = await place.run(["verify", "databricks-uc://old", "databricks-uc://new", "--level", "bytes"], { env: environment() });
  expect(verified.code, `${verified.stdout}${verified.stderr}`).toBe(0);
  expect(seen.length).toBeGreaterThan(8);
  expect(seen.filter((one) => !isLent(one)).map(({ method, path }) => `${method} ${path}`)).toEqual([]);
  const bundle = `${cloud}.tar`;
  const exported = await place.run(["export", "databricks-uc://new", "-o", bundle, "--quiet"], { env: environment() });
  expect(exported.code, exported.stderr).toBe(0);
  expect((await place.run(["verify", bundle])).code).toBe(0);
  const before = seen.length;
  expect((await place.run(COPYING, { env: environment() })).code).toBe(0);
  expect(seen.slice(before).filter(({ method }) => method === "PUT" || method === "POST")).toEqual([]);
});

it("MLflow's client loads what lies there, and what it registers there is read", async () => {
  await using fake = await startNew({ root: `s3://${BUCKET}/client`, credentials: lent(3600, S3_KEYS) });
  const copied = await place.run(COPYING, { env: environment() });
  expect(copied.code, copied.stderr).toBe(0);
  const env = { ...login(fake), MLFLOW_S3_ENDPOINT_URL: clouds.s3, AWS_DEFAULT_REGION: "us-east-1" };
  const found = await runPython(join("databricks", "read_catalog.py"), ["--schema", "main.ml", "--predict", `${MODEL}/1`], { env });
  expect(found).toMatchObject({ predictions: { [`${MODEL}/1`]: 2 } });

  await using theirs = await startNew({ root: `s3://${BUCKET}/theirs`, credentials: lent(3600, S3_KEYS) });
  await runPython(join("databricks", "models.py"), [], { env: { ...env, ...login(theirs) } });
  const exported = await place.run(["export", "databricks-uc://new", "-o", "theirs.tar", "--quiet"], { env: environment() });
  expect(exported.code, exported.stderr).toBe(0);
  const listed = await place.run(["show", "theirs.tar", `models:/${MODEL}/1`, "--files"]);
  expect(listed.stdout).toContain("python_model.pkl");
});

it("an open-source catalog lends for its buckets too, and where it lends none the user's own are used", async () => {
  const seen = record(wires.s3);
  for (const [folder, credentials, key] of [
    ["oss", { ...S3_KEYS, expiration_time: Date.now() + 3_600_000 }, "LENTKEY"],
    ["own", undefined, "ambient"],
  ] as const) {
    const storage = { root: `s3://${BUCKET}/${folder}`, ...(credentials === undefined ? {} : { credentials }) };
    await using fake = await startFakeUnityCatalog({ storage, schemas: ["main.ml"] });
    const from = seen.length;
    const copied = await place.run(["copy", "databricks-uc://old", `uc:${fake.url}`, "--quiet", "--on-loss", "drop"], {
      env: environment(),
    });
    expect(copied.code, copied.stderr).toBe(0);
    const verified = await place.run(["verify", "databricks-uc://old", `uc:${fake.url}`, "--level", "bytes"], { env: environment() });
    expect(verified.code, `${verified.stdout}${verified.stderr}`).toBe(0);
    expect(new Set(seen.slice(from).map(({ authorization }) => /Credential=(\w+)/.exec(authorization ?? "")?.[1]))).toEqual(new Set([key]));
  }
});

it("credentials that end are asked for again", async () => {
  await using fake = await startNew({ root: `s3://${BUCKET}/short`, credentials: lent(0.05, S3_KEYS) });
  const copied = await place.run(COPYING, { env: environment() });
  expect(copied.code, copied.stderr).toBe(0);
  const asked = fake.requests.filter((route) => route.endsWith("generate-temporary-credentials")).length;
  expect(asked).toBeGreaterThan(2);
});
