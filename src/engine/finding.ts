// What verification finds: its vocabulary, and an entity seen from both sides.
import type { Entity, EntityKey } from "../model/entities.ts";
import type { Found } from "../ports/target.ts";
import type { Reconciled } from "./reconciled.ts";

/** How deep verification looks; each level includes those before it. `bytes` downloads every file. */
export const LEVELS = ["counts", "metadata", "sizes", "bytes"] as const;
export type Level = (typeof LEVELS)[number];

/** One difference between what the target should hold and what it does. */
export interface Finding {
  /** The source's key. */
  readonly key: EntityKey;
  /** A field path; `metrics/<key>` and `files/<path>` for histories and files; "" for the whole object. */
  readonly field: string;
  readonly kind: "missing" | "different" | "extra" | "unreadable" | "left out";
  readonly expected?: string;
  readonly found?: string;
  /** True when it follows from a loss that the user agreed to. */
  readonly agreed: boolean;
}

/** What was compared of one entity, and what differed. */
export interface Verified {
  readonly key: EntityKey;
  readonly findings: readonly Finding[];
  readonly compared: { readonly facts: number; readonly points: number; readonly files: number; readonly bytes: number };
}

/** An entity as it should be and as it is. */
export interface Located {
  readonly reconciled: Reconciled;
  readonly found?: Found;
  /** What the target yields, read once. */
  readonly present?: Entity;
  readonly error?: string;
}
