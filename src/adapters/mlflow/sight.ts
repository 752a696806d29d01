// What of a server a principal sees: a search returns what he may read and says nothing of the rest.
import type { Check, Examined, ExamineOptions, Sight } from "../../ports/checks.ts";
import { listExperiments, searchRuns } from "./calls.ts";
import type { MlflowServer } from "./server.ts";
import { tried } from "./tried.ts";
import type { WireExperiment, WireModelVersion } from "./wire.ts";

/** Who the server takes us for. */
export interface Principal {
  readonly name: string;
  readonly isAdmin: boolean;
}

/** What was seen, for tests on some of it. */
export interface Seen {
  readonly experiments: readonly WireExperiment[];
  readonly versions: readonly WireModelVersion[];
}

/** Lists everything that has a name; yields the checks and the sight, and gives what was seen unless that failed. */
export async function* lookAround(
  server: MlflowServer,
  principal: Principal | undefined,
  { countRuns, signal }: Pick<ExamineOptions, "countRuns" | "signal">,
): AsyncGenerator<Examined, Seen | undefined> {
  const { http } = server;
  const experiments: WireExperiment[] = [];
  const versions: WireModelVersion[] = [];
  const models = new Map<string, number>();
  const runs = new Map<string, number | undefined>();
  let whole = 0;
  const name = principal?.name ?? "this login";
  yield* tried("experiments", async () => {
    for await (const experiment of listExperiments(http, signal)) {
      experiments.push(experiment);
      runs.set(experiment.name, countRuns?.(experiment.name) === true ? await countOf(server, experiment, signal) : undefined);
    }
    whole += 1;
    return { says: `visible to ${name}: ${counted(experiments.length, "experiment")}` };
  });
  yield* tried("registry", async () => {
    const stock = await server.registry.stock({ includeDeleted: true }, signal);
    for (const model of stock.models) models.set(model.name, 0);
    versions.push(...stock.versions);
    for (const { name: model } of stock.versions) models.set(model, (models.get(model) ?? 0) + 1);
    whole += 1;
    return { says: `visible to ${name}: ${counted(models.size, "model")}, ${counted(versions.length, "version")}` };
  });
  if (whole < 2) return undefined;
  yield { check: filterCheck(server, principal) };
  const sight: Sight = { principal: name, experiments: runs, models };
  yield { sight };
  return { experiments, versions };
}

function filterCheck({ http }: MlflowServer, principal: Principal | undefined): Check {
  const name = "visibility";
  if (principal?.isAdmin === true) return { name, state: "ok", says: "an administrator sees everything" };
  if (principal === undefined && http.credential === undefined)
    return { name, state: "ok", says: "the server asks for no login, so everything is visible" };
  return {
    name,
    state: "warn",
    says: `only what ${principal?.name ?? "this login"} may read is listed, and what is not listed would not be moved`,
    hint: "compare with what an administrator sees: mlferry ls SRC --json as administrator, then mlferry doctor SRC --expect FILE",
  };
}

async function countOf({ http }: MlflowServer, { experiment_id: id }: WireExperiment, signal: AbortSignal): Promise<number> {
  let runs = 0;
  for await (const page of searchRuns(http, { experimentIds: [id] }, signal)) runs += page.length;
  return runs;
}

function counted(count: number, noun: string): string {
  return `${String(count)} ${noun}${count === 1 ? "" : "s"}`;
}
