// mlferry completion: a script with which a shell completes the command line.
import { Argument } from "commander";
import type { Command } from "commander";
import { bashScript } from "../completion/bash.ts";
import { fishScript } from "../completion/fish.ts";
import { shapeOf } from "../completion/shape.ts";
import type { CommandShape } from "../completion/shape.ts";
import { zshScript } from "../completion/zsh.ts";
import { readConfig } from "../config.ts";
import { writeLines } from "../terminal.ts";
import type { Terminal } from "../terminal.ts";

const SHELLS: ReadonlyMap<string, (commands: readonly CommandShape[]) => string> = new Map([
  ["bash", bashScript],
  ["zsh", zshScript],
  ["fish", fishScript],
]);

export function registerCompletion(program: Command, terminal: Terminal): void {
  program
    .command("completion")
    .summary("print a script with which a shell completes the command line")
    .description(
      "Prints a script with which bash, zsh or fish completes commands, flags, their choices, files and the registries of mlferry.yaml. " +
        "The scripts ask for these with mlferry completion places.",
    )
    .addArgument(
      new Argument("<SHELL>", "the shell, or places: the names in mlferry.yaml, one a line").choices([...SHELLS.keys(), "places"]),
    )
    .addHelpText(
      "after",
      `
Examples:
  mlferry completion bash > ~/.local/share/bash-completion/completions/mlferry
  mlferry completion zsh > ~/.zfunc/_mlferry      # a folder of your $fpath
  mlferry completion fish > ~/.config/fish/completions/mlferry.fish`,
    )
    .action((shell: string) => {
      const script = SHELLS.get(shell);
      if (script === undefined) writeLines(terminal.stdout, [...readConfig(undefined, terminal.env).registries.keys()]);
      else terminal.stdout.write(script(shapeOf(program)));
    });
}
