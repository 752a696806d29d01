import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "mlferry-demo-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function mlferry(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { cwd: folder }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

/** Cells of a line that begins with a word. */
function row(text: string, first: string): readonly string[] {
  const line = text.split("\n").find((one) => one.trim().startsWith(first)) ?? "";
  return line.trim().split(/ {2,}/);
}

describe("mlferry demo", { timeout: 60_000 }, () => {
  it("moves the sample registry, proves it, and leaves a bundle that verifies", async () => {
    const { code, stdout, stderr } = await mlferry("demo");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(row(stdout, "runs")).toEqual(["runs", "14", "14"]);
    expect(row(stdout, "model versions")).toEqual(["model versions", "10", "10"]);
    expect(row(stdout, "main.ml.fraud-scorer-eu 3")).toEqual(["main.ml.fraud-scorer-eu 3", "Production", "alias champion"]);
    expect(row(stdout, "main.ml.churn-classifier 2")).toContain("only a tag: champion is 4");
    expect(stdout).toContain("1 prompt, 1 trace");
    expect(stdout.replace(/\s+/g, " ")).toMatch(
      /[1-9]\d* facts, [\d,]+ metric points, [1-9]\d* files .* compared, with these rules applied: 0 differences/,
    );
    expect(stdout).toMatch(/44 objects there already, 0 objects written/);
    expect(stdout).not.toContain("\u001b");
    const commandsToCopy = / src\/cli\/main\.ts /;
    expect(stdout.split("\n").filter((line) => [...line].length > 80 && !commandsToCopy.test(line))).toEqual([]);
    const checked = await mlferry("verify", join("mlferry-demo", "registry.tar"));
    expect({ code: checked.code, stdout: checked.stdout }).toEqual({ code: 0, stdout: expect.stringContaining("no problems") as string });
  });

  it("replaces what an earlier demo wrote and leaves everything else alone", async () => {
    await mkdir(join(folder, "out"));
    await writeFile(join(folder, "out", ".mlferry-demo"), "");
    await writeFile(join(folder, "out", "mine.txt"), "kept");
    await writeFile(join(folder, "out", "registry.tar"), "broken");
    const { code } = await mlferry("demo", "--dir", "out");
    expect(code).toBe(0);
    expect(readFileSync(join(folder, "out", "mine.txt"), "utf8")).toBe("kept");
    expect(await readdir(join(folder, "out"))).toEqual([".mlferry-demo", "mine.txt", "registry.tar"]);
    expect(readFileSync(join(folder, "out", "registry.tar")).length).toBeGreaterThan(50_000);
  });

  it("does not write into a folder of somebody else", async () => {
    await writeFile(join(folder, "registry.tar"), "mine");
    const { code, stderr } = await mlferry("demo", "--dir", ".");
    expect([code, stderr]).toEqual([2, expect.stringMatching(/not of a demo[\s\S]*hint: .*--dir/)]);
    expect(readFileSync(join(folder, "registry.tar"), "utf8")).toBe("mine");
    expect(existsSync(join(folder, ".mlferry-demo"))).toBe(false);
  });
});
