// Several versions of one model whose stages ask for one alias: who gets it, and what the others keep. Pure.
import type { ModelVersion, Stage } from "../model/entities.ts";
import type { Mapping, StageRule } from "../model/mapping.ts";
import type { Change, Refusal } from "./change.ts";

/** Where a stage is kept when the version no longer has it. */
export const STAGE_TAG = "source_stage";

const DEFAULT_ALIASES: Readonly<Partial<Record<Stage, string>>> = { Production: "champion", Staging: "challenger" };

/** What a stage becomes that cannot stay one, or is not to. */
export function stageRule(stage: Stage, mapping: Pick<Mapping, "stage" | "stageConflict">): StageRule {
  const mapped = mapping.stage(stage);
  if (mapped !== undefined) return mapped;
  const alias = DEFAULT_ALIASES[stage];
  if (alias === undefined) return { tag: STAGE_TAG, value: stage, rule: "the target has no stages" };
  return { alias, conflict: mapping.stageConflict, rule: `default: stages.${stage} → alias ${alias}` };
}

export interface StageClaim {
  readonly version: ModelVersion;
  readonly rule: Extract<StageRule, { alias: string }>;
}

/** An alias that a stage became; `changes` name the versions that wanted it too. */
export interface SettledClaim {
  readonly claim: StageClaim;
  readonly alias: string;
  readonly changes: readonly Change[];
  readonly refusal?: Refusal;
}

/**
 * Decides between the versions of one model that want one alias. `holder`: the version that an alias of the model itself points to; such an
 * alias stays where it is. Of the conflict rules, that of the newest version counts.
 */
export function settleClaims(rivals: readonly StageClaim[], holder: (model: string, alias: string) => number | undefined): SettledClaim[] {
  const [newest, ...others] = [...rivals].sort((a, b) => b.version.version - a.version.version);
  if (newest === undefined) return [];
  const { rule, version } = newest;
  if (rule.conflict === "number") return numbered([newest, ...others], (alias) => holder(version.model, alias));
  // Told on the alias that the model has itself.
  if (holder(version.model, rule.alias) !== undefined) return [];
  if (others.length > 0 && rule.conflict === "refuse")
    return [{ claim: newest, alias: rule.alias, changes: [], refusal: tie(newest, others) }];
  const why = `version ${String(version.version)} is newer and has ${rule.alias}`;
  return [{ claim: newest, alias: rule.alias, changes: others.map((claim) => keptAs(claim, why)) }];
}

/** What a version keeps of a stage whose alias went to another one. No fact of the source is meant: the stage has a change of its own. */
export function keptAs({ version }: StageClaim, rule: string): Change {
  const field = `stage of version ${String(version.version)}`;
  return { field, class: "translated", from: version.stage, to: `tag ${STAGE_TAG}=${version.stage}`, rule };
}

/** champion, champion-2, …: the newest first, past names that the model has given away itself. */
function numbered(claims: readonly StageClaim[], holder: (alias: string) => number | undefined): SettledClaim[] {
  let next = 1;
  return claims.flatMap((claim): SettledClaim[] => {
    const word = claim.rule.alias;
    if (holder(word) === claim.version.version) return [];
    while (holder(numberedAlias(word, next)) !== undefined) next += 1;
    return [{ claim, alias: numberedAlias(word, next++), changes: [] }];
  });
}

function numberedAlias(word: string, number: number): string {
  return number === 1 ? word : `${word}-${String(number)}`;
}

function tie({ version, rule }: StageClaim, others: readonly StageClaim[]): Refusal {
  const versions = [...others.map((claim) => claim.version), version].sort((a, b) => a.version - b.version);
  const named = versions.map((one) => `${String(one.version)} (${one.stage})`).join(", ");
  return {
    code: "MAPPING_COLLISION",
    message: `alias ${rule.alias} of ${version.model} is left out: its versions ${named} would all have it`,
    hint: "move all but one of them to another stage, or let the newest have it (conflict: newest), or number them (conflict: number)",
  };
}
