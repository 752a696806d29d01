// The Pythons that the live suite needs: for each MLflow version a virtual environment of its own, made once and kept.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const INSTALL_TIMEOUT_MS = 900_000;
const LIVE_DIR = fileURLToPath(new URL("./", import.meta.url));
const CACHE_DIR = fileURLToPath(new URL("../../.live/", import.meta.url));

/** The releases that the suite runs against: the current one, and the last one before 3.0. Each has its requirements-<version>.txt. */
export const MLFLOW_VERSIONS = ["3.17.2", "2.22.5"] as const;
export type MlflowVersion = (typeof MLFLOW_VERSIONS)[number];

/** Where nothing else is said. */
export const MLFLOW_VERSION: MlflowVersion = "3.17.2";
export const PYTHON_DIR = join(LIVE_DIR, "python");

/**
 * Path of a Python that has this MLflow, what its basic-auth app needs, and PostgreSQL's driver. `MLFERRY_LIVE_PYTHON` names one with
 * {@link MLFLOW_VERSION} that exists already; otherwise a virtual environment is made under `.live/` from PyPI, which takes minutes
 * the first time and nothing later. Throws when the named Python has another MLflow, or none, or not the rest.
 */
export async function ensurePython(version: MlflowVersion = MLFLOW_VERSION, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const named = version === MLFLOW_VERSION ? env["MLFERRY_LIVE_PYTHON"] : undefined;
  if (named !== undefined && named !== "") {
    await assertMlflow(named, version);
    return named;
  }
  const requirements = join(LIVE_DIR, `requirements-${version}.txt`);
  // Other requirements are another environment.
  const digest = createHash("sha256")
    .update(await readFile(requirements))
    .digest("hex")
    .slice(0, 8);
  const home = join(CACHE_DIR, `python-mlflow-${version}-${digest}`);
  const python = join(home, "bin", "python");
  if (!(await exists(python))) await install(home, requirements);
  await assertMlflow(python, version);
  return python;
}

/** Built aside and renamed, so that a cut-off installation is never taken for a whole one. */
async function install(home: string, requirements: string): Promise<void> {
  await mkdir(CACHE_DIR, { recursive: true });
  const aside = `${home}.${process.pid}`;
  try {
    await run("python3", ["-m", "venv", aside]);
    const python = join(aside, "bin", "python");
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements];
    await run(python, pip, { timeout: INSTALL_TIMEOUT_MS });
    await rename(aside, home);
  } catch (thrown) {
    // Another process may have been faster: then its environment serves.
    if (!(await exists(join(home, "bin", "python")))) throw thrown;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function assertMlflow(python: string, version: MlflowVersion): Promise<void> {
  const ask = "import importlib.metadata as m; m.version('flask-wtf'); m.version('psycopg2-binary'); print(m.version('mlflow'))";
  const { stdout } = await run(python, ["-c", ask]);
  if (stdout.trim() !== version) throw new Error(`${python} has MLflow ${stdout.trim()}, the live suite needs ${version}`);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
