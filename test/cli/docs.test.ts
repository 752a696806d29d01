import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pages, readPage } from "../../scripts/write-docs.ts";
import { readMappingFile } from "../../src/cli/mapping-flags.ts";
import { createMapping } from "../../src/model/mapping.ts";
import { tempFolder } from "./program.ts";

test.each(pages())("$path is what node scripts/write-docs.ts writes", ({ path, text }) => expect(readPage(path)).toBe(text));

test("the example in docs/mapping.md is a mapping that does what its comments say", () => {
  const [, example] = /```yaml\n(.*?)```/s.exec(readPage("docs/mapping.md")) ?? [];
  const file = join(tempFolder(), "mapping.yaml");
  writeFileSync(file, example ?? "");
  const mapping = createMapping(readMappingFile(file));
  expect(["churn", "team-a", "fraud_v12", "other"].map((name) => mapping.model(name).name)).toEqual([
    "ml.prod.churn",
    "ml.prod.a",
    "ml.prod.fraud",
    "ml.prod.other",
  ]);
  expect(mapping.experiment("/Users/ada/x").name).toBe("/Shared/migrated/ada/x");
  expect(mapping.dropsTag("internal.owner")).toBeDefined();
});

test("docs/cli.md names every command of the program", () => {
  const text = readPage("docs/cli.md");
  for (const [, command = ""] of text.matchAll(/^### mlferry (\S+)$/gm)) expect(text).toContain(`| \`mlferry ${command}`);
});
