// Objects of kinds that the target does not have: refused one by one, or with everyone's agreement nowhere.
import type { Entity, Kind } from "../model/entities.ts";
import type { Change } from "./change.ts";
import type { Reconciled } from "./reconciled.ts";

/** What is left of an object that cannot be at the target. */
export function leaveOut(entity: Entity, onLoss: "refuse" | "drop"): Reconciled {
  const rule = `the target has no ${NOT_HELD[entity.kind]}`;
  const loss: Change = { field: "", class: "lost", from: "name" in entity ? entity.name : entity.key, rule, agreed: onLoss === "drop" };
  const item = { source: entity, entity, changes: [loss] };
  if (onLoss === "drop") return { ...item, dropped: true };
  const hint = [BY_HAND[entity.kind], "run again with --on-loss drop to go on without it"].filter((part) => part !== undefined).join("; ");
  return { ...item, refusal: { code: "LOSS_REFUSED", message: `${entity.key} is left out: ${rule}`, hint } };
}

const NOT_HELD: Readonly<Record<Kind, string>> = {
  experiment: "experiments",
  run: "runs",
  "logged-model": "logged models",
  "registered-model": "registered models",
  "model-version": "model versions",
  "stage-transition": "history of stages",
  comment: "comments",
  "transition-request": "transition requests",
  alias: "aliases",
  permission: "permissions that mlferry can set",
  webhook: "webhooks that mlferry can make",
};

/** What a person can do about it. */
const BY_HAND: Readonly<Partial<Record<Kind, string>>> = {
  permission: "grant by hand what is still right: mlferry show tells who had what",
  webhook: "make it there by hand: mlferry show tells its events and where it goes",
};
