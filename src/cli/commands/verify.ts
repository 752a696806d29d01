// mlferry verify: two places compared, or a bundle checked by itself.
import { Option } from "commander";
import type { Command } from "commander";
import { MigrationError } from "../../errors.ts";
import { checkOneBundle } from "../check-bundle.ts";
import { addFileFlags, addRootFlags } from "../file-flags.ts";
import { addLevelFlag, addOutputFlags, addPaceFlags, addSelectionFlags, addStateFlag } from "../flags.ts";
import { parseLocation } from "../location.ts";
import { addMappingFlags } from "../mapping-flags.ts";
import { runVerify } from "../run-verify.ts";
import type { VerifyFlags } from "../run-verify.ts";
import type { Terminal } from "../terminal.ts";

export function registerVerify(program: Command, terminal: Terminal): void {
  const command = program
    .command("verify")
    .summary("compare two places object by object, or check a bundle by itself")
    .description(
      "With two places: reads both anew and compares every object, metric point and file of SRC with what DST holds. Rules and loss policy " +
        "of the newest copy between the two are used, unless others are given. With a bundle alone: checks every byte of it.",
    )
    .argument("<SRC>", "where the objects came from, or a bundle to check by itself")
    .argument("[DST]", "where they should be");
  addLevelFlag(command);
  addRootFlags(addFileFlags(addSelectionFlags(command)));
  addMappingFlags(command);
  command.addOption(
    new Option(
      "--on-loss <policy>",
      "whether losses that follow from the target's limits are agreed (default: as in the newest copy)",
    ).choices(["refuse", "drop"]),
  );
  addStateFlag(command);
  addPaceFlags(command);
  addOutputFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  mlferry verify backup.tar
  mlferry verify http://dev:5000 http://prod:5000
  mlferry verify backup.tar http://prod:5000 --level bytes --json`,
    )
    .action(async (source: string, target: string | undefined, flags: VerifyFlags) => {
      const from = parseLocation(source, "source");
      if (target !== undefined) return runVerify(terminal, { source: from, target: parseLocation(target, "target", "read"), flags });
      if (from.place === "bundle") return checkOneBundle(terminal, from, flags);
      throw new MigrationError("USAGE", "a server is verified against another place, and only one was given", {
        hint: "mlferry verify SRC DST; only a bundle is checked by itself",
      });
    });
}
