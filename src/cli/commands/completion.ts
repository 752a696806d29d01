// mlferry completion: a script with which a shell completes the command line.
import { Argument } from "commander";
import type { Command } from "commander";
import { bashScript } from "../completion/bash.ts";
import { fishScript } from "../completion/fish.ts";
import { shapeOf } from "../completion/shape.ts";
import type { CommandShape } from "../completion/shape.ts";
import { zshScript } from "../completion/zsh.ts";
import type { Terminal } from "../terminal.ts";

const SHELLS = { bash: bashScript, zsh: zshScript, fish: fishScript } satisfies Record<
  string,
  (commands: readonly CommandShape[]) => string
>;

export function registerCompletion(program: Command, terminal: Terminal): void {
  program
    .command("completion")
    .summary("print a script with which a shell completes the command line")
    .description("Prints a script with which bash, zsh or fish completes commands, flags, their choices, and files.")
    .addArgument(new Argument("<SHELL>", "the shell").choices(Object.keys(SHELLS)))
    .addHelpText(
      "after",
      `
Examples:
  mlferry completion bash > ~/.local/share/bash-completion/completions/mlferry
  mlferry completion zsh > ~/.zfunc/_mlferry      # a folder of your $fpath
  mlferry completion fish > ~/.config/fish/completions/mlferry.fish`,
    )
    .action((shell: keyof typeof SHELLS) => terminal.stdout.write(SHELLS[shell](shapeOf(program))));
}
