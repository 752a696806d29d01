// mlferry ls: what a place holds.
import type { Command } from "commander";
import { addOutputFlags, addPaceFlags, addSelectionFlags, selectionOf } from "../flags.ts";
import type { OutputFlags, PaceFlags, SelectionFlags } from "../flags.ts";
import { eachWorkspace } from "../each-workspace.ts";
import type { Location } from "../location.ts";
import { addPlaceFlags, createLocator } from "../place-flags.ts";
import type { PlaceFlags } from "../place-flags.ts";
import { inSession } from "../session.ts";
import { writeLines } from "../terminal.ts";
import type { Terminal } from "../terminal.ts";
import { locateSet } from "../workspace-pairs.ts";
import { listingJson } from "../../report/json.ts";
import { foldListing, listingText } from "../../report/listing.ts";
import { unreadField, unreadLines } from "../../report/unread-workspaces.ts";

type LsFlags = PlaceFlags & SelectionFlags & OutputFlags & PaceFlags;

export function registerLs(program: Command, terminal: Terminal): void {
  const command = program
    .command("ls")
    .summary("list what a place holds")
    .description("Lists experiments with their runs, and registered models with their versions, stages and aliases.")
    .argument("<SRC>", "an MLflow server, a name in mlferry.yaml or a bundle");
  addPlaceFlags(command, { target: false });
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
  const { config, locate } = createLocator(terminal, flags);
  const locateSource = (): Location => locate(text, { role: "source" });
  if (flags.workspaces === undefined) return listOne(terminal, locateSource(), flags);
  const set = { source: locateSet(text, config, locateSource), globs: flags.workspaces, flags };
  return eachWorkspace(terminal, set, (one, { source }) => listOne(one, source, flags));
}

function listOne(terminal: Terminal, location: Location, flags: LsFlags): Promise<void> {
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
    const { notCarried, pulledIn, leftOut } = catalogue;
    const context = { source: source.uri, notCarried, pulledIn, leftOut };
    const [listing, unread] = [fold.listing(), session.places.unread()];
    const lines =
      flags.json === true
        ? [JSON.stringify({ ...listingJson(listing, context), ...unreadField(unread) })]
        : [...unreadLines(unread, session.style), ...listingText(listing, context, session.style)];
    writeLines(terminal.stdout, lines);
  });
}
