// Looks up where objects went: in the journals of the state folder, or at a place by what its objects tell of themselves.
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { cameFrom, lookUp, placedAt } from "../engine/lookup.ts";
import type { Counterparts, LookedUp } from "../engine/lookup.ts";
import { MigrationError } from "../errors.ts";
import { listJobs } from "../journal/jobs.ts";
import type { StoredJob } from "../journal/jobs.ts";
import { openPlacements } from "../journal/placements.ts";
import { lookupJson } from "../report/lookup-json.ts";
import { shown } from "../report/table.ts";
import { EXIT } from "./exit-codes.ts";
import type { OutputFlags, PaceFlags, StateFlags } from "./flags.ts";
import { isServer } from "./location.ts";
import type { Location } from "./location.ts";
import { createLocator } from "./place-flags.ts";
import type { Locator, PlaceFlags } from "./place-flags.ts";
import { inSession } from "./session.ts";
import type { Session } from "./session.ts";
import { stateDir } from "./state-dir.ts";
import { writeLines } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

export type LookupFlags = PlaceFlags &
  OutputFlags &
  PaceFlags &
  StateFlags & { readonly from?: string; readonly to?: string; readonly in?: string; readonly reverse?: boolean };

/** Prints a line for each question that has an answer, tells of each that has none, and then sets the exit code to 3. */
export async function runLookup(terminal: Terminal, questions: readonly string[], flags: LookupFlags): Promise<void> {
  refuseContradictions(flags);
  const locator = createLocator(terminal, flags);
  const place = flags.in === undefined ? undefined : locator.locate(flags.in, { role: "target", use: "read" });
  if (place?.place === "pipe" && questions.includes("-")) {
    throw new MigrationError("USAGE", "stdin is to be both the questions and the bundle", { hint: "give the bundle as a file" });
  }
  await inSession(terminal, { flags, locations: place === undefined ? [] : [place], phase: "looking up" }, async (session) => {
    await using book = place === undefined ? await journals(terminal, flags, locator) : await openPlace(session, place, flags);
    const collected: LookedUp[] = [];
    let unanswered = 0;
    for await (const question of asked(questions, terminal, session.interruption.signal)) {
      session.interruption.check();
      const result = await lookUp(question, book.counterparts);
      if ("reason" in result) {
        unanswered += 1;
        session.display.say(`no answer for ${shown(question)}: ${shown(result.reason)}`);
      }
      if (flags.json === true) collected.push(result);
      else if ("answer" in result) writeLines(terminal.stdout, [`${shown(question)}\t${shown(result.answer)}`]);
    }
    session.display.end();
    terminal.exitCode = unanswered > 0 ? EXIT.incomplete : EXIT.done;
    if (flags.json === true) writeLines(terminal.stdout, [JSON.stringify(lookupJson(collected, terminal.exitCode))]);
  });
}

function refuseContradictions(flags: LookupFlags): void {
  const narrowed = flags.from !== undefined || flags.to !== undefined;
  if (flags.in !== undefined && narrowed) {
    throw new MigrationError("USAGE", "--in asks a place, while --from and --to choose among journals", { hint: "give one or the other" });
  }
  if (flags.reverse === true && flags.in === undefined) {
    throw new MigrationError("USAGE", "--reverse asks the objects themselves, and no place was given", { hint: "add --in DST" });
  }
}

interface Book extends AsyncDisposable {
  readonly counterparts: Counterparts;
}

async function openPlace(session: Session, place: Location, flags: LookupFlags): Promise<Book> {
  const { signal } = session.interruption;
  const source = await session.places.target(place, { for: "verify" }, signal);
  const counterparts = flags.reverse === true ? cameFrom(source, signal) : placedAt(source, { orSame: !isServer(place) }, signal);
  // The session closes its places.
  return { counterparts, [Symbol.asyncDispose]: () => Promise.resolve() };
}

async function journals(terminal: Terminal, flags: LookupFlags, { locate }: Locator): Promise<Book> {
  const dir = stateDir(flags.state, terminal.env);
  const from = flags.from === undefined ? undefined : locate(flags.from, { role: "source", use: "write" });
  const to = flags.to === undefined ? undefined : locate(flags.to, { role: "target", use: "write" });
  const all = await listJobs(dir);
  const jobs = all.filter((job) => isOf(job.source, from) && (to === undefined ? isServersAddress(job.target) : isOf(job.target, to)));
  if (jobs.length === 0) throw unknownJobs(dir, all);
  const reader = openPlacements(dir);
  const placedBy = (job: StoredJob, key: Parameters<Counterparts>[0]) => {
    const placed = reader?.placed(job, key);
    return placed === undefined ? [] : [{ key: placed, at: job.target }];
  };
  return {
    counterparts: (key) => Promise.resolve(jobs.flatMap((job) => placedBy(job, key))),
    [Symbol.asyncDispose]: () => Promise.resolve(reader?.close()),
  };
}

/** What is in a bundle has its keys still: such jobs only answer when they are asked for. */
function isServersAddress(address: string): boolean {
  return /^(uc:)?https?:/.test(address);
}

function isOf(address: string, location: Location | undefined): boolean {
  if (location === undefined) return true;
  if (location.place === "pipe") return false;
  if (location.place === "bundle") return !isServersAddress(address) && resolve(address) === resolve(location.path);
  if (location.place === "uc") {
    const { url, tracking } = location;
    return tracking === undefined
      ? address === `uc:${url}` || address.startsWith(`uc:${url} (runs at `)
      : address === `uc:${url} (runs at ${tracking.url})` || address.startsWith(`uc:${url} (runs at ${tracking.url} (`);
  }
  // Places of other workspaces than the default one are noted as `<address> (workspace <name>)`.
  const { url } = location;
  if (location.place === "databricks-uc") return address === `${url} (Unity Catalog)`;
  const workspace = location.place === "mlflow" ? location.workspace : undefined;
  if (workspace === undefined || workspace.ambient === true) return address === url || address.startsWith(`${url} (workspace `);
  return address === `${url} (workspace ${workspace.name})` || (workspace.name === "default" && address === url);
}

function unknownJobs(dir: string, all: readonly StoredJob[]): MigrationError {
  const known = [...new Set(all.map(({ source, target }) => `${source} to ${target}`))].slice(0, 3).join(", ");
  return new MigrationError("NOT_FOUND", `the journals in ${dir} hold no such job`, {
    hint: known === "" ? "on a machine that ran no job, ask the target: --in DST" : `they hold: ${known}; or ask the target: --in DST`,
  });
}

/** `-` stands for one question a line on stdin. */
async function* asked(questions: readonly string[], { bytes }: Pick<Terminal, "bytes">, signal: AbortSignal): AsyncGenerator<string> {
  for (const question of questions) {
    if (question !== "-") yield question;
    else for await (const line of linesOf(bytes.in.chunks(signal))) if (line !== "") yield line;
  }
}

function linesOf(chunks: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  return createInterface({ input: Readable.from(chunks), crlfDelay: Infinity });
}
