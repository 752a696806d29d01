// The completion script for zsh.
import type { CommandShape, FlagShape, Value } from "./shape.ts";

/** A function file for a folder of $fpath, named `_mlferry`; it may also be sourced. */
export function zshScript(commands: readonly CommandShape[]): string {
  return `#compdef mlferry
# Completes what names a place: a bundle among files and folders, or a registry of mlferry.yaml.
_mlferry_places() { _files; compadd -- \${(f)"$(mlferry completion places 2>/dev/null)"} }
_mlferry() {
  local -a commands
  commands=(
${commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`).join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe -t commands command commands
    _arguments '(- *)--help[print help]' '(- *)--version[print the version]'
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${commands.map(commandCase).join("\n")}
  esac
}
if [[ $funcstack[1] == _mlferry ]]; then _mlferry "$@"; else compdef _mlferry mlferry; fi
`;
}

function commandCase({ name, flags, args }: CommandShape): string {
  const words = [...flags.flatMap(flagSpecs), ...args.slice(0, -1).map((arg) => quoted(`:value:${action(arg)}`))];
  const last = args.at(-1);
  if (last !== undefined) words.push(quoted(`*:value:${action(last)}`));
  return `    ${name})\n      _arguments ${words.map((word) => ` \\\n        ${word}`).join("")} ;;`;
}

function flagSpecs({ long, short, description, value }: FlagShape): string[] {
  const text = description.replace(/[[\]\\:]/g, "\\$&");
  const after = value === undefined ? "" : `:value:${action(value)}`;
  return [short, long].flatMap((flag) => (flag === undefined ? [] : [quoted(`*${flag}[${text}]${after}`)]));
}

function action(value: Value): string {
  switch (value.is) {
    case "choice":
      return `(${value.choices.join(" ")})`;
    case "place":
      return "_mlferry_places";
    case "file":
      return "_files";
    case "text":
      return " ";
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
