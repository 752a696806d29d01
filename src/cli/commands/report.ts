// mlferry report: what those who use a registry need after it has moved.
import { Option } from "commander";
import type { Command } from "commander";
import { STAGE_CONFLICTS } from "../../model/mapping.ts";
import { URI_FORMATS } from "../../report/uri-table-text.ts";
import { addPaceFlags, addSelectionFlags, addStateFlag, repeatable } from "../flags.ts";
import { addPlaceFlags } from "../place-flags.ts";
import { runReport } from "../run-report.ts";
import type { ReportFlags } from "../run-report.ts";
import type { Terminal } from "../terminal.ts";

export function registerReport(program: Command, terminal: Terminal): void {
  const command = program
    .command("report")
    .summary("print the table of old and new URIs of a job, or of a place")
    .description(
      "Prints what every models:/NAME/VERSION, models:/NAME/STAGE, models:/NAME/latest, models:/NAME@ALIAS, models:/m-ID and runs:/ID became, " +
        "from the journal of a JOB (without one: of the newest), or with --in from what the objects at a place tell of themselves.",
    )
    .argument("[JOB]", "the id of a job, or its first digits: mlferry status lists them")
    .addOption(new Option("--uris <format>", "the form of the table").choices([...URI_FORMATS]).makeOptionMandatory())
    .option("--in <dst>", "read this place instead of a journal; selections narrow what is read there")
    .option("--map <file>", "with --in: the mapping that was used, for the aliases that stages became")
    .addOption(repeatable("--stage-alias <stage=alias>", "with --in: the alias that a stage became (repeatable)"))
    .addOption(new Option("--stage-conflict <rule>", "with --in: how a stage with several versions was decided").choices(STAGE_CONFLICTS));
  addSelectionFlags(command);
  addPlaceFlags(command, { target: true, each: false });
  addStateFlag(command);
  addPaceFlags(command)
    .addOption(new Option("--quiet", "no progress").conflicts("verbose"))
    .option("--verbose", "a detailed log")
    .option("--log-file <file>", "append a log, a JSON object a line")
    .addHelpText(
      "after",
      `
Examples:
  mlferry report --uris csv > old-to-new.csv
  mlferry report 1a2b3c4d --uris md
  mlferry report --in http://prod:5000 --models 'fraud*' --uris json`,
    )
    .action((id: string | undefined, flags: ReportFlags) => runReport(terminal, id, flags));
}
