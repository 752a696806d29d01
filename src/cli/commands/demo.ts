// mlferry demo: a sample registry from an MLflow server to a bundle, and on to a target with Unity Catalog's rules.
import { basename, resolve } from "node:path";
import type { Command } from "commander";
import { checkBundle } from "../../adapters/bundle/check.ts";
import { openBundleSource } from "../../adapters/bundle/source.ts";
import { createMemory } from "../../adapters/memory/memory.ts";
import { unityCatalogCapabilities } from "../../adapters/unity-catalog/capabilities.ts";
import { createMapping } from "../../model/mapping.ts";
import type { Mapping } from "../../model/mapping.ts";
import type { Source } from "../../ports/source.ts";
import { bytesText, countOf } from "../../report/quantities.ts";
import { paint } from "../../report/style.ts";
import { serveRegistry } from "../../serve/serve.ts";
import type { RunningServer } from "../../serve/serve.ts";
import { demoBundlePath, EXAMPLES, shortPath } from "../demo/folder.ts";
import { compareAll, moveAll, planOf } from "../demo/steps.ts";
import type { DemoJob, Moved } from "../demo/steps.ts";
import * as story from "../demo/story.ts";
import { EXIT } from "../exit-codes.ts";
import { parseLocation } from "../location.ts";
import { readMappingFile } from "../mapping-flags.ts";
import { inSession } from "../session.ts";
import type { Session } from "../session.ts";
import { writeLines } from "../terminal.ts";
import type { Terminal } from "../terminal.ts";

export function registerDemo(program: Command, terminal: Terminal): void {
  program
    .command("demo")
    .summary("see a sample registry move, with nothing else installed")
    .description(
      "Serves a sample registry on this machine, exports it into a bundle, brings the bundle to a target in memory that has Unity\n" +
        "Catalog's rules, and compares both. Nothing leaves the machine; only the bundle stays.",
    )
    .option("--dir <folder>", "where the bundle is written; an earlier demo's is replaced", "mlferry-demo")
    .action((flags: { dir: string }) => runDemo(terminal, resolve(flags.dir)));
}

interface Demo {
  readonly terminal: Terminal;
  readonly session: Session;
  readonly bundle: string;
  /** What all jobs share. */
  readonly base: Pick<DemoJob, "selection" | "inFlight" | "signal" | "drain">;
  tell(lines: readonly string[]): void;
}

const IN_FLIGHT = 8;

async function runDemo(terminal: Terminal, folder: string): Promise<void> {
  const bundle = demoBundlePath(folder);
  // The demo's server wants no login and no proxy, and gets none that is meant for another.
  const env = Object.fromEntries(Object.entries(terminal.env).filter(([name]) => !/^(MLFLOW_|MLFERRY_|https?_proxy$)/i.test(name)));
  const options = { flags: { concurrency: IN_FLIGHT, quiet: true }, locations: [], phase: "demo" };
  await inSession({ ...terminal, env }, options, async (session) => {
    const { signal, drain } = session.interruption;
    const base = { selection: { includeDeleted: true }, inFlight: IN_FLIGHT, signal, drain };
    const demo: Demo = { terminal, session, bundle, base, tell: (lines) => writeLines(terminal.stdout, lines) };
    const sample = await openBundleSource(EXAMPLES.registry, { signal });
    try {
      await carryOut(demo, sample);
    } finally {
      await sample.close();
    }
  });
}

async function carryOut(demo: Demo, sample: Source): Promise<void> {
  const server = await serveSample(demo, sample);
  const exported = await exportBundle(demo, server).finally(() => server.close());
  const source = await openBundleSource(demo.bundle, { signal: demo.base.signal });
  try {
    const target = createMemory({ uri: "memory", capabilities: unityCatalogCapabilities });
    const mapping = createMapping(readMappingFile(EXAMPLES.mapping));
    const job: DemoJob = { ...demo.base, source, target, mapping, onLoss: "drop" };
    await showPlan(demo, job);
    const imported = await importBundle(demo, job);
    showResult(demo, { exported, imported, mapping });
    await prove(demo, job);
  } finally {
    await source.close();
  }
}

/** Runs the work and gives its result with the milliseconds that it took. */
async function timed<T>({ terminal }: Demo, work: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const started = terminal.now();
  const result = await work();
  return { result, ms: terminal.now() - started };
}

async function serveSample(demo: Demo, sample: Source): Promise<RunningServer> {
  const { style } = demo.session;
  const { result: server, ms } = await timed(demo, () => serveRegistry(sample, { port: 0 }));
  const { notCarried } = await sample.select(demo.base.selection, demo.base.signal);
  demo.tell([
    ...story.heading("1  a team's registry, on a server that speaks MLflow's REST API", { ms }, style),
    ...story.paragraph(
      `${server.url} serves examples/sample-registry, recorded from a real MLflow 3.17.2. ` +
        `What mlferry does not carry yet was named and left behind then: ${story.notCarriedText(notCarried)}.`,
    ),
  ]);
  return server;
}

async function exportBundle(demo: Demo, server: RunningServer): Promise<Moved> {
  const { session, bundle, base, terminal } = demo;
  const { places, style } = session;
  const { result, ms } = await timed(demo, async () => {
    const source = await places.source(parseLocation(server.url, { role: "source" }), base.signal);
    const use = {
      for: "write",
      source,
      selection: base.selection,
      created: new Date(terminal.now()),
      withFiles: true,
      force: true,
    } as const;
    const target = await places.target({ place: "bundle", path: bundle }, use, base.signal);
    return moveAll({ ...base, source, target, mapping: createMapping({}), onLoss: "refuse" });
  });
  const command = `mlferry export ${server.url} -o ${basename(bundle)} --include-deleted`;
  const requests = [...places.sent.requests().values()].reduce((sum, count) => sum + count, 0);
  demo.tell([
    ...story.heading("2  everything on it into one file", { ms, command }, style),
    ...story.paragraph(`${story.movedText(result)} in ${countOf(requests, "request")}.`),
  ]);
  await checkOffline(demo);
  return result;
}

async function checkOffline(demo: Demo): Promise<void> {
  const { bundle, base, session } = demo;
  const check = checkBundle(bundle, { signal: base.signal });
  const { result: problems, ms } = await timed(demo, async () => {
    let found = 0;
    for await (const _problem of check) found += 1;
    return found;
  });
  if (problems > 0) demo.terminal.exitCode = EXIT.different;
  demo.tell([
    ...story.heading("3  the file checked by itself", { ms, command: `mlferry verify ${basename(bundle)}` }, session.style),
    ...story.paragraph(
      `${bytesText(check.counts.sizeBytes)} read, ${countOf(check.counts.blobs, "blob")}: ${countOf(problems, "problem")}.`,
    ),
  ]);
}

async function showPlan(demo: Demo, job: DemoJob): Promise<void> {
  const { result, ms } = await timed(demo, () => planOf(job));
  const command = `mlferry plan ${basename(demo.bundle)} TARGET --map examples/uc-mapping.yaml`;
  demo.tell([
    ...story.heading("4  what a target with Unity Catalog's rules would make of it", { ms, command }, demo.session.style),
    ...story.paragraph(`${story.factsText(result)} Nothing was written.`),
  ]);
}

async function importBundle(demo: Demo, job: DemoJob): Promise<Moved> {
  const { result, ms } = await timed(demo, () => moveAll(job));
  const command = `mlferry import ${basename(demo.bundle)} TARGET --map … --on-loss drop`;
  demo.tell([
    ...story.heading("5  the file brought there: a target in memory that holds to these rules", { ms, command }, demo.session.style),
    ...story.paragraph(`${story.movedText(result)}.`),
  ]);
  return result;
}

interface Results {
  readonly exported: Moved;
  readonly imported: Moved;
  readonly mapping: Mapping;
}

function showResult(demo: Demo, { exported, imported, mapping }: Results): void {
  const { style } = demo.session;
  demo.tell([
    ...story.movedTable(exported.totals, imported.totals, style),
    ...story.stageTable(imported.steps, mapping, style),
    ...story.changesTable(imported.totals, style),
    ...story.lostTable(imported.totals, style),
  ]);
}

async function prove(demo: Demo, job: DemoJob): Promise<void> {
  const { style } = demo.session;
  const compared = await timed(demo, () => compareAll(job));
  const isClean = compared.result.differences === 0;
  const command = `mlferry verify ${basename(demo.bundle)} TARGET --level bytes`;
  demo.tell([
    ...story.heading("6  the proof", { ms: compared.ms, command }, style),
    ...story.paragraph(story.proofText(compared.result)).map((line) => paint(style, isClean ? "good" : "bad", line)),
  ]);
  const again = await timed(demo, () => moveAll(job));
  const { skipped } = again.result.totals.states;
  const written = again.result.totals.objects - skipped;
  demo.tell([
    ...story.heading("7  the same import once more", { ms: again.ms }, style),
    ...story.paragraph(`${countOf(skipped, "object")} there already, ${countOf(written, "object")} written.`),
    ...ending(demo),
  ]);
  if (!isClean || written > 0) demo.terminal.exitCode = EXIT.different;
}

function ending({ bundle, session }: Demo): string[] {
  // Built, the program is called by its name; as source, by its file.
  const program = import.meta.url.endsWith(".ts") ? "npx node src/cli/main.ts" : "mlferry";
  const short = shortPath(bundle, process.cwd());
  return [
    "",
    `The bundle is ${short}. Next, with a server of your own:`,
    ...[
      `${program} export http://localhost:5000 -o backup.tar`,
      `${program} plan backup.tar http://other:5000 --map my-mapping.yaml`,
      `${program} copy http://localhost:5000 http://other:5000`,
    ].map((line) => `   ${paint(session.style, "heading", line)}`),
  ];
}
