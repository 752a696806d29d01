// What a saved plan comes to, for whoever is asked whether to carry it out.
import type { Action } from "../engine/change.ts";
import { KINDS } from "../model/entities.ts";
import type { EntityKey, Kind } from "../model/entities.ts";
import { kindOf } from "../model/keys.ts";
import { actionSection } from "./plan-text.ts";
import { ACTIONS, noActions } from "./plan-totals.ts";
import { countOf, countText, timeText } from "./quantities.ts";
import { paint } from "./style.ts";
import type { Style } from "./style.ts";
import { shown } from "./table.ts";

interface SummarisedPlan {
  readonly tool: string;
  /** ISO 8601. */
  readonly created: string;
  readonly source: { readonly location: string };
  readonly target: { readonly location: string };
}

interface SummarisedStep {
  readonly key: EntityKey;
  readonly action: Action;
  readonly lost?: number;
}

/** Where from and to, what would be done to how many of each kind, and how much would be lost. */
export function planSummaryText(path: string, plan: SummarisedPlan, steps: Iterable<SummarisedStep>, style: Style): string[] {
  const { byKind, actions, lost } = counted(steps);
  const objects = ACTIONS.reduce((sum, action) => sum + actions[action], 0);
  const leftOut = actions.refuse + actions.drop;
  const work = objects - actions.skip - leftOut;
  const notes = [...(leftOut === 0 ? [] : [`${countText(leftOut)} left out`]), ...(lost === 0 ? [] : [`${countOf(lost, "fact")} lost`])];
  return [
    paint(style, "heading", `${path}: the plan of ${timeText(Date.parse(plan.created))}, by mlferry ${plan.tool}`),
    `  from ${shown(plan.source.location)}`,
    `  to ${shown(plan.target.location)}`,
    "",
    ...actionSection({ byKind, actions }, style),
    [`${countText(work)} of ${countOf(objects, "object")} to be written`, ...notes].join(", "),
  ];
}

function counted(steps: Iterable<SummarisedStep>) {
  const byKind: Partial<Record<Kind, Record<Action, number>>> = {};
  const actions = noActions();
  let lost = 0;
  for (const step of steps) {
    (byKind[kindOf(step.key)] ??= noActions())[step.action] += 1;
    actions[step.action] += 1;
    lost += step.lost ?? 0;
  }
  return { byKind: Object.fromEntries(KINDS.flatMap((kind) => (byKind[kind] === undefined ? [] : [[kind, byKind[kind]]]))), actions, lost };
}
