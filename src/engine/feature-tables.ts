// Whether a version that looks up features in tables will find them where it goes: only where the user has said, of each table, what it is called there.
import type { EntityKey } from "../model/entities.ts";
import { FEATURE_SPEC, tablesIn } from "../model/feature-tables.ts";
import type { Mapping } from "../model/mapping.ts";
import { MODEL_FILE, parseModelFile } from "../model/model-file.ts";
import type { Refusal } from "./change.ts";
import type { Peek } from "./small-text.ts";

/** Why the version is not to be moved, or what it would lose: tables without a rule. Undefined for all other versions. */
export async function unmappedTables(peek: Peek, mapping: Mapping): Promise<string | undefined> {
  const model = parseModelFile((await peek(MODEL_FILE)) ?? "");
  if (model?.usesFeatureStore !== true) return undefined;
  const tables = tablesIn((await peek(FEATURE_SPEC)) ?? "");
  if (tables === undefined) return `its ${FEATURE_SPEC} cannot be read`;
  const unmapped = tables.filter((table) => mapping.table(table).rule === undefined);
  return unmapped.length === 0 ? undefined : `no rule for ${unmapped.join(", ")}`;
}

export function featuresRefused(key: EntityKey, reason: string): Refusal {
  return {
    code: "LOSS_REFUSED",
    message: `${key} is left out: it looks up features in tables (${reason})`,
    hint: "say with --rename-table FROM=TO what each table is called there, the same name too; or run again with --on-loss drop to move it as it is",
  };
}
