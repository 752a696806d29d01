// The fake Databricks workspace held against the clients that real ones serve: MLflow's own, of two versions, and the Databricks SDK.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Rules } from "../fakes/databricks/rules.ts";
import { startFakeDatabricks } from "../fakes/databricks/server.ts";
import type { FakeDatabricks } from "../fakes/databricks/server.ts";
import { runPython } from "./leash.ts";
import { createWorkplace } from "./mlferry.ts";
import type { MlflowVersion } from "./python-env.ts";

const ADMIN = "admin@example.com";
const PRINCIPAL = { clientId: "principal", clientSecret: "of-the-test", user: "robot@example.com" };

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "mlferry-home-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

async function startWorkspace(rules: Partial<Rules>): Promise<FakeDatabricks> {
  const tokens = { secret: ADMIN, others: "other@example.com" };
  return startFakeDatabricks({ rules, schemas: ["main.ml"], tokens, servicePrincipals: [PRINCIPAL] });
}

/** Runs a script as a user of the workspace, whose home holds no other login. */
function asUser(
  fake: FakeDatabricks,
  script: string,
  options: { version?: MlflowVersion; login?: Record<string, string> } = {},
): Promise<unknown> {
  const { login = { DATABRICKS_TOKEN: "secret" }, version } = options;
  const env = { HOME: home, DATABRICKS_HOST: fake.url, ...login };
  return runPython(join("databricks", script), [], { env, ...(version === undefined ? {} : { version }) });
}

const PREDICTED = [[2], [4]];
/** In the words of the script models.py. */
const MODELS = {
  run: { params: { depth: "3" }, team: "a", history: ["1.5", "nan", "2.5"], note: "hello", found: 1 },
  workspace: { version: "1", stage: "Production", tags: { "reviewed.by": "b" }, predicts: PREDICTED },
  catalog: {
    version: "1",
    status: "READY",
    tags: { source_stage: "Production" },
    predicts: PREDICTED,
    two_levels: expect.stringContaining("three levels") as unknown,
    refused: ["RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS", "INVALID_PARAMETER_VALUE", "INVALID_PARAMETER_VALUE"],
  },
};

const CASES: readonly { readonly what: string; readonly version: MlflowVersion; readonly rules: Partial<Rules> }[] = [
  { what: "through the Files API", version: "3.17.2", rules: { checksSignatures: true } },
  { what: "with URLs of Unity Catalog's default storage", version: "3.17.2", rules: { modelsFilesApi: false, pendingReads: 2 } },
  { what: "with signed URLs of S3", version: "3.17.2", rules: { runsFilesApi: false } },
  { what: "with signed URLs of Azure's blobs", version: "3.17.2", rules: { runsFilesApi: false, signedUrls: "AZURE_SAS_URI" } },
  {
    what: "with signed URLs of Azure's data lake",
    version: "2.22.5",
    rules: { runsFilesApi: false, signedUrls: "AZURE_ADLS_GEN2_SAS_URI" },
  },
  { what: "with signed URLs of Google", version: "2.22.5", rules: { signedUrls: "GCP_SIGNED_URL", modelsFilesApi: false } },
];

it.each(CASES)("MLflow $version registers and loads models $what", async ({ version, rules }) => {
  await using fake = await startWorkspace(rules);
  expect(await asUser(fake, "models.py", { version })).toEqual(MODELS);
});

it("what MLflow's client says of a version's logged model and dependencies is there, and goes along to another workspace", async () => {
  await using fake = await startWorkspace({});
  await using other = await startFakeDatabricks({ schemas: ["main.ml"], tokens: { secret: ADMIN }, workspaceId: "222" });
  await using place = await createWorkplace();
  await asUser(fake, "models.py");
  await writeFile(
    join(place.dir, ".databrickscfg"),
    `[old]\nhost = ${fake.url}\ntoken = secret\n\n[new]\nhost = ${other.url}\ntoken = secret\n`,
  );
  const copied = await place.run(["copy", "databricks-uc://old", "databricks-uc://new", "--quiet", "--on-loss", "drop"]);
  expect(copied.code, copied.stderr).toBe(0);
  for (const { state } of [fake, other]) {
    expect(state.catalog.get("main.ml.churn")?.versions.get(1)?.extra).toMatchObject({
      model_id: [...state.loggedModels.keys()][0],
      model_version_dependencies: [{ type: "DATABRICKS_TABLE", name: "main.ml.customers" }],
    });
  }
  const env = { HOME: place.dir, DATABRICKS_HOST: other.url, DATABRICKS_TOKEN: "secret" };
  const found = await runPython(join("databricks", "read_catalog.py"), ["--schema", "main.ml", "--predict", "main.ml.churn/1"], { env });
  expect(found).toMatchObject({
    models: { "main.ml.churn": { aliases: { champion: "1" }, versions: { 1: { run: true, logged_model: "model" } } } },
    predictions: { "main.ml.churn/1": 2 },
  });
  const verified = await place.run(["verify", "databricks-uc://old", "databricks-uc://new", "--level", "bytes"]);
  expect(verified.code, `${verified.stdout}${verified.stderr}`).toBe(0);
});

it("the SDK finds stages, comments, requests, webhooks, permissions and grants as it knows them", async () => {
  await using fake = await startWorkspace({ emptyPages: true });
  expect(await asUser(fake, "administration.py")).toEqual({
    me: ADMIN,
    workspace: Number(fake.state.workspaceId),
    stage: "Staging",
    requests: [["Production", ADMIN, "please"]],
    left: 0,
    webhook: [{ url: "https://hooks.example.com/a", enable_ssl_verification: true }, true],
    direct: [
      [ADMIN, "CAN_MANAGE"],
      ["other@example.com", "CAN_EDIT"],
    ],
    files: ["/model"],
    models: ["fraud"],
    refused: "INVALID_PARAMETER_VALUE",
    grants: {
      owners: [ADMIN, ADMIN],
      direct: [["team", ["CREATE_MODEL"]]],
      effective: [
        ["CREATE_MODEL", null],
        ["USE_CATALOG", "main"],
      ],
      unknown: "RESOURCE_DOES_NOT_EXIST",
    },
  });
});

it("the SDK and MLflow's client read and write paths of DBFS and notebooks as they know them", async () => {
  await using fake = await startWorkspace({ notebookRevisions: "told apart" });
  expect(await asUser(fake, "paths.py")).toEqual({
    dbfs: {
      listed: [
        ["/mnt/a b/big", false, 2 * 1024 * 1024],
        ["/mnt/a b/small", false, 2],
      ],
      whole: true,
      folder: true,
      itself: ["/mnt/a b/small"],
      refused: [
        "MAX_READ_SIZE_EXCEEDED",
        "RESOURCE_ALREADY_EXISTS",
        "RESOURCE_ALREADY_EXISTS",
        "RESOURCE_DOES_NOT_EXIST",
        "RESOURCE_DOES_NOT_EXIST",
        "PERMISSION_DENIED",
      ],
      left: ["/mnt/a b/small"],
    },
    mlflow: { back: "noted", listed: [["notes/note.txt", false, 5]] },
    notebooks: {
      forms: { SOURCE: ["py", true], HTML: ["html", true], JUPYTER: ["ipynb", true] },
      raw: "print(1)",
      refused: ["RESOURCE_ALREADY_EXISTS", "RESOURCE_DOES_NOT_EXIST", "MAX_NOTEBOOK_SIZE_EXCEEDED", "RESOURCE_DOES_NOT_EXIST"],
    },
  });
});

it("a service principal logs in with OAuth, and a wrong secret is refused", async () => {
  await using fake = await startWorkspace({});
  fake.state.grants.set("catalog/main", new Map([[PRINCIPAL.user, new Set(["MANAGE"])]]));
  const login = { DATABRICKS_CLIENT_ID: PRINCIPAL.clientId, DATABRICKS_CLIENT_SECRET: PRINCIPAL.clientSecret };
  expect(await asUser(fake, "administration.py", { login })).toMatchObject({ me: PRINCIPAL.user });
  const wrong = { ...login, DATABRICKS_CLIENT_SECRET: "a guess" };
  await expect(asUser(fake, "administration.py", { login: wrong })).rejects.toThrow(/invalid_client|Client authentication failed/);
});
