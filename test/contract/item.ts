// What the contract suites move about: an entity together with what a place keeps beside it.
import { createHash } from "node:crypto";
import type { Entity, MetricPoint } from "../../src/model/entities.ts";

export interface Item<E extends Entity = Entity> {
  readonly entity: E;
  /** The whole history of a run. */
  readonly points?: readonly MetricPoint[];
  /** By path below the entity. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
}

/** Whether the place has to move files for the entity itself. */
export function ownsFiles(entity: Entity): boolean {
  return entity.kind === "run" || entity.kind === "logged-model" || (entity.kind === "model-version" && entity.files.owner === "own");
}

export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
