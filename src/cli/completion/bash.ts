// The completion script for bash.
import type { CommandShape, FlagShape, Value } from "./shape.ts";

/** A script to be sourced; needs nothing but bash 4. */
export function bashScript(commands: readonly CommandShape[]): string {
  return `# bash completion for mlferry
# Completes what names a place: a bundle among files and folders, or a registry of mlferry.yaml.
__mlferry_places() { __mlferry_files "$1"; __mlferry_words "$1" "$(mlferry completion places 2>/dev/null)"; }
__mlferry_files() {
  local name
  compopt -o filenames 2>/dev/null
  while IFS= read -r name; do COMPREPLY+=("$name"); done < <(compgen -f -- "$1")
}
__mlferry_words() { while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$2" -- "$1"); }
_mlferry() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command= i word
  COMPREPLY=()
  # Bash breaks words at = and :, so --level=by comes in three.
  if [[ $cur == "=" ]]; then cur=; elif [[ $prev == "=" ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  if [[ $cur == ":" || $prev == ":" ]]; then return; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ \${COMP_WORDS[i]} != -* ]]; then command=\${COMP_WORDS[i]}; break; fi
  done
  case $command in
    "") __mlferry_words "$cur" "${[...commands.map(({ name }) => name), "--help", "--version"].join(" ")}" ;;
${commands.map(commandCase).join("\n")}
  esac
}
complete -F _mlferry mlferry
`;
}

function commandCase({ name, flags, args }: CommandShape): string {
  const valued = flags.flatMap((flag) => (flag.value === undefined ? [] : [valueCase(flag, flag.value)]));
  const words = flags.flatMap(namesOf).join(" ");
  return `    ${name})
      case $prev in
${valued.join("\n")}
      esac
      if [[ $cur == -* ]]; then __mlferry_words "$cur" "${words}"; return; fi
      ${[...new Set(args.map(offer))].join("; ") || ":"} ;;`;
}

function valueCase(flag: FlagShape, value: Value): string {
  return `        ${namesOf(flag).join("|")}) ${offer(value)}; return ;;`;
}

function namesOf({ long, short }: FlagShape): string[] {
  return short === undefined ? [long] : [short, long];
}

function offer(value: Value): string {
  switch (value.is) {
    case "choice":
      return `__mlferry_words "$cur" "${value.choices.join(" ")}"`;
    case "place":
      return `__mlferry_places "$cur"`;
    case "file":
      return `__mlferry_files "$cur"`;
    case "text":
      return ":";
  }
}
