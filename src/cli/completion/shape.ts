// The command tree as shells complete it: read from the parser itself, so that no flag is forgotten.
import type { Argument, Command, Option } from "commander";

/** What stands for a value. `place`: a server's address or a bundle, so files are offered. `text`: nothing can be offered. */
export type Value =
  | { readonly is: "choice"; readonly choices: readonly string[] }
  | { readonly is: "place" }
  | { readonly is: "file" }
  | { readonly is: "text" };

export interface FlagShape {
  readonly long: string;
  readonly short?: string;
  readonly description: string;
  /** Absent for a flag without a value. */
  readonly value?: Value;
}

export interface CommandShape {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly FlagShape[];
  readonly args: readonly Value[];
}

/** The commands of a program in its order, `--help` among the flags of each. */
export function shapeOf(program: Command): CommandShape[] {
  return program.commands.map((command) => ({
    name: command.name(),
    summary: command.summary() === "" ? command.description() : command.summary(),
    flags: [...command.options.map(flagOf), HELP],
    args: command.registeredArguments.map(argumentValue),
  }));
}

export const HELP: FlagShape = { long: "--help", short: "-h", description: "print help" };

function flagOf(option: Option): FlagShape {
  const { long, short, description, flags } = option;
  const [, name] = /<(.+)>/.exec(flags) ?? [];
  return {
    long: long ?? flags,
    ...(short === undefined ? {} : { short }),
    description,
    ...(name === undefined ? {} : { value: valueOf(name, option.argChoices) }),
  };
}

function argumentValue(argument: Argument): Value {
  return valueOf(argument.name().toLowerCase(), argument.argChoices);
}

/** By the name that the help prints for it. */
function valueOf(name: string, choices: readonly string[] | undefined): Value {
  if (choices !== undefined) return { is: "choice", choices };
  if (/^(src|dst|bundle|a|b)$/.test(name)) return { is: "place" };
  return /^(file|dir|file\|dir)$/.test(name) ? { is: "file" } : { is: "text" };
}
