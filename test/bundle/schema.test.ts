// docs/bundle.schema.json says what the code checks.
import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { bundleSchema } from "../../scripts/write-schema.ts";

it("docs/bundle.schema.json is what scripts/write-schema.ts writes", async () => {
  const written = JSON.parse(await readFile(new URL("../../docs/bundle.schema.json", import.meta.url), "utf8")) as unknown;
  expect(written).toEqual(JSON.parse(JSON.stringify(bundleSchema())));
});
