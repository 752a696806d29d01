// Object stores for the live suite: moto speaks S3, Azurite speaks Azure's blobs, fake-gcs-server speaks Google's. The suite installs
// them (moto with the Python, the others from npm and as a Go module), and they end with it.
import { execFile, spawn } from "node:child_process";
import { access, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  BlobServiceClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  SASProtocol,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import { exitCode } from "./leash.ts";
import { ensurePython, PYTHON_DIR } from "./python-env.ts";
import { freePort } from "./servers.ts";

const run = promisify(execFile);
const CACHE_DIR = fileURLToPath(new URL("../../.live/", import.meta.url));
const AZURITE = "3.35.0";
const FAKE_GCS = "v1.56.1";
const START_TIMEOUT_MS = 60_000;
const INSTALL_TIMEOUT_MS = 600_000;

/** Bucket and container of every emulator. */
export const BUCKET = "artifacts";
/** Azurite knows this account and key (https://github.com/Azure/Azurite, "Storage Accounts"). */
const ACCOUNT = "devstoreaccount1";
const ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

export interface Clouds extends AsyncDisposable {
  /** By cloud: the URI of the bucket. */
  readonly roots: Readonly<Record<"s3" | "gs" | "azure", string>>;
  /** Where each answers. */
  readonly s3: string;
  readonly azure: string;
  readonly gs: string;
  /** What MLflow, its client and mlferry need in their environment to reach them. */
  readonly env: Readonly<Record<string, string>>;
}

/** Starts all three, each with an empty bucket. */
export async function startClouds(): Promise<Clouds> {
  const [s3, azure, gs] = await Promise.all([startS3(), startAzure(), startGcs()]);
  const all = [s3, azure, gs];
  return {
    roots: { s3: `s3://${BUCKET}`, gs: `gs://${BUCKET}`, azure: `wasbs://${BUCKET}@${ACCOUNT}.blob.core.windows.net` },
    s3: s3.url,
    azure: azure.url,
    gs: gs.url,
    env: {
      MLFLOW_S3_ENDPOINT_URL: s3.url,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test-secret",
      AWS_DEFAULT_REGION: "us-east-1",
      AZURE_STORAGE_CONNECTION_STRING: connectionString(azure.url),
      STORAGE_EMULATOR_HOST: gs.url,
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((one) => one.end()));
    },
  };
}

/** A signature for the container that ends after an hour, as a catalog lends one. */
export function lentSas(): string {
  const permissions = ContainerSASPermissions.parse("racwdl");
  const key = new StorageSharedKeyCredential(ACCOUNT, ACCOUNT_KEY);
  const expiresOn = new Date(Date.now() + 3_600_000);
  return generateBlobSASQueryParameters(
    { containerName: BUCKET, permissions, expiresOn, protocol: SASProtocol.HttpsAndHttp },
    key,
  ).toString();
}

interface Started {
  readonly url: string;
  end(): Promise<void>;
}

async function startS3(): Promise<Started> {
  const python = await ensurePython();
  const port = await freePort();
  const started = await start([python, "-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)], port);
  await expectOk(fetch(`${started.url}/${BUCKET}`, { method: "PUT" }));
  return started;
}

async function startAzure(): Promise<Started> {
  const home = join(CACHE_DIR, `azurite-${AZURITE}`);
  const install = (folder: string): Promise<unknown> =>
    run("npm", ["install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", `azurite@${AZURITE}`], {
      timeout: INSTALL_TIMEOUT_MS,
    });
  await installed(home, install);
  const port = await freePort();
  const program = join(home, "node_modules", "azurite", "dist", "src", "blob", "main.js");
  const flags = ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"];
  const started = await start([process.execPath, program, "--blobPort", String(port), ...flags], port);
  await BlobServiceClient.fromConnectionString(connectionString(started.url)).getContainerClient(BUCKET).create();
  return started;
}

function connectionString(url: string): string {
  return `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${ACCOUNT_KEY};BlobEndpoint=${url}/${ACCOUNT};`;
}

async function startGcs(): Promise<Started> {
  const home = join(CACHE_DIR, `fake-gcs-server-${FAKE_GCS}`);
  await installed(home, async (folder) => {
    const env = { ...process.env, GOBIN: folder };
    await run("go", ["install", `github.com/fsouza/fake-gcs-server@${FAKE_GCS}`], { env, timeout: INSTALL_TIMEOUT_MS });
  });
  const port = await freePort();
  const at = `127.0.0.1:${port}`;
  const flags = ["-scheme", "http", "-host", "127.0.0.1", "-port", String(port), "-backend", "memory", "-log-level", "error"];
  const addresses = ["-public-host", at, "-external-url", `http://${at}`];
  const started = await start([join(home, "fake-gcs-server"), ...flags, ...addresses], port);
  const headers = { "content-type": "application/json" };
  await expectOk(fetch(`${started.url}/storage/v1/b?project=p`, { method: "POST", headers, body: JSON.stringify({ name: BUCKET }) }));
  return started;
}

/** Built aside and renamed, so that a cut-off installation is never taken for a whole one. */
async function installed(home: string, install: (folder: string) => Promise<unknown>): Promise<void> {
  const exists = (): Promise<boolean> =>
    access(home).then(
      () => true,
      () => false,
    );
  if (await exists()) return;
  const aside = `${home}.${process.pid}`;
  await mkdir(aside, { recursive: true });
  try {
    await install(aside);
    await rename(aside, home);
  } catch (thrown) {
    if (!(await exists())) throw thrown;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** Starts a server that ends with this process, and waits until it answers. */
async function start(command: readonly string[], port: number): Promise<Started> {
  const python = await ensurePython();
  const child = spawn(python, [join(PYTHON_DIR, "supervise.py"), ...command], { stdio: ["pipe", "ignore", "ignore"] });
  child.stdin.on("error", () => undefined);
  const url = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await answers(url))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.stdin.destroy();
      throw new Error(`${command.join(" ")} does not answer at ${url} (exit code ${String(child.exitCode)})`);
    }
    await delay(100);
  }
  return {
    url,
    async end() {
      child.stdin.end();
      await exitCode(child);
    },
  };
}

async function answers(url: string): Promise<boolean> {
  try {
    await (await fetch(url)).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

async function expectOk(answer: Promise<Response>): Promise<void> {
  const { ok, status, url } = await answer;
  if (!ok) throw new Error(`${url} answered ${status}`);
}
