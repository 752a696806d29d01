// mlferry lookup: what became of an id, a version or a URI.
import type { Command } from "commander";
import { addOutputFlags, addPaceFlags, addStateFlag } from "../flags.ts";
import { addPlaceFlags } from "../place-flags.ts";
import { runLookup } from "../run-lookup.ts";
import type { LookupFlags } from "../run-lookup.ts";
import type { Terminal } from "../terminal.ts";

export function registerLookup(program: Command, terminal: Terminal): void {
  const command = program
    .command("lookup")
    .summary("tell what an old id, version or URI became")
    .description(
      "Prints, for each run id, runs:/… or models:/… URI, version, logged model or experiment id, what it became where it was moved to, in " +
        "the same form: OLD, a tab, NEW. Answers come from the journals of this machine, or with --in from the objects at the target.",
    )
    .argument("<OLD...>", "what to look up; - reads one a line from stdin")
    .option("--from <src>", "only jobs from this place")
    .option("--to <dst>", "only jobs to this place")
    .option("--in <dst>", "ask this place instead of the journals: what mlferry placed there tells where it came from")
    .option("--reverse", "from new to old: ask the objects at the place of --in where they came from");
  addPlaceFlags(command, { target: true, each: false });
  addStateFlag(command);
  addPaceFlags(command);
  addOutputFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  mlferry lookup models:/churn/3 runs:/0123456789abcdef0123456789abcdef/model
  mlferry lookup --in http://prod:5000 models:/churn@champion
  mlferry lookup --to http://prod:5000 - < run-ids.txt > old-to-new.tsv`,
    )
    .action((questions: string[], flags: LookupFlags) => runLookup(terminal, questions, flags));
}
