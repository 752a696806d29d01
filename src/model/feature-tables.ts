// Tables of a feature store that a model looks up features in: `feature_spec.yaml`, as databricks-feature-engineering writes it
// (entities/feature_spec.py, which has been through eleven versions; what is read here is the same in all of them).
import { isMap, isScalar, isSeq, visit } from "yaml";
import type { Scalar } from "yaml";
import { parsedMapping, replaced, spliced } from "./yaml-scalars.ts";
import type { ParsedYaml } from "./yaml-scalars.ts";

/** Where a model has its specification, below its folder. */
export const FEATURE_SPEC = "data/feature_store/feature_spec.yaml";

/** The tables that the text names, each once; undefined for a text that is no specification. */
export function tablesIn(text: string): readonly string[] | undefined {
  const document = parsedMapping(text);
  if (document === undefined || !isSeq(document.get("input_columns", true))) return undefined;
  return [...new Set(namesOfTables(document).map(({ value }) => value))];
}

/** The text with other names of tables; undefined where none changes. */
export function withTables(text: string, rename: (table: string) => string): string | undefined {
  const document = parsedMapping(text);
  if (document === undefined) return undefined;
  const changed = namesOfTables(document).filter(({ value }) => rename(value) !== value);
  return changed.length === 0
    ? undefined
    : spliced(
        text,
        changed.map((name) => replaced(name, rename(name.value))),
      );
}

/** `table_name` of each column, and the keys of `input_tables`, which older versions do not have. */
function namesOfTables(document: ParsedYaml): Scalar<string>[] {
  const names: Scalar<string>[] = [];
  const add = (node: unknown): void => {
    if (isScalar(node) && typeof node.value === "string") names.push(node as Scalar<string>);
  };
  visit(document, {
    Pair(_, pair) {
      if (isScalar(pair.key) && pair.key.value === "table_name") add(pair.value);
    },
  });
  const tables = document.get("input_tables", true);
  for (const table of isSeq(tables) ? tables.items : []) if (isMap(table)) add(table.items[0]?.key);
  return names;
}
