// A fake workspace with Unity Catalog, and sources and targets on it, without waiting between repeats.
import { createDatabricksSource } from "../../src/adapters/databricks/source.ts";
import { createDatabricksTarget } from "../../src/adapters/databricks/target.ts";
import type { DatabricksServer } from "../../src/adapters/databricks/connect.ts";
import { createStoreClients } from "../../src/adapters/mlflow/store-clients.ts";
import { withUnityCatalog } from "../../src/adapters/unity-catalog/unity-catalog.ts";
import { createPacer } from "../../src/http/pace.ts";
import type { OriginId } from "../../src/model/entities.ts";
import type { Source } from "../../src/ports/source.ts";
import type { Target } from "../../src/ports/target.ts";
import { createFerry } from "../contract/context.ts";
import type { Ferry } from "../contract/context.ts";
import { connect } from "../databricks/place.ts";
import { startFakeDatabricks } from "../fakes/databricks/server.ts";
import type { DatabricksOptions as FakeOptions, FakeDatabricks } from "../fakes/databricks/server.ts";

async function connectCatalog(fake: FakeDatabricks): Promise<DatabricksServer> {
  const clients = createStoreClients({ baseUrl: fake.url, pacer: createPacer({ inFlight: 8 }), userAgent: "mlferry-test" });
  return withUnityCatalog(await connect(fake), clients);
}

export async function openCatalogSource(fake: FakeDatabricks): Promise<Source> {
  return createDatabricksSource(await connectCatalog(fake));
}

export interface CatalogPlace extends AsyncDisposable {
  readonly fake: FakeDatabricks;
  readonly target: Target;
  readonly ferry: Ferry;
  /** Another process on the same catalog, which knows nothing yet. */
  again(): Promise<{ readonly target: Target; readonly ferry: Ferry }>;
}

/** With the schema `main.ml`. */
export async function openCatalog(options: FakeOptions = {}): Promise<CatalogPlace> {
  const fake = await startFakeDatabricks({ schemas: ["main.ml"], ...options });
  const opened: Target[] = [];
  const again = async (): Promise<{ target: Target; ferry: Ferry }> => {
    const server = await connectCatalog(fake);
    const target = createDatabricksTarget(server, createDatabricksSource(server));
    opened.push(target);
    return { target, ferry: createFerry(target, "0123456789abcdef0123456789abcdef" as OriginId) };
  };
  return {
    fake,
    ...(await again()),
    again,
    async [Symbol.asyncDispose]() {
      for (const target of opened) await target.close();
      await fake.close();
    },
  };
}
