// The completion scripts, bash's really run.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { mlferry, mlferryHere, tempFolder } from "./program.ts";
import { start } from "./start.ts";

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
    [["import", "x.tar", "--map", "m"], ["map.yaml"]],
    [["copy", "--rate", ""], []],
    [
      ["completion", ""],
      ["bash", "zsh", "fish"],
    ],
    [["verify", "http", ":", "//h"], []],
    [["nonsense", "--"], []],
  ])("completes %j with %j", async (words, expected) => {
    const cwd = tempFolder();
    for (const name of ["a bundle.tar", "map.yaml"]) writeFileSync(join(cwd, name), "");
    writeFileSync(join(cwd, "script.bash"), (await mlferryHere(["completion", "bash"], { cwd })).stdout);
    const driver = 'source script.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _mlferry; printf "%s\\n" "${COMPREPLY[@]}"';
    const ran = await start("bash", ["--norc", "-c", driver, "bash", "mlferry", ...words], cwd);
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
