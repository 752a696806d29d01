// mlferry verify: two places compared, or a bundle checked by itself.
import { Option } from "commander";
import type { Command } from "commander";
import { MigrationError } from "../../errors.ts";
import { checkOneBundle } from "../check-bundle.ts";
import { addFileFlags, addRootFlags } from "../file-flags.ts";
import { addLevelFlag, addOutputFlags, addPaceFlags, addSelectionFlags, addStateFlag, numberOption } from "../flags.ts";
import { eachWorkspace } from "../each-workspace.ts";
import { isServer } from "../location.ts";
import type { Location } from "../location.ts";
import { addMappingFlags, mappingOf } from "../mapping-flags.ts";
import { addNotebookFlag } from "../notebook-flag.ts";
import { refuseTwoPipes } from "../pipe.ts";
import { addPlaceFlags, createLocator } from "../place-flags.ts";
import { runVerify } from "../run-verify.ts";
import type { VerifyFlags } from "../run-verify.ts";
import type { Terminal } from "../terminal.ts";
import { locateSet } from "../workspace-pairs.ts";

export function registerVerify(program: Command, terminal: Terminal): void {
  const command = program
    .command("verify")
    .summary("compare two places object by object, or check a bundle by itself")
    .description(
      "With two places: reads both anew and compares every object, metric point and file of SRC with what DST holds. Selection, rules, " +
        "numbering and loss policy of the newest copy between the two are used, unless others are given. With a bundle alone: checks every byte of it.",
    )
    .argument("<SRC>", "where the objects came from, or a bundle to check by itself")
    .argument("[DST]", "where they should be");
  addLevelFlag(command);
  addPlaceFlags(command, { target: true });
  addRootFlags(addNotebookFlag(addFileFlags(addSelectionFlags(command))));
  addMappingFlags(command);
  command.addOption(
    new Option(
      "--on-loss <policy>",
      "whether losses that follow from the target's limits are agreed (default: as in the newest copy)",
    ).choices(["refuse", "drop"]),
  );
  command.addOption(numberOption());
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
    .action((source: string, target: string | undefined, flags: VerifyFlags) => verifyPlaces(terminal, { source, target, flags }));
}

interface Verification {
  readonly source: string;
  readonly target: string | undefined;
  readonly flags: VerifyFlags;
}

function verifyPlaces(terminal: Terminal, { source, target, flags }: Verification): Promise<void> {
  const { config, locate } = createLocator(terminal, flags);
  const locateSource = (): Location => locate(source, { role: "source" });
  const locateTarget = (text: string): Location => locate(text, { role: "target", use: "read" });
  if (flags.workspaces === undefined) {
    return verifyOne(terminal, { source: locateSource(), target: target === undefined ? undefined : locateTarget(target), flags });
  }
  const set = {
    source: locateSet(source, config, locateSource),
    ...(target === undefined ? {} : { target: locateSet(target, config, () => locateTarget(target)) }),
    flags,
    globs: flags.workspaces,
    mapping: mappingOf(flags),
  };
  return eachWorkspace(terminal, set, (one, pair) => verifyOne(one, { ...pair, flags }));
}

async function verifyOne(
  terminal: Terminal,
  { source, target, flags }: { readonly source: Location; readonly target?: Location | undefined; readonly flags: VerifyFlags },
): Promise<void> {
  if (target !== undefined) {
    refuseTwoPipes(source, target);
    return runVerify(terminal, { source, target, flags });
  }
  if (!isServer(source)) return checkOneBundle(terminal, source, flags);
  throw new MigrationError("USAGE", "a server is verified against another place, and only one was given", {
    hint: "mlferry verify SRC DST; only a bundle is checked by itself",
  });
}
