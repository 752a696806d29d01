// The check of one blob: its bytes against its name, and a metric history's points against what its run says of them.
import { createHash } from "node:crypto";
import { MigrationError } from "../../errors.ts";
import type { MemberStore } from "./member-store.ts";
import { pointsOf } from "./reading.ts";
import type { MetricsRecord } from "./records.ts";
import { hashed } from "./source.ts";
import { contentOf } from "./stored-content.ts";
import { FrameError } from "./zstd.ts";

/** A metric history, and the key of a run that has it. */
export interface MetricsOf {
  readonly record: MetricsRecord;
  readonly run: string;
}

/** Takes note of what is wrong with a member. */
export type Report = (member: string, problem: string) => void;

/** Turns damage into a problem; a version that is too new, or a disk that fails, ends the check. */
export async function attempt<T>(report: Report, member: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MigrationError) || (error.code !== "BUNDLE_DAMAGED" && error.code !== "ARTIFACT_CORRUPT")) throw error;
    report(member, error.message);
    return undefined;
  }
}

export interface BlobCheck {
  /** Of the member. */
  readonly name: string;
  readonly digest: string;
  readonly sizes: { readonly stored: number; readonly size: number };
  readonly metrics: MetricsOf | undefined;
}

/** What is wrong with a blob's bytes. Wrong bytes explain points that cannot be read, so the digest goes first. */
export async function blobProblem(store: MemberStore, { name, digest, sizes, metrics }: BlobCheck): Promise<string | undefined> {
  const hash = createHash("sha256");
  const bytes = hashed(asDamage(contentOf(name, store.read(name), sizes)), hash);
  // Without `return`, so that the rest can be read after the points ended early.
  const blob = (): AsyncIterable<Uint8Array> => ({ [Symbol.asyncIterator]: () => ({ next: () => bytes.next() }) });
  const problems: string[] = [];
  const note: Report = (_member, problem) => void problems.push(problem);
  await attempt(note, name, async () => {
    if (metrics !== undefined) await attempt(note, name, () => readThrough(pointsOf({ blob }, metrics.record, metrics.run)));
    await readThrough(bytes);
    if (hash.digest("hex") !== digest) problems.unshift("has other bytes than its name says");
  });
  return problems[0];
}

async function* asDamage(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* bytes;
  } catch (error) {
    throw error instanceof FrameError ? new MigrationError("ARTIFACT_CORRUPT", error.message, { cause: error }) : error;
  }
}

async function readThrough(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _part of stream);
}
