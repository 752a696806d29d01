// Starts any program with given input and gives what it printed.
import { spawn } from "node:child_process";
import type { Ran } from "./program.ts";

/** `input` is all of its stdin; its environment has HOME and PATH alone. */
export function start(program: string, args: readonly string[], cwd: string, input = ""): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { HOME: cwd, PATH: process.env["PATH"] ?? "" }, stdio: ["pipe", "pipe", "pipe"] });
    const texts = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) child[name].setEncoding("utf8").on("data", (text: string) => (texts[name] += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...texts }));
    // A program that has ended without reading is no failure.
    child.stdin.on("error", () => undefined).end(input);
  });
}
