#!/usr/bin/env node
// The program's entry: checks Node's version before anything else is loaded, then hands over. The only place that may exit.
import { nodeProblem } from "./node-version.ts";

const problem = nodeProblem(process.versions.node);
if (problem === undefined) {
  // Loaded only now: an older Node stops at the modules themselves, with a message that helps nobody.
  const { runProgram } = await import("./run.ts");
  process.exitCode = await runProgram(process);
  // A reader that takes no more of a bundle must not keep an interrupted command from ending.
  if (process.exitCode === 130 && process.stdout.writableLength > 0) process.exit();
} else {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 1;
}
