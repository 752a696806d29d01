// One export or import over the library, with a fixed or a found number of requests in flight. Run by pacing.ts:
// paced-job.ts export|import URL BUNDLE LEVEL NAME, LEVEL being a number or adaptive:CEILING. Prints what there was as JSON.
import { performance } from "node:perf_hooks";
import {
  connectMlflow,
  createBundleTarget,
  createMapping,
  createMlflowSource,
  createMlflowTarget,
  createPacer,
  execute,
  memoryJournal,
  openBundleSource,
  planSteps,
  prepare,
} from "../src/index.ts";
import type { Pacer, Source, Target } from "../src/index.ts";

const never = new AbortController().signal;

/** Seconds of the job itself, without the start of the process. */
async function paced([what, url, bundle, level, name]: readonly string[]): Promise<object> {
  if (url === undefined || bundle === undefined || level === undefined || name === undefined) throw new Error("see pacing.ts");
  const [kind, ceiling] = level.split(":");
  const inFlight = Number(ceiling ?? kind);
  const changes: string[] = [];
  const pacer = createPacer({
    inFlight,
    adapt: kind === "adaptive",
    onLevel: ({ from, to, reason }) => changes.push(`${from} -> ${to}: ${reason}`),
  });
  const began = performance.now();
  const server = await connectMlflow({ baseUrl: url, pacer, userAgent: "mlferry-bench" }, never);
  const source = what === "export" ? createMlflowSource(server) : await openBundleSource(bundle, {});
  const written = { tool: "mlferry-bench", source: { uri: source.uri, origin: source.origin }, selection: {}, created: new Date() };
  const target =
    what === "export"
      ? await createBundleTarget(bundle, { ...written, force: true, reopen: false })
      : createMlflowTarget(server, createMlflowSource(server));
  const outcomes = await move(source, target, { pacer, inFlight, name: what === "export" ? "*" : `${name}/*` });
  await target.close();
  await source.close();
  return { seconds: (performance.now() - began) / 1000, outcomes, level: pacer.report().level, changes };
}

async function move(
  source: Source,
  target: Target,
  how: { pacer: Pacer; inFlight: number; name: string },
): Promise<Record<string, number>> {
  const rename = [{ from: "*", to: how.name }];
  const prepared = await prepare({
    source,
    target,
    journal: memoryJournal(),
    selection: { includeDeleted: true },
    mapping: createMapping({ experiments: rename, models: [{ from: "*", to: how.name.replace("/", "-") }] }),
    onLoss: "refuse",
    inFlight: how.inFlight,
    transfers: () => how.pacer.level,
    signal: never,
    drain: never,
    onEvent: () => undefined,
  });
  const counts: Record<string, number> = {};
  for await (const { state } of execute(prepared, planSteps(prepared))) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

process.stdout.write(`${JSON.stringify(await paced(process.argv.slice(2)))}\n`);
