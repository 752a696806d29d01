// The flag that takes the notebooks of runs along.
import { Option } from "commander";
import type { Command } from "commander";
import { MigrationError } from "../errors.ts";
import { NOTEBOOK_FORMATS } from "../model/notebook.ts";
import type { NotebookFormat } from "../model/notebook.ts";
import type { Source } from "../ports/source.ts";

export interface NotebookFlags {
  readonly notebooks?: NotebookFormat;
}

export function addNotebookFlag(command: Command): Command {
  return command.addOption(
    new Option("--notebooks <format>", "of a Databricks workspace: the notebook that made a run comes along as a file of it").choices(
      NOTEBOOK_FORMATS,
    ),
  );
}

/** The place, whose runs have their notebooks as files where the user asks for it. Throws USAGE for one that has no notebooks. */
export function withNotebooks<Place extends Source>(place: Place, format: NotebookFormat | undefined): Place {
  if (format === undefined) return place;
  if (place.withNotebooks !== undefined) return { ...place, artifacts: place.withNotebooks(format) };
  throw new MigrationError("USAGE", `--notebooks asks for notebooks of a Databricks workspace, and ${place.uri} is none`, {
    hint: "leave --notebooks out: notebooks that an export took along are files of their runs",
  });
}
