// Real MLflow servers for the live suite: started on free ports over SQLite or PostgreSQL, ended with everything they started.
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { exitCode, spawnLeashed } from "./leash.ts";
import type { Database } from "./postgres.ts";
import { ensurePython } from "./python-env.ts";
import type { MlflowVersion } from "./python-env.ts";

export { runPython } from "./leash.ts";
export { ensurePython, MLFLOW_VERSION, MLFLOW_VERSIONS } from "./python-env.ts";
export type { MlflowVersion } from "./python-env.ts";

const LOG_NAME = "server.log";
const START_TIMEOUT_MS = 120_000;
const POLL_MS = 200;
const LOG_TAIL_CHARS = 4_000;
/** Below the range from which systems give out ports by themselves, so that a restarted server finds its own free. */
const PORTS = { first: 20_000, count: 10_000 };

export interface StartOptions {
  /** For the folder and messages. */
  readonly name: string;
  /** Where database, artifacts and log lie. Default: a new temporary folder, removed at disposal. */
  readonly dir?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Default: the current one. */
  readonly version?: MlflowVersion;
  /** Where the server keeps everything but files. Default: a SQLite file in `dir`. */
  readonly database?: Database;
  /**
   * `proxied` (default): files go through the server. `local`: runs name a path on the server's disk. `root`: they name that URI.
   * `behind`: files go through the server to that URI.
   */
  readonly artifacts?: "proxied" | "local" | { readonly root: string } | { readonly behind: string };
  /** Further arguments of `mlflow server`. */
  readonly args?: readonly string[];
  /** Further environment of the server. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface LiveServer extends AsyncDisposable {
  readonly url: string;
  readonly version: MlflowVersion | undefined;
  /** Holds `mlflow.db` (unless the server has another database), `art/` and `server.log`. */
  readonly dir: string;
  readonly logFile: string;
  /** Ends the server politely; its data stay. Repeatable. */
  stop(): Promise<void>;
  /** Ends it in the middle of whatever it does, as a crash would. */
  kill(): Promise<void>;
  /** Stops it if it runs, and starts it again at the same address over the same data. */
  restart(): Promise<void>;
  /** Digest of the database and everything below `dir` but the log: equal before and after means that nothing at all was written. */
  storedState(): Promise<string>;
}

/** Starts `mlflow server` and waits until it answers. Throws with the end of its log when it does not. */
export async function startMlflow(options: StartOptions): Promise<LiveServer> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), `mlferry-${options.name}-`)));
  await mkdir(join(dir, "art"), { recursive: true });
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const logFile = join(dir, LOG_NAME);
  const start = (): Promise<ChildProcess> => launch(serverArgs(options, dir, port), { ...options, url, logFile });
  let child: ChildProcess | undefined = await start();

  const end = async (how: "stop" | "kill"): Promise<void> => {
    const ending = child;
    child = undefined;
    if (ending === undefined) return;
    ending.stdin?.end(how === "stop" ? "stop\n" : undefined);
    await exitCode(ending);
  };
  const restart = async (): Promise<void> => {
    await end("stop");
    child = await start();
  };
  const dispose = async (): Promise<void> => {
    await end("kill");
    if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
  };
  return {
    url,
    version: options.version,
    dir,
    logFile,
    stop: () => end("stop"),
    kill: () => end("kill"),
    restart,
    storedState: () => storedStateOf(dir, options.database),
    [Symbol.asyncDispose]: dispose,
  };
}

function serverArgs(options: StartOptions, dir: string, port: number): string[] {
  const { artifacts: where = "proxied" } = options;
  const root = where === "local" ? join(dir, "art") : typeof where === "object" && "root" in where ? where.root : undefined;
  const behind = typeof where === "object" && "behind" in where ? where.behind : join(dir, "art");
  const artifacts =
    root === undefined
      ? ["--artifacts-destination", behind, "--serve-artifacts"]
      : ["--default-artifact-root", root, "--no-serve-artifacts"];
  const store = ["--backend-store-uri", options.database?.uri ?? `sqlite:///${join(dir, "mlflow.db")}`];
  const listen = ["--host", "127.0.0.1", "--port", String(port), "--workers", "2"];
  return ["-m", "mlflow", "server", ...listen, ...store, ...artifacts, ...(options.args ?? [])];
}

interface Launch extends Pick<StartOptions, "env" | "version"> {
  readonly url: string;
  readonly logFile: string;
}

async function launch(args: readonly string[], { url, logFile, env, version }: Launch): Promise<ChildProcess> {
  const python = await ensurePython(version);
  const log = await open(logFile, "a");
  const child = spawnLeashed(python, args, { stdout: log.fd, stderr: log.fd }, env);
  await log.close();
  const ended = exitCode(child);
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await healthy(url))) {
    const over = await Promise.race([ended, delay(POLL_MS)]);
    if (over === undefined && Date.now() < deadline) continue;
    child.stdin?.destroy();
    await ended;
    const tail = (await readFile(logFile, "utf8")).slice(-LOG_TAIL_CHARS);
    throw new Error(`MLflow did not start at ${url} (${over === undefined ? "no answer" : `exit code ${over}`}):\n${tail}`);
  }
  return child;
}

async function healthy(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/health`);
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}

/** A port on which nothing listens now; drawn at random, so that suites which start together rarely meet. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
    if (await canListen(port)) return port;
  }
}

async function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}

/** {@link LiveServer.storedState} of a server that another process started. */
export async function storedStateOf(dir: string, other?: Database): Promise<string> {
  // Of the database every byte counts; of other files path, size and time of change, since they may be large.
  const database = join(dir, "mlflow.db");
  const hash = createHash("sha256").update(other === undefined ? await readFile(database) : await other.content());
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.filter((path) => path !== database && path !== join(dir, LOG_NAME)).sort()) {
    const { size, mtimeMs } = await stat(file);
    hash.update(JSON.stringify([file, size, mtimeMs]));
  }
  return hash.digest("hex");
}
