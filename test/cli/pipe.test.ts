// Bundles through pipes, as a shell joins them: whole or refused, and nothing left behind.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { refuseTerminals } from "../../src/cli/pipe.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { jobSchema } from "../../src/report/json.ts";
import { writeBundle } from "./bundles.ts";
import { mlferryHere, tempFolder } from "./program.ts";
import type { Ran } from "./program.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const SAMPLE = fileURLToPath(new URL("../../examples/sample-registry", import.meta.url));

let cwd = "";

/** The environment of every process, with a folder of its own for temporary files. */
const environment = (): Record<string, string> => ({
  HOME: cwd,
  XDG_STATE_HOME: join(cwd, "state"),
  TMPDIR: join(cwd, "tmp"),
  PATH: process.env["PATH"] ?? "",
});

/** Runs a line in a shell, `mlferry` being the program. Its exit code is that of the last command of a pipe. */
function type(line: string, env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const script = `node=$0 main=$1; mlferry() { "$node" "$main" "$@"; }; ${line}`;
  const child = spawn("sh", ["-c", script, process.execPath, MAIN], { cwd, env: { ...environment(), ...env } });
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) child[name].setEncoding("utf8").on("data", (text: string) => (texts[name] += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...texts }));
  });
}

function start(...args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd, env: environment(), stdio: ["pipe", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

const ended = (child: ChildProcess): Promise<number | null> => new Promise((resolve) => child.on("exit", (code) => resolve(code)));

beforeEach(async () => {
  cwd = tempFolder();
  mkdirSync(join(cwd, "tmp"));
  await writeBundle(join(cwd, "b.tar"));
});

describe("a bundle through a pipe", () => {
  test("arrives as it would through a file, with its report beside it", async () => {
    const ran = await type("mlferry export b.tar -o - --include-deleted --quiet | mlferry import - c.tar --include-deleted --quiet");
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain("all 14 objects from b.tar are at stdout after");
    expect(ran.stdout).toContain("all 14 objects from stdin are at ");
    const verified = await mlferryHere(["verify", "b.tar", "c.tar", "--include-deleted", "--level", "bytes"], { cwd });
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining("no differences") as string });
    expect(readdirSync(join(cwd, "tmp"))).toEqual([]);
  });

  test("is read by every command that reads a bundle, on either side", async () => {
    const [checked, listed, compared, planned] = await Promise.all([
      type("mlferry verify - < b.tar"),
      type("mlferry ls - --include-deleted < b.tar"),
      type("mlferry verify b.tar - --include-deleted < b.tar"),
      type("mlferry plan - c.tar < b.tar"),
    ]);
    expect(checked.stdout).toMatch(/^stdin: .*\nno problems\n/);
    const straight = await mlferryHere(["ls", "b.tar", "--include-deleted"], { cwd });
    expect(listed.stdout).toBe(straight.stdout.replace("b.tar", "stdin"));
    expect(compared.stdout).toContain("no differences");
    expect(planned.code).toBe(0);
    expect(readdirSync(cwd).sort()).toEqual(["b.tar", "tmp"]);
    expect(readdirSync(join(cwd, "tmp"))).toEqual([]);
  });

  test("tells its report as JSON on stderr", async () => {
    const ran = await type("mlferry export b.tar -o - --json --quiet > c.tar");
    expect(jobSchema.parse(JSON.parse(ran.stderr))).toMatchObject({ target: "stdout", exit_code: 0 });
    expect((await type("mlferry verify c.tar")).code).toBe(0);
    const failed = await type("mlferry export http://127.0.0.1:1 -o - --json --quiet > d.tar");
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('{"error":{"code":"SERVER_UNREACHABLE"') as string });
    expect(statSync(join(cwd, "d.tar")).size).toBe(0);
  });

  test("tells a plan on stdout, since nothing else goes there", async () => {
    const ran = await type("mlferry export b.tar -o - --dry-run");
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toContain("stdout");
  });
});

describe("a pipe that breaks", () => {
  test("on the side of the reader ends the export with one clear error", async () => {
    const ran = await type(`{ mlferry export ${SAMPLE} -o - --compression none --quiet; echo "code $?" >&2; } | head -c 1000 > cut`);
    expect(ran.stderr).toBe(
      "error: the reader of the bundle has gone away before its end\n" +
        "hint: see why the command after the pipe ended; a bundle in a pipe is written anew each time\ncode 1\n",
    );
    expect(readdirSync(join(cwd, "tmp"))).toEqual([]);
  });

  test("on the side of the writer is refused before anything is written", async () => {
    const { size } = statSync(join(cwd, "b.tar"));
    const cuts = [1, size >> 1, size - 1].map(async (length) => {
      const ran = await type(`head -c ${length} b.tar | mlferry import - c.tar`);
      expect(ran, `${length} of ${size} bytes`).toMatchObject({ code: 1, stdout: "" });
      expect(ran.stderr).toMatch(/^error: stdin is (damaged|not a bundle).*\nhint: /);
    });
    await Promise.all(cuts);
    const nothing = await type("mlferry import - c.tar < /dev/null");
    expect(nothing).toMatchObject({ code: 1, stderr: expect.stringMatching(/^error: nothing came through stdin\nhint: /) as string });
    expect(readdirSync(cwd).filter((name) => name.startsWith("c.tar"))).toEqual([]);
    expect(readdirSync(join(cwd, "tmp"))).toEqual([]);
  });

  test("for want of room says where room is needed", { timeout: 60_000 }, async () => {
    const full = await type("mlferry export b.tar -o - --quiet > /dev/full");
    expect(full).toMatchObject({ code: 1 });
    expect(full.stderr).toMatch(/^error: cannot write the bundle to stdout: .*the disk is full\nhint: make room, .*\n$/);
    const nowhere = await type("mlferry ls - < b.tar", { TMPDIR: join(cwd, "no such folder") });
    expect(nowhere).toMatchObject({ code: 1 });
    expect(nowhere.stderr).toMatch(
      /^error: cannot keep what comes through stdin in .*no such folder: .*\nhint: set TMPDIR to a folder with room/,
    );
    const limited = await type(`trap '' XFSZ; ulimit -f 8; cat ${join(cwd, "b.tar")} b.tar b.tar | mlferry ls -`);
    expect(limited).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("the file may not grow that large\nhint: set TMPDIR") as string,
    });
  });
});

describe("an interrupted pipe", () => {
  test("leaves nothing of what had come through stdin", async () => {
    const child = start("import", "-", "c.tar");
    const gone = ended(child);
    // More than a pipe holds: when it is taken, the command is reading.
    await new Promise((resolve) => child.stdin?.write(Buffer.alloc(4 * 2 ** 20), resolve));
    child.kill("SIGTERM");
    expect(await gone).toBe(130);
    expect(readdirSync(join(cwd, "tmp"))).toEqual([]);
    expect(existsSync(join(cwd, "c.tar.partial"))).toBe(false);
  });

  test("ends at once although nobody reads, and leaves no temporary folder", async () => {
    const child = start("export", SAMPLE, "-o", "-", "--compression", "none");
    const gone = ended(child);
    let told = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (told += text));
    await vi.waitFor(() => expect(readdirSync(join(cwd, "tmp"))).toHaveLength(1), { timeout: 20_000, interval: 20 });
    child.kill("SIGTERM");
    expect(await gone).toBe(130);
    expect(told).toContain("hint: run the whole pipeline again: a bundle in a pipe cannot be continued");
    expect(readdirSync(join(cwd, "tmp"))).toEqual([]);
  });
});

describe("-", () => {
  test("is one place at a time, and a command's own kind of place", async () => {
    for (const args of [
      ["copy", "-", "-"],
      ["export", "-", "-o", "-"],
      ["import", "-", "-"],
      ["verify", "-", "-"],
    ]) {
      const ran = await mlferryHere(args, { cwd });
      expect(ran, args.join(" ")).toMatchObject({ code: 2, stdout: "" });
      expect(ran.stderr).toBe("error: source and target are both -\nhint: name one of them: only one place can be a pipe\n");
    }
  });

  test("is never a terminal", () => {
    const terminal = { bytes: { in: { isTTY: true }, out: { isTTY: true } } } as Pick<Terminal, "bytes">;
    const pipe = { place: "pipe" } as const;
    expect(() => refuseTerminals(terminal, { source: pipe })).toThrow("a bundle is not read from a terminal");
    expect(() => refuseTerminals(terminal, { target: pipe })).toThrow("a bundle is not written to a terminal");
    expect(() => refuseTerminals(terminal, { source: { place: "bundle", path: "-x" } })).not.toThrow();
    const piped = { bytes: { in: { isTTY: false }, out: { isTTY: false } } } as Pick<Terminal, "bytes">;
    expect(() => refuseTerminals(piped, { source: pipe, target: pipe })).not.toThrow();
  });

  test("as an output keeps nothing in the state folder", async () => {
    await type("mlferry export b.tar -o - --quiet 2>/dev/null | cat > c.tar");
    expect(readFileSync(join(cwd, "c.tar")).length).toBeGreaterThan(1000);
    expect(existsSync(join(cwd, "state"))).toBe(false);
  });
});
