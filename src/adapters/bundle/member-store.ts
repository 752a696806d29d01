// What a tar and a folder have in common for whoever reads: members by name.
import type { FileHandle } from "node:fs/promises";

/** The members of a finished bundle, whether they lie in a tar or in a folder. */
export interface MemberStore {
  readonly where: string;
  /** Every member and its size in bytes, as it lies there, in the order in which they stand. */
  readonly members: ReadonlyMap<string, number>;
  /** The bytes of a member as they lie there, or a part of them. Fails (BUNDLE_DAMAGED) rather than end early. */
  read(name: string, range?: { readonly position: number; readonly sizeBytes: number }): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** A tar that is open already, since it has no path of its own. Whoever is given it closes it. */
export interface OpenTar {
  /** What messages call it. */
  readonly where: string;
  readonly file: FileHandle;
}

/** Takes note of what is wrong with the structure; to stop at the first problem, throw. */
export type OnProblem = (member: string, problem: string) => void;
