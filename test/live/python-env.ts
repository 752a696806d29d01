// The Python that the live suite needs: a virtual environment with one exact MLflow, made once and kept.
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

/** The MLflow release that requirements.txt pins, and no other. */
export const MLFLOW_VERSION = "3.17.2";
export const PYTHON_DIR = join(LIVE_DIR, "python");

/**
 * Path of a Python that has MLflow {@link MLFLOW_VERSION} with its `auth` extra. `MLFERRY_LIVE_PYTHON` names one that exists already; otherwise
 * a virtual environment is made under `.live/` from PyPI, which takes minutes the first time and nothing later.
 * Throws when the named Python has another MLflow, or none, or not the extra.
 */
export async function ensurePython(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const named = env["MLFERRY_LIVE_PYTHON"];
  if (named !== undefined && named !== "") {
    await assertMlflow(named);
    return named;
  }
  const home = join(CACHE_DIR, `python-mlflow-${MLFLOW_VERSION}-${await requirementsDigest()}`);
  const python = join(home, "bin", "python");
  if (!(await exists(python))) await install(home);
  await assertMlflow(python);
  return python;
}

/** Other requirements are another environment. */
async function requirementsDigest(): Promise<string> {
  const text = await readFile(join(LIVE_DIR, "requirements.txt"));
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

/** Built aside and renamed, so that a cut-off installation is never taken for a whole one. */
async function install(home: string): Promise<void> {
  await mkdir(CACHE_DIR, { recursive: true });
  const aside = `${home}.${process.pid}`;
  try {
    await run("python3", ["-m", "venv", aside]);
    const python = join(aside, "bin", "python");
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", join(LIVE_DIR, "requirements.txt")];
    await run(python, pip, { timeout: INSTALL_TIMEOUT_MS });
    await rename(aside, home);
  } catch (thrown) {
    // Another process may have been faster: then its environment serves.
    if (!(await exists(join(home, "bin", "python")))) throw thrown;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function assertMlflow(python: string): Promise<void> {
  const { stdout } = await run(python, ["-c", "import importlib.metadata as m; m.version('flask-wtf'); print(m.version('mlflow'))"]);
  if (stdout.trim() !== MLFLOW_VERSION) throw new Error(`${python} has MLflow ${stdout.trim()}, the live suite needs ${MLFLOW_VERSION}`);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
