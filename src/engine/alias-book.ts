// Aliases of a stream: those that the source has, and those that stages become. Two may want one name; that is decided here.
import type { Alias, ModelVersion } from "../model/entities.ts";
import { aliasKey } from "../model/keys.ts";
import type { Mapping, StageRule } from "../model/mapping.ts";
import type { Capabilities } from "../ports/capabilities.ts";
import { type Change, noteRename, type Refusal } from "./change.ts";
import type { Reconciled, ReconcileOptions } from "./reconciled.ts";
import { keptAs, settleClaims } from "./stage-claims.ts";
import type { StageClaim } from "./stage-claims.ts";

export interface AliasNotes {
  readonly changes: Change[];
  readonly refusals: Refusal[];
}

export interface AliasBook {
  /** Reconciles an alias of the source and remembers its name. Told on it: versions whose stage asked for the same one. */
  explicit(alias: Alias, notes: AliasNotes): Alias;
  /** A version's stage asks for an alias. All versions of a model come before its aliases. */
  claim(version: ModelVersion, rule: Extract<StageRule, { alias: string }>): void;
  /** The aliases that stages became, with those that lost as changes. */
  derived(): Reconciled[];
}

export function createAliasBook(options: ReconcileOptions): AliasBook {
  const taken = new Map<string, number>();
  const claims = new Map<string, StageClaim[]>();
  return {
    explicit(alias, { changes, refusals }) {
      const renamed = options.mapping.alias(alias.alias);
      noteRename(changes, "alias", alias.alias, renamed);
      const model = options.mapping.model(alias.model);
      noteRename(changes, "model", alias.model, model);
      const slot = aliasKey(alias.model, renamed.name);
      const holder = taken.get(slot);
      if (holder !== undefined && holder !== alias.version) refusals.push(aliasCollision(alias, renamed.name, holder));
      const illegal = aliasRefusal(renamed.name, alias.key, options.capabilities);
      if (illegal !== undefined) refusals.push(illegal);
      taken.set(slot, holder ?? alias.version);
      for (const claim of claims.get(slot) ?? []) {
        if (claim.version.version !== alias.version) changes.push(keptAs(claim, `the model has an alias ${renamed.name} of its own`));
      }
      return { ...alias, alias: renamed.name, model: model.name };
    },
    claim(version, rule) {
      const slot = aliasKey(version.model, rule.alias);
      claims.set(slot, [...(claims.get(slot) ?? []), { version, rule }]);
    },
    derived: () => [...claims.values()].flatMap((rivals) => settleSlot(rivals, taken, options)),
  };
}

function settleSlot(rivals: readonly StageClaim[], taken: ReadonlyMap<string, number>, options: ReconcileOptions): Reconciled[] {
  return settleClaims(rivals, (model, alias) => taken.get(aliasKey(model, alias))).map(({ claim, alias: name, changes, refusal }) => {
    const alias = aliasFor(claim.version, name, options.mapping);
    const why = refusal ?? aliasRefusal(name, alias.key, options.capabilities);
    return { source: alias, entity: alias, changes, ...(why === undefined ? {} : { refusal: why }) };
  });
}

function aliasFor(version: ModelVersion, alias: string, mapping: Mapping): Alias {
  const key = aliasKey(version.model, alias);
  const needs = [version.key];
  const model = mapping.model(version.model).name;
  return { kind: "alias", key, needs, mayReference: [], provenance: new Map(), model, alias, version: version.version };
}

function aliasCollision(alias: Alias, name: string, holder: number): Refusal {
  const message = `alias ${alias.alias} of ${alias.model} version ${alias.version} would become ${name}, which version ${holder} has`;
  return { code: "MAPPING_COLLISION", message, hint: "give the two aliases different names in the mapping" };
}

function aliasRefusal(name: string, key: string, capabilities: Capabilities): Refusal | undefined {
  const rule = capabilities.names.alias;
  if (rule === undefined || rule.pattern.test(name)) return undefined;
  return {
    code: "NAME_ILLEGAL",
    message: `${key}: the target does not allow the alias ${JSON.stringify(name)} (${rule.wording})`,
    hint: "rename it in the mapping under aliases",
  };
}
