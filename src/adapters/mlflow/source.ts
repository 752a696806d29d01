// The reading half of an MLflow server. What is where: calls.ts and wire.ts talk to it, inventory.ts and catalogue.ts select,
// histories.ts and artifacts.ts read the contents. Writing is target.ts.
import type { Source } from "../../ports/source.ts";
import { createAnswers } from "./answers.ts";
import { catalogueOf } from "./catalogue.ts";
import type { MlflowServer } from "./server.ts";
import { takeStock } from "./inventory.ts";
import { createRunSpool, type RunSpool } from "./run-spool.ts";

/** A connected server as a source. `close` ends the connections and deletes what was spooled. */
export function createMlflowSource(server: MlflowServer): Source {
  const spools: RunSpool[] = [];
  return {
    uri: server.uri,
    origin: server.origin,
    tracking: server.tracking ?? server.origin,
    capabilities: server.capabilities,
    ...(server.costs === undefined ? {} : { readingCosts: server.costs.reading }),
    async select(selection, signal) {
      const spool = createRunSpool();
      spools.push(spool);
      const inventory = await takeStock(server, selection, spool, signal);
      const draft = catalogueOf(inventory, { selection, spool, placeOf: server.registry.placeOf });
      const uncarried = await server.dialect.uncarried(server.http, { experiments: draft.experiments, selection }, signal);
      return { ...draft, notCarried: [...draft.notCarried, ...uncarried] };
    },
    ask: createAnswers(server),
    histories: (runs, signal) => server.dialect.histories(server.http, runs, signal),
    artifacts(owner, signal) {
      const own = owner.kind === "model-version" ? server.registry.reader?.(owner, signal) : undefined;
      return own ?? server.files.reader(owner, signal);
    },
    async close() {
      for (const spool of spools) spool.close();
      await server.files.close();
      await server.http.close();
    },
  };
}
