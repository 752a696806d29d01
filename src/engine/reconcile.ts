// Entity × capabilities × mapping → what the target can hold, and a change for every fact that does not arrive as it was.
// Pure: no I/O. One reconciler serves one pass over a source's stream, since stages of one model compete for aliases.
import type {
  Entity,
  Experiment,
  LoggedModel,
  ModelVersion,
  RegisteredModel,
  Run,
  Stage,
  Tags,
  VersionEntry,
  Webhook,
} from "../model/entities.ts";
import { doubleText, pointText } from "../model/facts.ts";
import type { StageRule } from "../model/mapping.ts";
import { type AliasBook, createAliasBook } from "./alias-book.ts";
import { experimentName } from "./experiment-names.ts";
import { type Change, noteRename, type Refusal } from "./change.ts";
import { leaveOut, stageLoss, withoutLinks } from "./not-held.ts";
import { createNotePad, type NotePad } from "./note-pad.ts";
import type { Reconciled, ReconcileOptions } from "./reconciled.ts";
import { placeFiles, RUN_TAG } from "./version-files.ts";
import { STAGE_TAG, stageRule } from "./stage-claims.ts";
import { clamp } from "./metric-values.ts";
import { fitTags, hasNoTags, whyNotHeld } from "./tag-limits.ts";
import { unpack } from "./tag-packing.ts";

export interface Reconciler {
  reconcile(entity: Entity): Reconciled;
  /** Aliases that stages became: to be asked for once, after the last entity. */
  flush(): Reconciled[];
}

/** Begins a pass over one source's stream. */
export function createReconciler(options: ReconcileOptions): Reconciler {
  const aliases = createAliasBook(options);
  const notes = createNotePad(options.capabilities);
  return {
    reconcile(entity) {
      const isNote = options.capabilities.notes?.has(entity.kind) === true;
      if (!isNote && !options.capabilities.kinds.has(entity.kind)) return leaveOut(entity, options.onLoss);
      const changes: Change[] = [];
      const refusals: Refusal[] = [];
      const result = reconcileEntity(entity, { ...options, changes, refusals, aliases, notes });
      const [refusal] = refusals;
      return settle({ source: entity, entity: result, changes, ...(refusal === undefined ? {} : { refusal }) }, options.onLoss);
    },
    flush: () => aliases.derived(),
  };
}

interface Context extends ReconcileOptions {
  readonly changes: Change[];
  readonly refusals: Refusal[];
  readonly aliases: AliasBook;
  readonly notes: NotePad;
}

/** Applies the loss policy: under `drop` every loss is agreed; under `refuse` the first one that is not refuses the entity. */
function settle(item: Reconciled, onLoss: "refuse" | "drop"): Reconciled {
  if (item.refusal !== undefined) return item;
  if (onLoss === "drop") {
    return { ...item, changes: item.changes.map((change) => (change.class === "lost" ? { ...change, agreed: true } : change)) };
  }
  const loss = item.changes.find((change) => change.class === "lost" && change.agreed !== true);
  if (loss === undefined) return item;
  const message = `${item.source.key} is left out: the target cannot hold ${loss.field} (${loss.rule})`;
  return { ...item, refusal: { code: "LOSS_REFUSED", message, hint: "run again with --on-loss drop to move it without" } };
}

function reconcileEntity(entity: Entity, context: Context): Entity {
  switch (entity.kind) {
    case "experiment":
      return reconcileExperiment(entity, context);
    case "run":
      return reconcileRun(entity, context);
    case "logged-model":
      return reconcileLoggedModel(entity, context);
    case "registered-model":
      return reconcileModel(entity, context);
    case "model-version":
      return reconcileVersion(entity, context);
    case "stage-transition":
    case "comment":
    case "transition-request":
      return reconcileEntry(entity, context);
    case "alias":
      return context.aliases.explicit(entity, context);
    case "permission":
      return entity;
    case "webhook":
      return reconcileWebhook(entity, context);
  }
}

function reconcileWebhook(webhook: Webhook, context: Context): Webhook {
  const mapped = webhook.model === undefined ? webhook : { ...webhook, model: mappedModel(webhook.model, context) };
  if (context.capabilities.webhooks !== "disabled" || webhook.status === "DISABLED") return mapped;
  const rule = "its secret is given out by nobody: give it again, then enable the webhook";
  context.changes.push({ field: "status", class: "translated", from: webhook.status, to: "DISABLED", rule });
  return { ...mapped, status: "DISABLED" };
}

function reconcileEntry<E extends VersionEntry>(entry: E, context: Context): E {
  context.notes.keep(entry, context.changes);
  return { ...entry, model: mappedModel(entry.model, context) };
}

function mappedModel(name: string, { mapping, changes }: Context): string {
  const renamed = mapping.model(name);
  noteRename(changes, "model", name, renamed);
  return renamed.name;
}

function reconcileExperiment(experiment: Experiment, context: Context): Experiment {
  const renamed = experimentName(experiment, context);
  noteRename(context.changes, "name", experiment.name, renamed);
  noteCreated(experiment, context);
  return { ...experiment, name: renamed.name, tags: reconcileTags(experiment, context) };
}

function reconcileRun(run: Run, context: Context): Run {
  const params = new Map(run.params);
  for (const [key, value] of run.params) {
    const rule = whyNotHeld(value, context.capabilities.paramValueChars, context.capabilities);
    if (rule === undefined) continue;
    params.delete(key);
    context.changes.push({ field: `params.${key}`, class: "lost", from: value, rule });
  }
  const latestMetrics = new Map(run.latestMetrics);
  for (const [key, point] of run.latestMetrics) {
    const clamped = clamp(point.value, context.capabilities);
    if (clamped === point.value || Number.isNaN(point.value)) continue;
    latestMetrics.set(key, { ...point, value: clamped });
    const rule = "the target stores infinities as the largest double";
    context.changes.push({ field: `metrics.${key}`, class: "translated", from: pointText(point), to: doubleText(clamped), rule });
  }
  if (context.capabilities.runUsers === "assigned" && run.user !== "") noteUser(run.user, context);
  return { ...run, params, latestMetrics, tags: reconcileTags(run, context) };
}

function reconcileLoggedModel(model: LoggedModel, context: Context): LoggedModel {
  noteCreated(model, context);
  const rule = context.capabilities.names.loggedModel;
  const name = rule === undefined || rule.pattern.test(model.name) ? model.name : model.name.replace(/[^\w.-]/g, "_");
  if (name !== model.name) {
    context.changes.push({ field: "name", class: "translated", from: model.name, to: name, rule: rule?.wording ?? "" });
  }
  const metrics = model.metrics.map((metric) => ({ ...metric, value: clamp(metric.value, context.capabilities) }));
  return { ...model, name, metrics, tags: reconcileTags(model, context) };
}

function reconcileModel(model: RegisteredModel, context: Context): RegisteredModel {
  const renamed = context.mapping.model(model.name);
  noteRename(context.changes, "name", model.name, renamed);
  noteCreated(model, context);
  return { ...withDescription(model, context), name: renamed.name, tags: reconcileTags(model, context) };
}

/** Without its description where the target cannot hold that. */
function withDescription<E extends RegisteredModel | ModelVersion>(entity: E, { capabilities, changes }: Context): E {
  const { description, ...rest } = entity;
  const rule = description === undefined ? undefined : whyNotHeld(description, capabilities.descriptionChars, capabilities);
  if (description === undefined || rule === undefined) return entity;
  changes.push({ field: "description", class: "lost", from: description, rule });
  return rest as E;
}

function reconcileVersion(version: ModelVersion, context: Context): ModelVersion {
  const { capabilities, mapping, changes } = context;
  const renamed = mapping.model(version.model);
  noteRename(changes, "model", version.model, renamed);
  noteCreated(version, context);
  if (capabilities.creationTimes === "assigned" && version.user !== undefined && version.user !== "") noteUser(version.user, context);
  const extra = new Map<string, string>();
  const stage = reconcileStage(version, context, extra);
  const { run, ...rest } = withoutLinks(withDescription(version, context), context);
  const placedFiles = placeFiles({ ...version, needs: rest.needs }, context, extra);
  const tags = reconcileTags(version, context, extra);
  context.notes.leaveRoom(version, tags);
  return { ...rest, ...(run === undefined || extra.has(RUN_TAG) ? {} : { run }), ...placedFiles, model: renamed.name, stage, tags };
}

function noteUser(user: string, { changes }: Context): void {
  changes.push({ field: "user", class: "inherent", from: user, to: "tag mlferry_created_by", rule: "the target sets its own" });
}

/** A stage that the target does not keep is readable on the version all the same, whatever else it became; only without any tags it is lost. */
function reconcileStage(version: ModelVersion, context: Context, extra: Map<string, string>): Stage {
  const { capabilities, mapping, aliases } = context;
  const { stage } = version;
  const keepsNone = !capabilities.stages && hasNoTags(capabilities.tags["model-version"]);
  if (stage === "None") {
    // A source without stages has only such versions, and what it says of their stages itself stands.
    if (!capabilities.stages && !keepsNone && !version.tags.has(STAGE_TAG)) extra.set(STAGE_TAG, stage);
    return stage;
  }
  if (keepsNone) {
    context.changes.push(stageLoss(version));
    return "None";
  }
  if (mapping.stage(stage) === undefined && capabilities.stages) return stage;
  const keep = stageRule(stage, mapping);
  extra.set(STAGE_TAG, stage);
  if ("tag" in keep) extra.set(keep.tag, keep.value);
  else aliases.claim(version, keep);
  context.changes.push({ field: "stage", class: "translated", from: stage, to: placeOfStage(keep, stage), rule: keep.rule });
  return "None";
}

function placeOfStage(keep: StageRule, stage: Stage): string {
  const readable = `tag ${STAGE_TAG}=${stage}`;
  if ("tag" in keep) return keep.tag === STAGE_TAG ? `tag ${keep.tag}=${keep.value}` : `tag ${keep.tag}=${keep.value}, ${readable}`;
  const ifSeveral = { newest: "newest version wins", refuse: "unless several want it", number: "numbered if several want it" };
  return `alias ${keep.alias} (${ifSeveral[keep.conflict]}), ${readable}`;
}

/** Tags after drop rules and the target's limits; `extra` are facts that now live in tags. */
function reconcileTags(entity: Entity & { readonly tags: Tags }, context: Context, extra: Tags = new Map()): Tags {
  const limits = context.capabilities.tags[entity.kind];
  // First: where there is room for so many tags only, what mlferry has to say comes before.
  const kept = new Map(extra);
  for (const [key, value] of limits?.packs === true ? entity.tags : unpack(entity.tags, context.changes)) {
    const rule = context.mapping.dropsTag(key);
    const taken = extra.has(key) && extra.get(key) !== value;
    const lost = { field: `tags.${key}`, class: "lost", from: value } as const;
    if (rule !== undefined) context.changes.push({ ...lost, rule, agreed: true });
    else if (taken) context.changes.push({ ...lost, rule: "mlferry keeps another fact under this key" });
    else kept.set(key, value);
  }
  return fitTags(kept, { ...context.capabilities, limits }, context.changes);
}

function noteCreated(entity: Entity & { readonly createdAt?: bigint }, context: Context): void {
  if (entity.createdAt === undefined || context.capabilities.creationTimes === "chosen") return;
  const change = { from: String(entity.createdAt), to: "tag mlferry_created_at", rule: "the target sets its own" };
  context.changes.push({ field: "createdAt", class: "inherent", ...change });
}
