// Programs that know who is logged in, as shells that take the documented arguments and no others.
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Programs {
  /** The only folder on the path. */
  readonly path: string;
  /** What was run, a line each: the program, its arguments, and the names of login variables that it saw. */
  runs(): readonly string[];
}

/** By program, what it prints for its arguments; anything else it refuses. `!` before a text: it fails with it. */
export function programs(known: Readonly<Record<string, Readonly<Record<string, string>>>>): Programs {
  const path = mkdtempSync(join(tmpdir(), "mlferry-programs-"));
  const log = join(path, "log");
  writeFileSync(log, "");
  for (const [program, answers] of Object.entries(known)) {
    const cases = Object.entries(answers).map(([args, said]) =>
      said.startsWith("!") ? `${quoted(args)}) echo ${quoted(said.slice(1))} >&2; exit 1;;` : `${quoted(args)}) echo ${quoted(said)};;`,
    );
    const script = [
      "#!/bin/sh",
      `echo "${program} $* token=$DATABRICKS_TOKEN host=$DATABRICKS_HOST" >> ${quoted(log)}`,
      `case "$*" in`,
      ...cases,
      `*) echo "Error: unknown arguments: $*" >&2; exit 2;;`,
      "esac",
    ];
    writeFileSync(join(path, program), `${script.join("\n")}\n`);
    chmodSync(join(path, program), 0o755);
  }
  return { path, runs: () => readFileSync(log, "utf8").trim().split("\n") };
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
