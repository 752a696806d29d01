// Where stage transitions are carried out when they are written: versions get their stage after them, at the end of the job.
import { MigrationError } from "../errors.ts";
import type { Entity, EntityKey, ModelVersion, PlacedKey, Stage } from "../model/entities.ts";
import { isEntry } from "../model/keys.ts";
import type { Target } from "../ports/target.ts";
import type { Step } from "./change.ts";

export interface Replay {
  /** What of a step is carried out now: a version keeps the stage that it has at the target, or none. */
  heldBack(step: Step, signal: AbortSignal): Promise<Step>;
  /** Whether the version waits for its stage. */
  isWaiting(version: EntityKey): boolean;
  /** Notes that the target has a version as it is to be: transitions that come for it are past. */
  isThere(version: EntityKey): void;
  /** Whether a transition is only to be told. */
  isPast(entity: Entity): boolean;
  /** Notes a transition that was carried out. */
  carriedOut(entity: Entity): void;
  /** Whether its transitions have brought a version to its stage. */
  hasReached(version: EntityKey, stage: Stage): boolean;
}

export function createReplay({ capabilities }: Pick<Target, "capabilities">): Replay {
  const replays = capabilities.replaysTransitions === true;
  const waiting = new Set<EntityKey>();
  const there = new Set<EntityKey>();
  const reached = new Map<EntityKey, Stage>();
  const versionOf = (entity: Entity): EntityKey | undefined => (isEntry(entity) ? entity.needs[0] : undefined);
  return {
    async heldBack(step, signal) {
      const { entity } = step;
      if (!replays || entity.kind !== "model-version") return step;
      const present = await step.found?.read(signal);
      const stage = present?.kind === "model-version" ? present.stage : "None";
      if (stage === entity.stage) there.add(step.source.key);
      else waiting.add(step.source.key);
      return { ...step, entity: { ...entity, stage } };
    },
    isWaiting: (version) => waiting.has(version),
    isThere: (version) => void there.add(version),
    isPast: (entity) => replays && entity.kind === "stage-transition" && there.has(versionOf(entity) ?? entity.key),
    carriedOut(entity) {
      if (replays && entity.kind === "stage-transition" && entity.needs[0] !== undefined) reached.set(entity.needs[0], entity.to);
    },
    hasReached: (version, stage) => reached.get(version) === stage,
  };
}

/** Gives a version its stage. Throws INTERNAL for a target that says it replays transitions and cannot. */
export async function settle(target: Target, version: ModelVersion, key: PlacedKey, signal: AbortSignal): Promise<void> {
  if (target.settle === undefined) throw new MigrationError("INTERNAL", `${target.uri} replays transitions and sets no stage`);
  await target.settle(version, key, signal);
}
