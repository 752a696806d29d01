// The peer that the export is compared with: mlflow-export-import from PyPI, in a Python environment of its own.
import { execFile } from "node:child_process";
import { access, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { MLFLOW_VERSION } from "../test/live/python-env.ts";

const run = promisify(execFile);
const CACHE_DIR = fileURLToPath(new URL("../.live/", import.meta.url));
const INSTALL_TIMEOUT_MS = 900_000;

/** The newest release on PyPI. */
export const PEER_VERSION = "1.2.0";
/** Its metadata leave tabulate out, which it imports. */
const PACKAGES = [`mlflow-export-import==${PEER_VERSION}`, `mlflow==${MLFLOW_VERSION}`, "tabulate"];

/** Path of a Python that has the peer; made below `.live/` the first time, which takes minutes. */
export async function ensurePeer(): Promise<string> {
  const home = join(CACHE_DIR, `python-mlflow-export-import-${PEER_VERSION}`);
  const python = join(home, "bin", "python");
  if (await exists(python)) return python;
  await mkdir(CACHE_DIR, { recursive: true });
  // Built aside and renamed, so that a cut-off installation is never taken for a whole one.
  const aside = `${home}.${process.pid}`;
  try {
    await run("python3", ["-m", "venv", aside]);
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...PACKAGES];
    await run(join(aside, "bin", "python"), pip, { timeout: INSTALL_TIMEOUT_MS });
    await rename(aside, home);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  return python;
}

/** The command that exports everything; the server's address is in the environment of {@link peerEnv}. */
export function peerExport(python: string, outputDir: string, threads: boolean): string[] {
  return [python, "-m", "mlflow_export_import.bulk.export_all", "--output-dir", outputDir, "--use-threads", String(threads)];
}

export function peerEnv(url: string): Readonly<Record<string, string>> {
  return { MLFLOW_TRACKING_URI: url, MLFLOW_REGISTRY_URI: url };
}

/** Runs that the peer says it exported. Its exit code is 0 whatever happens. */
export function peerRuns(stdout: string): number {
  return Math.max(0, ...[...stdout.matchAll(/(\d+)\/\d+ runs succesfully exported/g)].map(([, count]) => Number(count)));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
