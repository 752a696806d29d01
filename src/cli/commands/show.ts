// mlferry show: one object of a place, whole.
import type { Command } from "commander";
import { findObject } from "../../engine/find-object.ts";
import { inspect } from "../../engine/inspect.ts";
import { MigrationError } from "../../errors.ts";
import { OBJECT_FORMS, parseObjectName } from "../../model/object-name.ts";
import { showJson } from "../../report/show-json.ts";
import { showText } from "../../report/show-text.ts";
import { addOutputFlags, addPaceFlags } from "../flags.ts";
import type { OutputFlags, PaceFlags } from "../flags.ts";
import { addPlaceFlags, createLocator } from "../place-flags.ts";
import type { PlaceFlags } from "../place-flags.ts";
import { inSession } from "../session.ts";
import { writeLines } from "../terminal.ts";
import type { Terminal } from "../terminal.ts";

type ShowFlags = PlaceFlags & OutputFlags & PaceFlags & { readonly files?: boolean; readonly points?: boolean };

export function registerShow(program: Command, terminal: Terminal): void {
  const command = program
    .command("show")
    .summary("show one object of a place, whole")
    .description(
      "Shows an experiment, a run, a logged model, a registered model, a version or an alias: all fields, tags, params, latest metrics, " +
        "datasets, links to other objects, and where mlferry brought it from. Reads no more of the place than that.",
    )
    .argument("<SRC>", "an MLflow server, a name in mlferry.yaml or a bundle")
    .argument("<KEY>", "what to show, such as runs:/ID, models:/churn/3, models:/churn@champion or experiment:training")
    .option("--files", "also list the files, with their sizes")
    .option("--points", "also count the points of each metric, which reads them all");
  addPlaceFlags(command, { target: false, each: false });
  addPaceFlags(command);
  addOutputFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  mlferry show http://localhost:5000 models:/churn@champion --files
  mlferry show backup.tar run:0123456789abcdef0123456789abcdef
  mlferry show backup.tar experiment:training --json | jq .entity.tags`,
    )
    .action((source: string, key: string, flags: ShowFlags) => show(terminal, { source, key, flags }));
}

interface ShowRequest {
  readonly source: string;
  readonly key: string;
  readonly flags: ShowFlags;
}

function show(terminal: Terminal, { source: text, key, flags }: ShowRequest): Promise<void> {
  const location = createLocator(terminal, flags).locate(text, { role: "source" });
  const name = parseObjectName(key);
  if (name === undefined) throw new MigrationError("USAGE", `${JSON.stringify(key)} names no object`, { hint: OBJECT_FORMS });
  return inSession(terminal, { flags, locations: [location], phase: "reading" }, async (session) => {
    const { signal } = session.interruption;
    const source = await session.places.source(location, signal);
    const { entity, notes } = await findObject(source, name, signal);
    const options = { files: flags.files === true, points: flags.points === true };
    const inspected = await inspect(source, entity, options, signal);
    session.display.end();
    const context = { source: source.uri, notes };
    const json = flags.json === true;
    writeLines(terminal.stdout, json ? [JSON.stringify(showJson(inspected, context))] : showText(inspected, context, session.style));
  });
}
