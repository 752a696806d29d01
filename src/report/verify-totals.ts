// Folds what verification yields: what was compared, and what differs.
import type { Finding, Verified } from "../engine/finding.ts";
import type { Kind } from "../model/entities.ts";
import { kindOf } from "../model/keys.ts";

export interface VerifyTotals {
  readonly objects: number;
  readonly byKind: Readonly<Partial<Record<Kind, number>>>;
  readonly facts: number;
  readonly points: number;
  readonly files: number;
  readonly bytes: number;
  /** What nobody agreed to comes first. */
  readonly findings: readonly Finding[];
  /** Findings that no agreed loss explains: any makes source and target differ. */
  readonly differences: number;
}

export interface VerifyFold {
  add(verified: Verified): void;
  totals(): VerifyTotals;
}

export function foldVerified(): VerifyFold {
  const byKind: Partial<Record<Kind, number>> = {};
  const findings: Finding[] = [];
  const agreed: Finding[] = [];
  let [objects, facts, points, files, bytes] = [0, 0, 0, 0, 0];
  return {
    add(verified) {
      const kind = kindOf(verified.key);
      byKind[kind] = (byKind[kind] ?? 0) + 1;
      objects += 1;
      facts += verified.compared.facts;
      points += verified.compared.points;
      files += verified.compared.files;
      bytes += verified.compared.bytes;
      for (const finding of verified.findings) (finding.agreed ? agreed : findings).push(finding);
    },
    totals: () => ({
      objects,
      byKind,
      facts,
      points,
      files,
      bytes,
      findings: [...findings, ...agreed],
      differences: findings.length,
    }),
  };
}
