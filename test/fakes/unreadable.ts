// A source some of whose files cannot be read, and that counts what is asked of it.
import { MigrationError } from "../../src/errors.ts";
import type { Source } from "../../src/ports/source.ts";

export interface Asked {
  /** Keys whose metric points were read. */
  readonly points: string[];
  /** Keys whose files were listed. */
  readonly listed: string[];
  /** `<key> <path>` of files that were read. */
  readonly opened: string[];
}

/** The source with what is asked of it. Of `unreadable` (`<key> <path>`) each reading fails. */
export function unreadable<S extends Source>(source: S, paths: readonly string[] = []): { readonly source: S; readonly asked: Asked } {
  const asked: Asked = { points: [], listed: [], opened: [] };
  const watched: S = {
    ...source,
    histories: (runs, signal) => {
      const histories = source.histories(runs, signal);
      return {
        points: (run) => {
          asked.points.push(run);
          return histories.points(run);
        },
      };
    },
    artifacts: (owner, signal) => {
      const reader = source.artifacts(owner, signal);
      return {
        list: () => {
          asked.listed.push(owner.key);
          return reader.list();
        },
        open: (file, options) => {
          asked.opened.push(`${owner.key} ${file.path}`);
          if (paths.includes(`${owner.key} ${file.path}`)) throw new MigrationError("ARTIFACT_UNREADABLE", `${file.path} is not there`);
          return reader.open(file, options);
        },
      };
    },
  };
  return { source: watched, asked };
}
