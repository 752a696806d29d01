// Reads a byte of everything that an export would read: of one run's file in each store of files, and of one version's file.
import type { Run } from "../../model/entities.ts";
import type { Check, Examined } from "../../ports/checks.ts";
import type { ArtifactReader, Source } from "../../ports/source.ts";
import type { MlflowServer } from "./server.ts";
import { toRun } from "./convert.ts";
import type { Seen } from "./sight.ts";
import { tried } from "./tried.ts";
import { parseWire, wire } from "./wire.ts";
import type { WireExperiment, WireModelVersion } from "./wire.ts";

/** Runs of a store that are looked at for one with a file. */
const MOST_RUNS = 20;

/** Yields a check for each store, and one for the files of versions where there are any. */
export async function* readTests(
  server: MlflowServer,
  { experiments, versions, source }: Seen & { readonly source: Source },
  signal: AbortSignal,
): AsyncGenerator<Examined> {
  for (const [store, inStore] of storesOf(experiments)) {
    yield* tried("store of files", async () => {
      for (const run of await newestRuns(server, inStore, signal)) {
        const path = await readOne(source.artifacts(run, signal));
        if (path !== undefined) return { says: `read ${path} of a run in ${store}` };
      }
      return { says: `no file to try in the newest runs of ${store}` };
    });
  }
  const version = versions.find(({ run_id: run }) => run !== "") ?? versions[0];
  if (version !== undefined) yield* tried("files of versions", () => readVersion(source, version, signal));
}

/** Experiments by where their files lie, told by scheme and host, or by the first folder. */
function storesOf(experiments: readonly WireExperiment[]): Map<string, WireExperiment[]> {
  const stores = new Map<string, WireExperiment[]>();
  for (const experiment of experiments) {
    const store = storeOf(experiment.artifact_location);
    const known = stores.get(store);
    if (known === undefined) stores.set(store, [experiment]);
    else known.push(experiment);
  }
  return stores;
}

function storeOf(location: string): string {
  return /^[a-z][a-z0-9+.-]*:(?:\/\/[^/]*)?/i.exec(location)?.[0] ?? (/^\/[^/]*/.exec(location)?.[0] || "no store");
}

async function newestRuns({ http }: MlflowServer, experiments: readonly WireExperiment[], signal: AbortSignal): Promise<Run[]> {
  const path = "/api/2.0/mlflow/runs/search";
  const ids = experiments.map(({ experiment_id: id }) => id);
  const body = { experiment_ids: ids, run_view_type: "ACTIVE_ONLY", max_results: MOST_RUNS, order_by: ["attributes.start_time DESC"] };
  const answer = await http.json({ method: "POST", path, body, repeat: "safe" }, signal);
  return parseWire(wire.runs, answer, path).runs.map((run) => toRun(run));
}

/** The path of a file of which a byte could be read; undefined where there is none. Throws where there is one that cannot. */
async function readOne(reader: ArtifactReader): Promise<string | undefined> {
  for await (const file of reader.list()) {
    if (file.unreadable !== undefined) continue;
    for await (const _ of reader.open(file)) break;
    return file.path;
  }
  return undefined;
}

/** Through the same selection that an export of the model makes. */
async function readVersion(source: Source, { name, version }: WireModelVersion, signal: AbortSignal): Promise<Pick<Check, "says">> {
  const literal = name.replace(/[\\*?[\]]/g, "\\$&");
  const catalogue = await source.select({ models: [literal], includeDeleted: true }, signal);
  for await (const entity of catalogue.entities(signal)) {
    if (entity.kind !== "model-version" || entity.version !== version) continue;
    const path = await readOne(source.artifacts(entity, signal));
    return { says: path === undefined ? `${name} ${String(version)} has no file to try` : `read ${path} of ${name} ${String(version)}` };
  }
  return { says: `${name} ${String(version)} is not selected by an export` };
}
