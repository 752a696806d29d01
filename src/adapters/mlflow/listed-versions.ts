// The versions of the selected models as the registry listed them, and which of them are meant.
import { later } from "../../model/closure.ts";
import { versionKey } from "../../model/keys.ts";
import type { Selection } from "../../model/selection.ts";
import { chooseVersions } from "../../model/version-choice.ts";
import { registeredModelKey, stageOf } from "./convert.ts";
import type { WireModelVersion, WireRegisteredModel } from "./wire.ts";

export interface ListedVersions {
  /** Those that the selection means. */
  readonly versions: readonly WireModelVersion[];
  /** The other ones of the same models, to which aliases may point. */
  readonly others: readonly WireModelVersion[];
}

/** Sorts the versions of `models`. Throws NOTHING_SELECTED where the selection's filters leave nothing. */
export function chooseAmong(
  listed: readonly WireModelVersion[],
  models: readonly WireRegisteredModel[],
  selection: Selection,
): ListedVersions {
  const aliases = new Map<string, string[]>();
  for (const { name, aliases: own } of models) {
    for (const { alias, version } of own) {
      const key = versionKey(name, version);
      aliases.set(key, [...(aliases.get(key) ?? []), alias]);
    }
  }
  const facts = listed.map((wire) => {
    const key = versionKey(wire.name, wire.version);
    return {
      wire,
      key,
      model: registeredModelKey(wire.name),
      version: wire.version,
      stage: stageOf(wire.current_stage),
      aliases: aliases.get(key) ?? [],
      changedAt: later(wire.creation_timestamp, wire.last_updated_timestamp),
    };
  });
  const chosen = new Set(chooseVersions(facts, selection).map(({ wire }) => wire));
  return { versions: listed.filter((wire) => chosen.has(wire)), others: listed.filter((wire) => !chosen.has(wire)) };
}
