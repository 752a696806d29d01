// Looks at places before a job, prints the checklist and sets the exit code.
import { tmpdir } from "node:os";
import { dirname, resolve } from "node:path";
import { CODES } from "../errors.ts";
import type { Check, Sight } from "../ports/checks.ts";
import { checklistJson, checklistText } from "../report/checklist.ts";
import type { CheckedPlace } from "../report/checklist.ts";
import { EXIT, gravest } from "./exit-codes.ts";
import { readExpectation, unseenOf } from "./expectation.ts";
import type { Expectation } from "./expectation.ts";
import type { OutputFlags, PaceFlags, StateFlags } from "./flags.ts";
import type { NamedLocation, Role } from "./location.ts";
import type { PlaceFlags } from "./place-flags.ts";
import { machineChecks } from "./machine-checks.ts";
import { inSession } from "./session.ts";
import type { Session } from "./session.ts";
import { stateDir } from "./state-dir.ts";
import { writeLines } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

export type DoctorFlags = PlaceFlags &
  OutputFlags &
  PaceFlags &
  StateFlags & { readonly expect?: readonly string[]; readonly writeTest?: boolean };

export interface DoctorRequest {
  readonly source: NamedLocation;
  readonly target: NamedLocation | undefined;
  readonly flags: DoctorFlags;
}

export function runDoctor(terminal: Terminal, request: DoctorRequest): Promise<void> {
  const { source, target, flags } = request;
  const expectation = flags.expect === undefined ? undefined : readExpectation(flags.expect);
  const locations = [source, ...(target === undefined ? [] : [target])];
  return inSession(terminal, { flags, locations, phase: "examining" }, async (session) => {
    const from = await examine(session, { role: "source", location: source, flags, expectation });
    const to =
      target === undefined ? undefined : await examine(session, { role: "target", location: target, flags, expectation: undefined });
    const machine = { title: "this machine", checks: machineChecks(process.versions.node, foldersOf(request, terminal)) };
    session.display.end();
    const places = [machine, from, ...(to === undefined ? [] : [to])];
    const comparison =
      expectation === undefined || from.sight === undefined
        ? undefined
        : {
            principal: from.sight.principal,
            expected: expectation.experiments.size + expectation.models.size,
            unseen: unseenOf(expectation, from.sight),
          };
    const checklist = { places, comparison };
    terminal.exitCode = exitCodeOf(places, comparison?.unseen.length ?? 0);
    const lines =
      flags.json === true ? [JSON.stringify(checklistJson(checklist, terminal.exitCode))] : checklistText(checklist, session.style);
    writeLines(terminal.stdout, lines);
  });
}

interface Examination {
  readonly role: Role;
  readonly location: NamedLocation;
  readonly flags: DoctorFlags;
  readonly expectation: Expectation | undefined;
}

async function examine(
  session: Session,
  { role, location, flags, expectation }: Examination,
): Promise<CheckedPlace & { readonly sight: Sight | undefined }> {
  const title = `${role} ${location.place === "bundle" ? location.path : location.url}`;
  const checks: Check[] = [];
  let sight: Sight | undefined;
  // A bundle that is to be written is not there yet: its folder is looked at with the machine.
  if (role === "target" && location.place === "bundle") return { title, checks: [newBundle(location.path)], sight };
  const options = {
    use: role === "source" ? ("read" as const) : ("write" as const),
    writeTest: flags.writeTest === true,
    countRuns: (name: string): boolean => expectation?.experiments.get(name) !== undefined,
    signal: session.interruption.signal,
  };
  for await (const examined of session.places.examine(location, role, options)) {
    if ("sight" in examined) sight = examined.sight;
    else checks.push(examined.check);
  }
  return { title, checks, sight };
}

function newBundle(path: string): Check {
  return { name: "bundle", state: "ok", says: `is to be written at ${path}` };
}

function foldersOf({ target, flags }: DoctorRequest, { env }: Terminal): { name: string; path: string }[] {
  return [
    { name: "state", path: stateDir(flags.state, env) },
    { name: "temporary files", path: tmpdir() },
    ...(target?.place === "bundle" ? [{ name: "bundle's disk", path: dirname(resolve(target.path)) }] : []),
  ];
}

function exitCodeOf(places: readonly CheckedPlace[], unseen: number): number {
  const failed = places.flatMap(({ checks }) => checks.filter(({ state }) => state === "fail"));
  const codes = failed.map(({ code }) => (code === "NOT_AUTHORISED" ? CODES[code].exit : EXIT.failed));
  return gravest([...codes, ...(unseen > 0 ? [EXIT.different] : [])]);
}
