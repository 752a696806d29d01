// Compares two places and prints what differs as it is found.
import type { Compared, Matched } from "../engine/diff.ts";
import { diff, matchPlaces } from "../engine/diff.ts";
import { memoryJournal } from "../journal/memory-journal.ts";
import type { Source } from "../ports/source.ts";
import type { Target } from "../ports/target.ts";
import { diffJson } from "../report/diff-json.ts";
import { comparedText, diffHead, diffSummary } from "../report/diff-text.ts";
import { foldDiff } from "../report/diff-totals.ts";
import type { DiffTotals } from "../report/diff-totals.ts";
import { unreadField, unreadLines } from "../report/unread-workspaces.ts";
import { EXIT } from "./exit-codes.ts";
import { selectionOf } from "./flags.ts";
import type { LevelFlags, OutputFlags, PaceFlags, SelectionFlags } from "./flags.ts";
import { jobOf } from "./job-of.ts";
import type { Location } from "./location.ts";
import { withNotebooks } from "./notebook-flag.ts";
import type { NotebookFlags } from "./notebook-flag.ts";
import type { PlaceFlags } from "./place-flags.ts";
import { inSession } from "./session.ts";
import type { Session } from "./session.ts";
import { writeLines } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

export type DiffFlags = PlaceFlags & NotebookFlags & SelectionFlags & OutputFlags & PaceFlags & LevelFlags;

export interface DiffRequest {
  readonly a: Location;
  readonly b: Location;
  readonly flags: DiffFlags;
}

/** Prints what differs and sets the exit code: 4 when something does, or could not be compared. */
export function runDiff(terminal: Terminal, { a, b, flags }: DiffRequest): Promise<void> {
  const options = { selection: selectionOf(flags, terminal.now), mapping: {}, onLoss: "refuse", versionNumbers: "preserve" } as const;
  return inSession(terminal, { flags, locations: [a, b], phase: "opening" }, async (session) => {
    const started = terminal.now();
    const { signal } = session.interruption;
    const [source, target] = withNotebooksOf(
      await session.places.source(a, signal),
      await session.places.target(b, { for: "verify" }, signal),
      flags.notebooks,
    );
    const matched = await matchPlaces(jobOf(session, { source, target, journal: memoryJournal(), options, inFlight: flags.concurrency }));
    session.display.event({ type: "phase", phase: "comparing" });
    const { totals, found } = await compare(session, matched, flags);
    session.interruption.check();
    session.display.end();
    terminal.exitCode = totals.differences > 0 ? EXIT.different : EXIT.done;
    const context = {
      a: source.uri,
      b: target.uri,
      level: flags.level,
      notCarried: { a: matched.a.catalogue.notCarried, b: matched.b.catalogue.notCarried },
      durationMs: terminal.now() - started,
    };
    const unread = session.places.unread();
    writeLines(
      terminal.stdout,
      flags.json === true
        ? [JSON.stringify({ ...diffJson(found, { totals, context, exitCode: terminal.exitCode }), ...unreadField(unread) })]
        : [...unreadLines(unread, session.style), ...diffSummary(totals, context, session.style)],
    );
  });
}

/** Of either place that is a workspace. Throws USAGE where none is. */
function withNotebooksOf(a: Source, b: Target, format: NotebookFlags["notebooks"]): [Source, Target] {
  return [
    a.withNotebooks === undefined && b.withNotebooks !== undefined ? a : withNotebooks(a, format),
    b.withNotebooks === undefined && a.withNotebooks !== undefined ? b : withNotebooks(b, format),
  ];
}

/** Writes differences at once, so that none has to be kept; only a JSON report is written as a whole. */
async function compare(session: Session, matched: Matched, flags: DiffFlags): Promise<{ totals: DiffTotals; found: Compared[] }> {
  const fold = foldDiff();
  const found: Compared[] = [];
  let isFirst = true;
  for await (const compared of diff(matched, flags.level)) {
    fold.add(compared);
    const card = "only" in compared ? compared.card : compared.cards.a;
    session.display.event({ type: "checked", key: card.key, kind: card.kind });
    const lines = comparedText(compared, session.style);
    if (lines.length === 0) continue;
    session.log.warn("difference", { ...compared });
    if (flags.json === true) {
      found.push(compared);
      continue;
    }
    // From here on the differences themselves show that it goes on.
    session.display.end();
    if (isFirst) writeLines(session.terminal.stdout, diffHead({ a: matched.job.source.uri, b: matched.job.target.uri }, session.style));
    isFirst = false;
    writeLines(session.terminal.stdout, lines);
  }
  return { totals: fold.totals(), found };
}
