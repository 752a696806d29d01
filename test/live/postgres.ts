// A PostgreSQL server for MLflow servers of the live suite; installed with apt-get where it is missing and that is allowed.
import { execFile } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { access, chown, mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { exitCode, spawnCommandLeashed } from "./leash.ts";
import { ensurePython } from "./python-env.ts";
import { freePort } from "./servers.ts";

const run = promisify(execFile);
/** Debian 12's. */
const PACKAGE = "postgresql-15";
const BIN_DIR = "/usr/lib/postgresql/15/bin";
const INSTALL_TIMEOUT_MS = 600_000;
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 100;
const USER = "mlflow";

/** A database of its own for one MLflow server; goes away with the PostgreSQL server. */
export interface Database {
  /** As `--backend-store-uri` wants it, with the driver: SQLAlchemy 2.1 takes another one by itself. */
  readonly uri: string;
  /** Everything in it, the same for equal content. */
  content(): Promise<string>;
}

export interface Postgres extends AsyncDisposable {
  createDatabase(name: string): Promise<Database>;
}

/**
 * Starts a server in a new folder, in a locale that orders texts in another way than their bytes do. It ends with this process.
 * Throws where PostgreSQL is neither there nor can be installed.
 */
export async function startPostgres(): Promise<Postgres> {
  const bin = await ensureInstalled();
  const dir = await mkdtemp(join(tmpdir(), "mlferry-postgres-"));
  const as = await unprivileged(dir);
  const data = join(dir, "data");
  const locale = ["-E", "UTF8", "--locale-provider=icu", "--icu-locale=en-US"];
  const [program = "", ...args] = [...as, join(bin, "initdb"), "-D", data, "-U", USER, "--auth=trust", "--no-sync", ...locale];
  await run(program, args, { cwd: dir });
  const port = await freePort();
  const listen = ["-p", String(port), "-k", dir, "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"];
  // Nothing here has to survive a crash of the machine.
  const command = [...as, join(bin, "postgres"), "-D", data, ...listen, "-c", "fsync=off"];
  const child = await launch(command, { dir, bin, port });
  const client = ["-h", "127.0.0.1", "-p", String(port), "-U", USER];
  return {
    async createDatabase(name) {
      await run(join(bin, "createdb"), [...client, name]);
      return {
        uri: `postgresql+psycopg2://${USER}@127.0.0.1:${port}/${name}`,
        async content() {
          const { stdout } = await run(join(bin, "pg_dump"), [...client, "--data-only", name], { maxBuffer: MOST_BYTES });
          return stdout.replace(RANDOM_LINES, "");
        },
      };
    },
    async [Symbol.asyncDispose]() {
      child.stdin?.end("stop\n");
      await exitCode(child);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

const MOST_BYTES = 512 * 1024 * 1024;
/** Newer pg_dumps guard their output with a word that is another each time. */
const RANDOM_LINES = /^\\(?:un)?restrict .*$/gm;

async function ensureInstalled(): Promise<string> {
  if (await exists(join(BIN_DIR, "initdb"))) return BIN_DIR;
  const wanted = `the live suite needs PostgreSQL 15 in ${BIN_DIR}: install Debian's package ${PACKAGE}`;
  if (process.getuid?.() !== 0) throw new Error(`${wanted} (this process is not root, so it cannot)`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const options = { timeout: INSTALL_TIMEOUT_MS, env };
  try {
    await run("apt-get", ["update", "-qq"], options);
    await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", PACKAGE], options);
  } catch (cause) {
    throw new Error(`${wanted} (apt-get could not)`, { cause });
  }
  if (!(await exists(join(BIN_DIR, "initdb")))) throw new Error(`${wanted} (apt-get put it elsewhere)`);
  return BIN_DIR;
}

/** What goes before a command: PostgreSQL refuses root, for which the package's own user takes its place and gets the folder. */
async function unprivileged(dir: string): Promise<string[]> {
  if (process.getuid?.() !== 0) return [];
  const ids = await Promise.all(["-u", "-g"].map(async (flag) => Number((await run("id", [flag, "postgres"])).stdout)));
  const [uid = 0, gid = 0] = ids;
  await chown(dir, uid, gid);
  return ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
}

async function launch(
  command: readonly string[],
  { dir, bin, port }: { readonly dir: string; readonly bin: string; readonly port: number },
): Promise<ChildProcess> {
  const logFile = join(dir, "postgres.log");
  const log = await open(logFile, "a");
  const child = spawnCommandLeashed(await ensurePython(), command, { stdout: log.fd, stderr: log.fd });
  await log.close();
  const ended = exitCode(child);
  const deadline = Date.now() + START_TIMEOUT_MS;
  const ready = ["-q", "-h", "127.0.0.1", "-p", String(port), "-U", USER];
  while (!(await succeeds(run(join(bin, "pg_isready"), ready)))) {
    const over = await Promise.race([ended, delay(POLL_MS)]);
    if (over === undefined && Date.now() < deadline) continue;
    child.stdin?.destroy();
    throw new Error(`PostgreSQL did not start:\n${(await readFile(logFile, "utf8")).slice(-2000)}`);
  }
  return child;
}

async function exists(path: string): Promise<boolean> {
  return succeeds(access(path));
}

async function succeeds(attempt: Promise<unknown>): Promise<boolean> {
  return attempt.then(
    () => true,
    () => false,
  );
}
