// The completion scripts, bash's really run.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { mlferry, mlferryHere, tempFolder } from "./program.ts";
import { start } from "./start.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

describe("mlferry completion bash", () => {
  test.each([
    [["ver"], ["verify"]],
    [["verify", "--le"], ["--level"]],
    [
      ["verify", "--level", ""],
      ["counts", "metadata", "sizes", "bytes"],
    ],
    [["verify", "--level", "=", "b"], ["bytes"]],
    [["copy", "--on-loss", "d"], ["drop"]],
    [["verify", "a bu"], ["a bundle.tar"]],
    [["import", "x.tar", "--map", "ma"], ["map.yaml"]],
    [["copy", "--rate", ""], []],
    [
      ["completion", ""],
      ["bash", "zsh", "fish", "places"],
    ],
    [["verify", "http", ":", "//h"], []],
    [["copy", "de"], ["dev"]],
    [["copy", "dev", "p"], ["prod"]],
    [["nonsense", "--"], []],
  ])("completes %j with %j", async (words, expected) => {
    const cwd = tempFolder();
    for (const name of ["a bundle.tar", "map.yaml"]) writeFileSync(join(cwd, name), "");
    writeFileSync(join(cwd, "script.bash"), (await mlferryHere(["completion", "bash"], { cwd })).stdout);
    writeFileSync(join(cwd, "mlferry.yaml"), "registries: { dev: { uri: http://dev:5000 }, prod: { uri: http://prod:5000 } }\n");
    // The program under the name by which a shell finds it.
    const found = `mlferry() { "${process.execPath}" "${MAIN}" "$@"; }`;
    const driver = 'source script.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _mlferry; printf "%s\\n" "${COMPREPLY[@]}"';
    const ran = await start("bash", ["--norc", "-c", `${found}; ${driver}`, "bash", "mlferry", ...words], cwd);
    expect(ran.stderr).toBe("");
    expect(ran.stdout.split("\n").filter((line) => line !== "")).toEqual(expected);
  });

  test("offers every command and every flag", async () => {
    const cwd = tempFolder();
    const scripts = await Promise.all(["bash", "zsh", "fish"].map(async (shell) => (await mlferry(["completion", shell], { cwd })).stdout));
    const help = (await mlferryHere(["--help"], { cwd })).stdout;
    const commands = [...help.matchAll(/^ {2}([a-z]+) \[options\]/gm)].map(([, name = ""]) => name);
    expect(commands.length).toBeGreaterThan(8);
    for (const command of commands) {
      const flags = (await mlferryHere([command, "--help"], { cwd })).stdout.matchAll(/^ {2}(?:-\w, )?--([a-z-]+)/gm);
      for (const script of scripts) expect(script).toContain(command);
      for (const [, flag = ""] of flags) for (const script of scripts) expect(script).toMatch(new RegExp(`(--|-l )${flag}\\b`));
    }
    expect(await start("bash", ["-n", "-c", scripts[0] ?? ""], cwd)).toMatchObject({ code: 0, stderr: "" });
  });
});
