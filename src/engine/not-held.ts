// Objects of kinds that the target does not have: refused one by one, or with everyone's agreement nowhere. And what versions lose where
// there are no runs, no run links, or neither stages nor tags.
import type { Entity, Kind, ModelVersion } from "../model/entities.ts";
import type { Capabilities } from "../ports/capabilities.ts";
import type { Change } from "./change.ts";
import type { Reconciled } from "./reconciled.ts";
import { NO_TAGS } from "./tag-limits.ts";

/** What is left of an object that cannot be at the target. */
export function leaveOut(entity: Entity, onLoss: "refuse" | "drop"): Reconciled {
  const rule = `the target has no ${NOT_HELD[entity.kind]}`;
  const loss: Change = { field: "", class: "lost", from: "name" in entity ? entity.name : entity.key, rule, agreed: onLoss === "drop" };
  const item = { source: entity, entity, changes: [loss] };
  if (onLoss === "drop") return { ...item, dropped: true };
  const hint = [BY_HAND[entity.kind], "run again with --on-loss drop to go on without it"].filter((part) => part !== undefined).join("; ");
  return { ...item, refusal: { code: "LOSS_REFUSED", message: `${entity.key} is left out: ${rule}`, hint } };
}

/** The version without its run where the target has no runs, and without its run link where that has no place; pushes a change for either. */
export function withoutLinks(
  version: ModelVersion,
  { capabilities, changes }: { readonly capabilities: Capabilities; readonly changes: Change[] },
): ModelVersion {
  const { run, runLink, ...rest } = version;
  const keepsRun = run !== undefined && capabilities.kinds.has("run");
  const keepsLink = runLink !== undefined && capabilities.runLinks !== false;
  if (run !== undefined && !keepsRun) changes.push({ field: "run", class: "lost", from: run, rule: `the target has no ${NOT_HELD.run}` });
  if (runLink !== undefined && !keepsLink) {
    changes.push({ field: "runLink", class: "lost", from: runLink, rule: "a version has no run link at the target" });
  }
  const needs = keepsRun ? rest.needs : rest.needs.filter((key) => key !== run);
  return { ...rest, needs, ...(keepsRun ? { run } : {}), ...(keepsLink ? { runLink } : {}) };
}

/** The stage of a version where nothing can keep it. */
export function stageLoss({ stage }: ModelVersion): Change {
  return { field: "stage", class: "lost", from: stage, rule: `${NO_TAGS} and no stages` };
}

/** Kinds in the words of a loss: "the target has no …". */
export const NOT_HELD: Readonly<Record<Kind, string>> = {
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
