// The command tree: names, help and how the parser behaves. Each command is a file of its own in commands/.
import { Command } from "commander";
import { registerCompletion } from "./commands/completion.ts";
import { registerApply } from "./commands/apply.ts";
import { registerCopy } from "./commands/copy.ts";
import { registerDemo } from "./commands/demo.ts";
import { registerDiff } from "./commands/diff.ts";
import { registerDoctor } from "./commands/doctor.ts";
import { registerExport } from "./commands/export.ts";
import { registerImport } from "./commands/import.ts";
import { registerLookup } from "./commands/lookup.ts";
import { registerLs } from "./commands/ls.ts";
import { registerPlan } from "./commands/plan.ts";
import { registerShow } from "./commands/show.ts";
import { registerReport } from "./commands/report.ts";
import { registerResume } from "./commands/resume.ts";
import { registerStatus } from "./commands/status.ts";
import { registerVerify } from "./commands/verify.ts";
import type { Terminal } from "./terminal.ts";

/** Adds a command, with its flags and what it does, to the program. `build`: for one that runs another. */
export type Register = (program: Command, terminal: Terminal, build: (terminal: Terminal) => Command) => void;

const COMMANDS: readonly Register[] = [
  registerCopy,
  registerExport,
  registerImport,
  registerPlan,
  registerApply,
  registerVerify,
  registerDiff,
  registerStatus,
  registerResume,
  registerLs,
  registerShow,
  registerLookup,
  registerReport,
  registerDoctor,
  registerDemo,
  registerCompletion,
];

/** The parser of the command line. It throws CommanderError instead of exiting, and writes nothing but help and the version. */
export function buildProgram(terminal: Terminal): Command {
  const program = new Command("mlferry")
    .description("Moves ML model registries: MLflow experiments, runs, models, versions, aliases, stages and files.")
    .version(terminal.version, "--version", "print the version")
    .helpOption("-h, --help", "print help")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
      // Errors are told by whoever catches them.
      outputError: () => undefined,
      getOutHelpWidth: () => terminal.stdout.columns ?? HELP_WIDTH,
      getErrHelpWidth: () => terminal.stderr.columns ?? HELP_WIDTH,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText("after", `\n${PLACES}`);
  for (const register of COMMANDS) register(program, terminal, buildProgram);
  return program;
}

const HELP_WIDTH = 100;

const PLACES = `Places:
  http(s)://host[:port][/path]   an MLflow server
  NAME                           a registry that mlferry.yaml names, with its login and workspace
  NAME.tar, or ./FOLDER          a bundle, as mlferry export writes it
  -                              a bundle through a pipe: from stdin where it is read, to stdout where it is written

Credentials are read from MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD. For two
servers with a login each, MLFERRY_SOURCE_TRACKING_... and MLFERRY_TARGET_TRACKING_... win.`;
