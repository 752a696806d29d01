// The exit codes of every command; docs/cli.md holds the table.

export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  incomplete: 3,
  different: 4,
  unauthorised: 5,
  stale: 6,
  interrupted: 130,
} as const;

/** What each exit code says, for the docs. */
export const EXIT_MEANINGS: readonly (readonly [number, string])[] = [
  [EXIT.done, "all done: the target holds everything that was selected, or source and target are equal"],
  [EXIT.failed, "failed: the command ended before its end"],
  [EXIT.usage, "the command line, a configuration or mapping file or a pattern is wrong; nothing was written"],
  [
    EXIT.incomplete,
    "finished, but something did not move, or (plan) would not, and nobody agreed to that; or (lookup, report) something has no counterpart",
  ],
  [EXIT.different, "differences were found"],
  [EXIT.unauthorised, "a server refused the credentials, for everything or for some objects"],
  [EXIT.stale, "a saved plan is stale, for everything or for some objects, or its file is damaged; what is stale was not written"],
  [EXIT.interrupted, "stopped with Ctrl-C or SIGTERM; the same command continues"],
];

const GRAVEST_FIRST: readonly number[] = [
  EXIT.interrupted,
  EXIT.unauthorised,
  EXIT.usage,
  EXIT.failed,
  EXIT.stale,
  EXIT.incomplete,
  EXIT.different,
];

/** The code of a command for which several hold. */
export function gravest(codes: readonly number[]): number {
  return GRAVEST_FIRST.find((code) => codes.includes(code)) ?? EXIT.done;
}
