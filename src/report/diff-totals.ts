// Folds what a comparison of two places yields: how objects were matched, and how much differs.
import type { Compared } from "../engine/diff.ts";
import type { MatchedBy } from "../engine/match.ts";
import type { Kind } from "../model/entities.ts";

export interface DiffTotals {
  readonly onlyA: number;
  readonly onlyB: number;
  /** Objects that both have and that differ. */
  readonly different: number;
  readonly equal: number;
  readonly matchedBy: Readonly<Record<MatchedBy, number>>;
  /** Only where there are any. */
  readonly byKind: Readonly<Partial<Record<Kind, number>>>;
  readonly facts: number;
  readonly points: number;
  readonly files: number;
  readonly bytes: number;
  /** Fields that differ or could not be read, and objects that only one place has. */
  readonly differences: number;
  /** Experiments and models that have another name in the other place, and are one by provenance. */
  readonly renamed: readonly { readonly kind: Kind; readonly a: string; readonly b: string }[];
}

export interface DiffFold {
  add(compared: Compared): void;
  totals(): DiffTotals;
}

export function foldDiff(): DiffFold {
  const count = { onlyA: 0, onlyB: 0, different: 0, equal: 0, facts: 0, points: 0, files: 0, bytes: 0, differences: 0 };
  const matchedBy: Record<MatchedBy, number> = { key: 0, provenance: 0, name: 0 };
  const byKind: Partial<Record<Kind, number>> = {};
  const renamed: { kind: Kind; a: string; b: string }[] = [];
  return {
    add(compared) {
      if ("only" in compared) {
        count[compared.only === "a" ? "onlyA" : "onlyB"] += 1;
        count.differences += 1;
        byKind[compared.card.kind] = (byKind[compared.card.kind] ?? 0) + 1;
        return;
      }
      const { pair, cards, differences } = compared;
      const { kind } = cards.a;
      matchedBy[pair.by] += 1;
      byKind[kind] = (byKind[kind] ?? 0) + 1;
      count[differences.length > 0 ? "different" : "equal"] += 1;
      count.differences += differences.length;
      for (const field of ["facts", "points", "files", "bytes"] as const) count[field] += compared.compared[field];
      const isNamed = kind === "experiment" || kind === "registered-model";
      if (isNamed && pair.by === "provenance" && cards.a.name !== cards.b.name) {
        renamed.push({ kind, a: cards.a.name, b: cards.b.name });
      }
    },
    totals: () => ({ ...count, matchedBy, byKind, renamed }),
  };
}
