// Writes docs/bundle.schema.json from the schemas that the code checks bundles with. Run: node scripts/write-schema.ts
import { writeFile } from "node:fs/promises";
import { format, resolveConfig } from "prettier";
import { z } from "zod";
import { headerSchema, manifestSchema, manifestV1Schema, manifestV2Schema } from "../src/adapters/bundle/envelope.ts";
import { FORMAT, FORMAT_VERSION } from "../src/adapters/bundle/layout.ts";
import { pointSchema, recordSchemas } from "../src/adapters/bundle/records.ts";

const OUTPUT = new URL("../docs/bundle.schema.json", import.meta.url);

/** The JSON Schema (draft 2020-12) of everything in a bundle that is JSON: one definition for each kind of text. */
export function bundleSchema(): Record<string, unknown> {
  const schemas = {
    header: headerSchema,
    manifest: manifestSchema,
    "manifest-v1": manifestV1Schema,
    "manifest-v2": manifestV2Schema,
    ...recordSchemas,
    point: pointSchema,
  };
  const $defs = Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, definition(schema)]));
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: `${FORMAT}, version ${FORMAT_VERSION}`,
    description:
      "header: header.json. manifest: manifest.json. manifest-v1, manifest-v2: the same in a bundle of that version. Kinds: " +
      "a line of entities/<kind>.jsonl. point: a line of a metrics blob. docs/bundle-format.md says what they mean.",
    oneOf: Object.keys(schemas).map((name) => ({ $ref: `#/$defs/${name}` })),
    $defs,
  };
}

function definition(schema: z.ZodType): unknown {
  const { $schema: _same, ...rest } = z.toJSONSchema(schema);
  return rest;
}

if (import.meta.main) {
  const options = await resolveConfig(OUTPUT);
  await writeFile(OUTPUT, await format(JSON.stringify(bundleSchema()), { ...options, parser: "json" }));
}
