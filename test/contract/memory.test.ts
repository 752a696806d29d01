// The memory place under both contracts, as it is and as narrow as Unity Catalog.
import { createMemory } from "../../src/adapters/memory/memory.ts";
import type { MemoryOptions } from "../../src/adapters/memory/memory.ts";
import { unityCatalogCapabilities } from "../../src/adapters/unity-catalog/capabilities.ts";
import { sourceContract } from "./source-contract.ts";
import { carriedTo, loadedMemory } from "./source-place.ts";
import { targetContract } from "./target-contract.ts";

const PLACES: Readonly<Record<string, MemoryOptions>> = {
  memory: {},
  "memory that keeps ids": { newIds: false },
  "memory as narrow as Unity Catalog": { capabilities: unityCatalogCapabilities },
};

for (const [name, options] of Object.entries(PLACES)) {
  targetContract(name, () => Promise.resolve({ target: createMemory(options), dispose: () => Promise.resolve() }));
}

sourceContract("memory that was loaded", (items) => Promise.resolve(loadedMemory(createMemory(), items)));

sourceContract("memory that was written", (items) => {
  const place = createMemory();
  return carriedTo(place, items, { open: () => Promise.resolve(place), dispose: () => place.close() });
});
