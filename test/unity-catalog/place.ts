// A fake workspace with Unity Catalog, and sources and targets on it, without waiting between repeats.
import { createDatabricksSource } from "../../src/adapters/databricks/source.ts";
import { createDatabricksTarget } from "../../src/adapters/databricks/target.ts";
import type { DatabricksServer } from "../../src/adapters/databricks/connect.ts";
import { createStoreClients } from "../../src/adapters/mlflow/store-clients.ts";
import { withUnityCatalog } from "../../src/adapters/unity-catalog/unity-catalog.ts";
import { createPacer } from "../../src/http/pace.ts";
import type { Source } from "../../src/ports/source.ts";
import { openRig } from "../contract/rig.ts";
import type { Rig } from "../contract/rig.ts";
import { connect } from "../databricks/place.ts";
import { startFakeDatabricks } from "../fakes/databricks/server.ts";
import type { DatabricksOptions as FakeOptions, FakeDatabricks } from "../fakes/databricks/server.ts";

async function connectCatalog(fake: FakeDatabricks): Promise<DatabricksServer> {
  const clients = createStoreClients({ baseUrl: fake.url, pacer: createPacer({ inFlight: 8 }), userAgent: "mlferry-test" });
  return withUnityCatalog(await connect(fake), { clients, settings: {} });
}

export async function openCatalogSource(fake: FakeDatabricks): Promise<Source> {
  return createDatabricksSource(await connectCatalog(fake));
}

export type CatalogPlace = Rig<FakeDatabricks>;

/** With the schema `main.ml`. */
export async function openCatalog(options: FakeOptions = {}): Promise<CatalogPlace> {
  const fake = await startFakeDatabricks({ schemas: ["main.ml"], ...options });
  return openRig(fake, async () => {
    const server = await connectCatalog(fake);
    return createDatabricksTarget(server, createDatabricksSource(server));
  });
}
