// Compares two places under the rules of the copy that was made between them.
import type { Level } from "../engine/finding.ts";
import { prepare } from "../engine/preflight.ts";
import type { Prepared } from "../engine/preflight.ts";
import { verify } from "../engine/verify.ts";
import { memoryJournal } from "../journal/memory-journal.ts";
import { kindOf } from "../model/keys.ts";
import { createFileFilter } from "../model/file-filter.ts";
import { createMapping } from "../model/mapping.ts";
import { questionOf } from "../model/selection.ts";
import { verifyJson } from "../report/json.ts";
import { timeText } from "../report/quantities.ts";
import { foldVerified } from "../report/verify-totals.ts";
import { verifyText } from "../report/verify-text.ts";
import { unreadField, unreadLines } from "../report/unread-workspaces.ts";
import { EXIT } from "./exit-codes.ts";
import { fileRulesOf, rootRulesOf } from "./file-flags.ts";
import type { FileFlags, RootFlags } from "./file-flags.ts";
import { hasSelection, selectionOf } from "./flags.ts";
import type { LevelFlags, NumberFlags, OutputFlags, PaceFlags, SelectionFlags, StateFlags } from "./flags.ts";
import { earlierJob } from "./job-journal.ts";
import type { EarlierJob } from "./job-journal.ts";
import type { JobOptions } from "./job-options.ts";
import { jobOf } from "./job-of.ts";
import type { Location } from "./location.ts";
import { hasMapping, mappingOf } from "./mapping-flags.ts";
import type { MappingFlags } from "./mapping-flags.ts";
import { withNotebooks } from "./notebook-flag.ts";
import type { NotebookFlags } from "./notebook-flag.ts";
import type { PlaceFlags } from "./place-flags.ts";
import { inSession } from "./session.ts";
import type { Session } from "./session.ts";
import { stateDir } from "./state-dir.ts";
import { writeLines } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

export type VerifyFlags = PlaceFlags &
  SelectionFlags &
  FileFlags &
  RootFlags &
  MappingFlags &
  OutputFlags &
  PaceFlags &
  StateFlags &
  LevelFlags &
  NotebookFlags &
  Partial<NumberFlags> & { readonly onLoss?: "refuse" | "drop" };

export interface VerifyRequest {
  readonly source: Location;
  readonly target: Location;
  readonly flags: VerifyFlags;
}

/** Prints what differs and sets the exit code: 4 when something does that no agreed loss explains. */
export function runVerify(terminal: Terminal, request: VerifyRequest): Promise<void> {
  const { flags, source, target } = request;
  // Mistakes in the rules are told before a place is opened.
  const files = fileRulesOf(flags, terminal.args);
  const given = { selection: selectionOf(flags, terminal.now), mapping: mappingOf(flags), ...(files === undefined ? {} : { files }) };
  for (const role of ["source", "target"] as const) rootRulesOf(flags, role);
  return inSession(terminal, { flags, locations: [source, target], phase: "opening" }, async (session) => {
    const started = terminal.now();
    const prepared = await prepareVerify(session, request, given);
    session.display.event({ type: "phase", phase: "comparing" });
    const fold = foldVerified();
    for await (const verified of verify(prepared, flags.level)) {
      fold.add(verified);
      session.display.event({ type: "checked", key: verified.key, kind: kindOf(verified.key) });
      for (const finding of verified.findings) session.log.warn("finding", { ...finding });
    }
    session.interruption.check();
    session.display.end();
    const totals = fold.totals();
    terminal.exitCode = totals.differences > 0 ? EXIT.different : EXIT.done;
    const context = { ...contextOf(prepared, flags.level), durationMs: terminal.now() - started };
    const json = flags.json === true;
    const unread = session.places.unread();
    const lines = json
      ? [JSON.stringify({ ...verifyJson(totals, context, terminal.exitCode), ...unreadField(unread) })]
      : [...unreadLines(unread, session.style), ...verifyText(totals, context, session.style)];
    writeLines(terminal.stdout, lines);
  });
}

function contextOf(
  { job, catalogue }: Prepared,
  level: Level,
): { source: string; target: string; level: Level; notCarried: typeof catalogue.notCarried } {
  return { source: job.source.uri, target: job.target.uri, level, notCarried: catalogue.notCarried };
}

async function prepareVerify(session: Session, request: VerifyRequest, given: Given): Promise<Prepared> {
  const { places, interruption, display, terminal } = session;
  const { flags } = request;
  const place = await places.source(request.source, interruption.signal);
  const target = await places.target(request.target, { for: "verify" }, interruption.signal);
  const earlier = await earlierJob(stateDir(flags.state, terminal.env), place, target, request.target);
  const options = combined(given, flags, earlier);
  const source = withNotebooks(place, options.notebooks);
  for (const note of notes(given, flags, earlier)) display.say(note);
  return prepare(jobOf(session, { source, target, journal: memoryJournal(), options, inFlight: flags.concurrency }));
}

type Given = Pick<JobOptions, "selection" | "mapping" | "files">;

/** What is not given comes from the earlier copy, and the notes tell so. */
function combined(given: Given, flags: VerifyFlags, earlier: EarlierJob | undefined): JobOptions {
  const files = given.files ?? earlier?.options.files;
  const notebooks = flags.notebooks ?? earlier?.options.notebooks;
  return {
    selection: hasSelection(flags) || earlier === undefined ? given.selection : earlier.options.selection,
    mapping: hasMapping(flags) || earlier === undefined ? given.mapping : earlier.options.mapping,
    onLoss: flags.onLoss ?? earlier?.options.onLoss ?? "refuse",
    versionNumbers: flags.versionNumbers ?? earlier?.options.versionNumbers ?? "preserve",
    ...(files === undefined ? {} : { files }),
    ...(notebooks === undefined ? {} : { notebooks }),
  };
}

function notes(given: Given, flags: VerifyFlags, earlier: EarlierJob | undefined): string[] {
  if (earlier === undefined) return [];
  const { mapping, onLoss, selection, versionNumbers, files, notebooks } = earlier.options;
  const none = createMapping({}).canonical;
  const isSame = JSON.stringify(questionOf(selection)) === JSON.stringify(questionOf(given.selection));
  const usesSelection = !hasSelection(flags) && !isSame;
  const usesMapping = !hasMapping(flags) && createMapping(mapping).canonical !== none;
  const usesPolicy = flags.onLoss === undefined && onLoss === "drop";
  const what = [
    ...(usesSelection ? ["the selection"] : []),
    ...(usesMapping ? ["the mapping"] : []),
    ...(usesPolicy ? ["--on-loss drop"] : []),
    ...(flags.versionNumbers === undefined && versionNumbers === "compact" ? ["--version-numbers compact"] : []),
    ...(given.files === undefined && files !== undefined ? [createFileFilter(files).wording] : []),
    ...(flags.notebooks === undefined && notebooks !== undefined ? [`--notebooks ${notebooks}`] : []),
  ].join(" and ");
  return [
    ...(what === "" ? [] : [`using ${what} of the copy of ${timeText(earlier.updated)}: ${earlier.command}`]),
    ...(usesSelection ? ["to compare everything: --experiments '*' --models '*'"] : []),
    ...(isSame || usesSelection ? [] : [`note: that copy had another selection than this comparison: ${earlier.command}`]),
  ];
}
