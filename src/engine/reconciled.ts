// What reconciling gives, and what it goes by.
import type { Entity } from "../model/entities.ts";
import type { Mapping } from "../model/mapping.ts";
import type { Capabilities } from "../ports/capabilities.ts";
import type { Change, Refusal } from "./change.ts";

export interface Reconciled {
  /** As the source yielded it; for an alias that a stage became, the alias. */
  readonly source: Entity;
  readonly entity: Entity;
  readonly changes: readonly Change[];
  readonly refusal?: Refusal;
  /** The target has no such objects, and the user agreed to go without. */
  readonly dropped?: boolean;
}

export interface ReconcileOptions {
  readonly capabilities: Capabilities;
  readonly mapping: Mapping;
  /** What to do with an entity that would lose a fact: leave it (and what needs it) out, or write it without the fact. */
  readonly onLoss: "refuse" | "drop";
}
