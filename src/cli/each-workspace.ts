// A command for each of several workspaces, one after the other: each runs as if it were alone, and one report tells of all.
import { mkdirSync } from "node:fs";
import { JSON_VERSION } from "../report/json.ts";
import type { WorkspacesJson } from "../report/workspaces-json.ts";
import { paint } from "../report/style.ts";
import { workspacesSummary } from "../report/workspaces-text.ts";
import type { WorkspaceResult } from "../report/workspaces-text.ts";
import { gravest } from "./exit-codes.ts";
import { failureJson, failureLines, failureOf } from "./failure.ts";
import type { OutputFlags, PaceFlags } from "./flags.ts";
import { inSession } from "./session.ts";
import { styleFor, writeLines } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";
import { pairWorkspaces } from "./workspace-pairs.ts";
import type { WorkspacePair, WorkspaceSets } from "./workspace-pairs.ts";

export interface EachWorkspace extends WorkspaceSets {
  readonly flags: OutputFlags & PaceFlags;
}

/** Runs the command for one pair: it writes its report to this terminal and sets the exit code there. */
export type RunPair = (terminal: Terminal, pair: WorkspacePair) => Promise<void>;

/** What fails in one workspace fails that one. Sets the gravest exit code. An interruption ends all. */
export async function eachWorkspace(terminal: Terminal, each: EachWorkspace, run: RunPair): Promise<void> {
  const { pairs, unread } = await resolvePairs(terminal, each);
  if (each.writes === true && each.target?.place === "bundle") mkdirSync(each.target.path, { recursive: true });
  const json = each.flags.json === true;
  const style = styleFor(terminal.stdout, terminal.env, { verbose: each.flags.verbose === true });
  const results: (WorkspaceResult & { readonly output: string })[] = [];
  for (const pair of pairs) {
    const result = await runOne(terminal, pair, { run, json });
    results.push({ name: pair.name, ...(pair.target === undefined ? {} : { to: pair.to }), ...result });
    if (!json) writeLines(terminal.stdout, [paint(style, "heading", `workspace ${pair.name}`), "", result.output]);
  }
  terminal.exitCode = gravest(results.map(({ exitCode }) => exitCode));
  if (json) writeLines(terminal.stdout, [JSON.stringify(jsonOf(results, { unread, exitCode: terminal.exitCode }))]);
  else writeLines(terminal.stdout, workspacesSummary(results, unread, style));
}

async function resolvePairs(terminal: Terminal, each: EachWorkspace): Promise<Awaited<ReturnType<typeof pairWorkspaces>>> {
  const { flags, source, target } = each;
  const locations = [source, ...(target === undefined ? [] : [target])];
  let resolved: Awaited<ReturnType<typeof pairWorkspaces>> = { pairs: [], unread: [] };
  await inSession(terminal, { flags, locations, phase: "listing workspaces" }, async (session) => {
    resolved = await pairWorkspaces(session, each);
  });
  return resolved;
}

async function runOne(
  terminal: Terminal,
  pair: WorkspacePair,
  { run, json }: { readonly run: RunPair; readonly json: boolean },
): Promise<Pick<WorkspaceResult, "exitCode"> & { readonly output: string }> {
  const { stdout } = terminal;
  let output = "";
  const captured = {
    isTTY: stdout.isTTY,
    get columns() {
      return stdout.columns;
    },
    write: (text: string) => void (output += text),
  };
  // A resumed command is that of one of its jobs, and the others go on with it.
  const { resumes: _one, ...shared } = terminal;
  const own: Terminal = { ...shared, stdout: captured, exitCode: 0 };
  try {
    await run(own, pair);
    return { exitCode: own.exitCode, output };
  } catch (thrown) {
    const failure = failureOf(thrown);
    if (failure === undefined || failure.code === "INTERRUPTED") throw thrown;
    return { exitCode: failure.exitCode, output: json ? failureJson(failure) : `${failureLines(failure).join("\n")}\n` };
  }
}

function jsonOf(
  results: readonly (WorkspaceResult & { readonly output: string })[],
  { unread, exitCode }: { readonly unread: readonly string[]; readonly exitCode: number },
): WorkspacesJson {
  return {
    mlferry_json: JSON_VERSION,
    report: "workspaces",
    workspaces: results.map(({ name, to, output, exitCode: code }) => ({
      source: name,
      ...(to === undefined ? {} : { target: to }),
      report: JSON.parse(output) as unknown,
      exit_code: code,
    })),
    ...(unread.length === 0 ? {} : { workspaces_not_read: [...unread] }),
    exit_code: exitCode,
  };
}
