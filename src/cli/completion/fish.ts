// The completion script for fish.
import type { CommandShape, FlagShape, Value } from "./shape.ts";

/** A script to be sourced, or to be put into a folder of completions as `mlferry.fish`. */
export function fishScript(commands: readonly CommandShape[]): string {
  const lines = [
    "# fish completion for mlferry",
    "complete -c mlferry -f",
    "complete -c mlferry -n __fish_use_subcommand -l help -s h -d 'print help'",
    "complete -c mlferry -n __fish_use_subcommand -l version -d 'print the version'",
    ...commands.map(({ name, summary }) => `complete -c mlferry -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`),
    ...commands.flatMap(commandLines),
  ];
  return `${lines.join("\n")}\n`;
}

function commandLines({ name, flags, args }: CommandShape): string[] {
  const within = `complete -c mlferry -n '__fish_seen_subcommand_from ${name}'`;
  const offered = [...new Set(args.map(argumentWords))].filter((words) => words !== "");
  return [...flags.map((flag) => `${within} ${flagWords(flag)}`), ...offered.map((words) => `${within} ${words}`)];
}

function flagWords({ long, short, description, value }: FlagShape): string {
  const names = `-l ${long.slice(2)}${short === undefined ? "" : ` -s ${short.slice(1)}`}`;
  return `${names}${value === undefined ? "" : ` ${flagValue(value)}`} -d ${quoted(description)}`;
}

function flagValue(value: Value): string {
  switch (value.is) {
    case "choice":
      return `-x -a ${quoted(value.choices.join(" "))}`;
    case "place":
      return `-r -F -a ${quoted(PLACES)}`;
    case "file":
      return "-r -F";
    case "text":
      return "-x";
  }
}

/** Registries of mlferry.yaml; files, which may be bundles, are offered beside them. */
const PLACES = "(mlferry completion places 2>/dev/null)";

function argumentWords(value: Value): string {
  switch (value.is) {
    case "choice":
      return `-a ${quoted(value.choices.join(" "))}`;
    case "place":
      return `-F -a ${quoted(PLACES)}`;
    case "file":
      return "-F";
    case "text":
      return "";
  }
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
