// What came along with a selection although no pattern and no filter asked for it, and because of what.
import { KINDS } from "./entities.ts";
import type { Kind } from "./entities.ts";

/** Objects of one kind that came along for one reason; each is counted once, under the reason that was met first. */
export interface PulledIn {
  readonly kind: Kind;
  readonly count: number;
  /** In words that go on after "as": `runs of versions`. */
  readonly because: string;
}

export interface PullCount {
  /** An object of kind `pulled` came along with one of kind `by`. */
  add(by: Kind, pulled: Kind): void;
  /** By kind, each kind's most frequent reason first. */
  list(): PulledIn[];
}

export function createPullCount(): PullCount {
  const counts = new Map<string, PulledIn>();
  return {
    add(by, pulled) {
      const because = reason(by, pulled);
      const id = `${pulled} ${because}`;
      counts.set(id, { kind: pulled, count: (counts.get(id)?.count ?? 0) + 1, because });
    },
    list: () => [...counts.values()].sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || b.count - a.count),
  };
}

const PLURALS: Readonly<Record<Kind, string>> = {
  experiment: "experiments",
  run: "runs",
  "logged-model": "logged models",
  "registered-model": "models",
  "model-version": "versions",
  "stage-transition": "stage transitions",
  comment: "comments",
  "transition-request": "transition requests",
  alias: "aliases",
  permission: "permissions",
  webhook: "webhooks",
};

function reason(by: Kind, pulled: Kind): string {
  if (by === "run" && pulled === "run") return "parents of runs";
  if (by === "model-version" && pulled === "model-version") return "versions that others were promoted from";
  return `${PLURALS[pulled]} of ${PLURALS[by]}`;
}
