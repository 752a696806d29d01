// mlferry ls: what a place holds.
import type { Command } from "commander";
import { addOutputFlags, addPaceFlags, addSelectionFlags, selectionOf } from "../flags.ts";
import type { OutputFlags, PaceFlags, SelectionFlags } from "../flags.ts";
import { parseLocation } from "../location.ts";
import { inSession } from "../session.ts";
import { writeLines } from "../terminal.ts";
import type { Terminal } from "../terminal.ts";
import { listingJson } from "../../report/json.ts";
import { foldListing, listingText } from "../../report/listing.ts";

type LsFlags = SelectionFlags & OutputFlags & PaceFlags;

export function registerLs(program: Command, terminal: Terminal): void {
  const command = program
    .command("ls")
    .summary("list what a place holds")
    .description("Lists experiments with their runs, and registered models with their versions, stages and aliases.")
    .argument("<SRC>", "an MLflow server or a bundle");
  addSelectionFlags(command);
  addPaceFlags(command);
  addOutputFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  mlferry ls http://localhost:5000
  mlferry ls backup.tar --models 'fraud*'
  mlferry ls http://localhost:5000 --json | jq '.models[].name'`,
    )
    .action((source: string, flags: LsFlags) => list(terminal, source, flags));
}

function list(terminal: Terminal, text: string, flags: LsFlags): Promise<void> {
  const location = parseLocation(text, "source");
  const selection = selectionOf(flags, terminal.now);
  return inSession(terminal, { flags, locations: [location], phase: "reading" }, async (session) => {
    const { signal } = session.interruption;
    const source = await session.places.source(location, signal);
    const catalogue = await source.select(selection, signal);
    session.display.event({ type: "selected", catalogue });
    const fold = foldListing();
    for await (const entity of catalogue.entities(signal)) {
      fold.add(entity);
      session.display.event({ type: "checked", key: entity.key, kind: entity.kind });
    }
    session.display.end();
    const context = { source: source.uri, notCarried: catalogue.notCarried, pulledIn: catalogue.pulledIn, leftOut: catalogue.leftOut };
    const listing = fold.listing();
    const json = flags.json === true;
    writeLines(terminal.stdout, json ? [JSON.stringify(listingJson(listing, context))] : listingText(listing, context, session.style));
  });
}
