// The offline check of a bundle: reads every byte once and tells everything that is wrong, not only the first thing.
import { createHash } from "node:crypto";
import { MigrationError, asMigrationError } from "../../errors.ts";
import { KINDS } from "../../model/entities.ts";
import type { Kind } from "../../model/entities.ts";
import { parseHeader, parseManifest } from "./envelope.ts";
import type { Manifest } from "./envelope.ts";
import { blobsOf } from "./growing.ts";
import { HEADER, LIMITS, MANIFEST, blobDigest, blobMember, entitiesMember } from "./layout.ts";
import { LineError, linesOf } from "./lines.ts";
import type { MemberStore } from "./member-store.ts";
import { pointsOf } from "./reading.ts";
import { parseRecord } from "./record-index.ts";
import type { BundleRecord, MetricsRecord } from "./records.ts";
import { hashed } from "./source.ts";
import { openStore, readText } from "./store.ts";

export interface BundleProblem {
  readonly member: string;
  readonly problem: string;
}

export interface CheckCounts {
  /** Lines that could be read. */
  readonly entities: Readonly<Record<Kind, number>>;
  readonly blobs: number;
  /** Of all members. */
  readonly sizeBytes: number;
  /** Blobs that no line names: what a cut-off or repeated transfer left behind. They do no harm. */
  readonly unused: { readonly blobs: number; readonly sizeBytes: number };
  /** What the writer could not carry, as the manifest tells. */
  readonly losses: number;
}

/** Problems as they are found. `counts` grows with the iteration and is final after it; iterate once. */
export interface BundleCheck extends AsyncIterable<BundleProblem> {
  readonly counts: CheckCounts;
}

/**
 * Checks a bundle whole: structure, sizes, digests, lines, references and counts. Throws NOT_FOUND, BUNDLE_TOO_NEW or, where
 * the path holds no bundle at all, BUNDLE_DAMAGED; everything else is a problem that is yielded.
 */
export function checkBundle(path: string, options: { readonly signal?: AbortSignal } = {}): BundleCheck {
  const findings: Findings = {
    problems: [],
    keys: new Set(),
    missing: [],
    blobs: new Map(),
    entities: Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>,
    totals: { blobs: 0, sizeBytes: 0, losses: 0, unusedBlobs: 0, unusedBytes: 0 },
  };
  return {
    get counts() {
      const { totals, entities } = findings;
      const unused = { blobs: totals.unusedBlobs, sizeBytes: totals.unusedBytes };
      return { entities, blobs: totals.blobs, sizeBytes: totals.sizeBytes, unused, losses: totals.losses };
    },
    [Symbol.asyncIterator]: () => check(path, findings, options.signal),
  };
}

/** A metric history, and the key of a run that has it. */
interface MetricsOf {
  readonly record: MetricsRecord;
  readonly run: string;
}

interface Findings {
  /** Found and not yielded yet. */
  readonly problems: BundleProblem[];
  readonly keys: Set<string>;
  /** References to keys that had not been seen when they were met. */
  readonly missing: { readonly member: string; readonly key: string; readonly needs: string }[];
  /** What the lines say of each blob. */
  readonly blobs: Map<string, { readonly size: number; readonly metrics?: MetricsOf }>;
  readonly entities: Record<Kind, number>;
  readonly totals: { blobs: number; sizeBytes: number; losses: number; unusedBlobs: number; unusedBytes: number };
}

async function* check(path: string, findings: Findings, signal: AbortSignal | undefined): AsyncGenerator<BundleProblem, void, undefined> {
  const report = (member: string, problem: string): void => void findings.problems.push({ member, problem });
  const drain = (): BundleProblem[] => findings.problems.splice(0);
  const store = await openStore(path, report).catch((error: unknown) => {
    throw asMigrationError(error);
  });
  try {
    const manifest = await checkEnvelope(store, findings);
    yield* drain();
    for (const kind of KINDS) {
      await checkLines(store, kind, { findings, manifest, signal });
      yield* drain();
    }
    checkReferences(findings);
    checkPresence(store, findings);
    yield* drain();
    for (const [name, size] of store.members) {
      signal?.throwIfAborted();
      await checkBlob(store, { name, size }, findings);
      yield* drain();
    }
  } catch (error) {
    throw asMigrationError(error);
  } finally {
    await store.close();
  }
}

/** Header and manifest, and whether the manifest names what is there. */
async function checkEnvelope(store: MemberStore, findings: Findings): Promise<Manifest | undefined> {
  const report = reporter(findings);
  const header = await attempt(report, HEADER, () => readText(store, HEADER, LIMITS.headerBytes));
  if (header !== undefined) await attempt(report, HEADER, async () => parseHeader(header, store.where));
  const manifest = await attempt(report, MANIFEST, async () =>
    parseManifest(await readText(store, MANIFEST, LIMITS.manifestBytes), store.where),
  );
  if (manifest === undefined) return undefined;
  findings.totals.losses = manifest.losses.length;
  const named = new Map<string, number>();
  for (const { name, size, sha256 } of manifest.members) {
    const stored = store.members.get(name);
    if (named.has(name)) report(MANIFEST, `names ${name} twice`);
    named.set(name, size);
    if (stored === undefined) report(name, "is missing");
    else if (stored !== size) report(name, `has ${stored} bytes instead of ${size}`);
    if (name === HEADER && header !== undefined && createHash("sha256").update(header).digest("hex") !== sha256) {
      report(HEADER, "has another digest than the manifest says");
    }
  }
  for (const name of store.members.keys()) if (name !== MANIFEST && !named.has(name)) report(name, "is not in the manifest");
  return manifest;
}

type Report = (member: string, problem: string) => void;

const reporter =
  (findings: Findings): Report =>
  (member, problem) =>
    void findings.problems.push({ member, problem });

/** Turns damage into a problem; a version that is too new, or a disk that fails, ends the check. */
async function attempt<T>(report: Report, member: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MigrationError) || (error.code !== "BUNDLE_DAMAGED" && error.code !== "ARTIFACT_CORRUPT")) throw error;
    report(member, error.message);
    return undefined;
  }
}

interface LineCheck {
  readonly findings: Findings;
  readonly manifest: Manifest | undefined;
  readonly signal: AbortSignal | undefined;
}

async function checkLines(store: MemberStore, kind: Kind, { findings, manifest, signal }: LineCheck): Promise<void> {
  const member = entitiesMember(kind);
  const report = reporter(findings);
  const size = store.members.get(member);
  if (size === undefined) return report(member, "is missing");
  findings.totals.sizeBytes += size;
  const hash = createHash("sha256");
  let lines = 0;
  try {
    for await (const { bytes } of linesOf(hashed(store.read(member), hash), LIMITS.lineBytes)) {
      signal?.throwIfAborted();
      const record = parseRecord(kind, bytes);
      lines++;
      if (typeof record === "string") report(member, `line ${lines}: ${record}`);
      else noteRecord(record, { member, line: lines, findings });
    }
  } catch (error) {
    if (!(error instanceof LineError)) throw error;
    return report(member, error.message);
  }
  const digest = manifest?.members.find(({ name }) => name === member)?.sha256;
  if (digest !== undefined && hash.digest("hex") !== digest) report(member, "has another digest than the manifest says");
  if (manifest !== undefined && manifest.counts[kind] !== lines) report(member, `has ${lines} lines instead of ${manifest.counts[kind]}`);
}

function noteRecord(record: BundleRecord, { member, line, findings }: { member: string; line: number; findings: Findings }): void {
  const { entity } = record;
  const report = reporter(findings);
  findings.entities[entity.kind]++;
  if (findings.keys.has(entity.key)) report(member, `line ${line}: ${entity.key} is there twice`);
  findings.keys.add(entity.key);
  const needs = entity.kind === "model-version" && entity.files.owner !== "own" ? [...entity.needs, entity.files.key] : entity.needs;
  for (const needed of new Set(needs)) if (!findings.keys.has(needed)) findings.missing.push({ member, key: entity.key, needs: needed });
  const metrics = "metrics" in record ? record.metrics : undefined;
  for (const { sha256, size } of blobsOf(record)) {
    const known = findings.blobs.get(sha256);
    if (known !== undefined && known.size !== size)
      report(member, `line ${line}: gives ${blobMember(sha256)} ${size} bytes, another line ${known.size}`);
    else if (known?.metrics === undefined)
      findings.blobs.set(sha256, { size, ...(metrics?.blob === sha256 ? { metrics: { record: metrics, run: entity.key } } : {}) });
  }
}

function checkReferences({ missing, keys, problems }: Findings): void {
  for (const { member, key, needs } of missing) {
    if (!keys.has(needs)) problems.push({ member, problem: `${key} needs ${needs}, which is not in the bundle` });
  }
}

function checkPresence(store: MemberStore, findings: Findings): void {
  for (const sha256 of findings.blobs.keys()) {
    if (!store.members.has(blobMember(sha256))) reporter(findings)(blobMember(sha256), "is missing, and a line names it");
  }
}

/** The blob's own digest, and what the lines say about it. Called for every member; others than blobs only count. */
async function checkBlob(store: MemberStore, { name, size }: { name: string; size: number }, findings: Findings): Promise<void> {
  const { totals, blobs } = findings;
  const digest = blobDigest(name);
  if (digest === undefined) {
    if (name === HEADER || name === MANIFEST) totals.sizeBytes += size;
    return;
  }
  const report = reporter(findings);
  const said = blobs.get(digest);
  totals.blobs++;
  totals.sizeBytes += size;
  if (said === undefined) {
    totals.unusedBlobs++;
    totals.unusedBytes += size;
  } else if (said.size !== size) report(name, `has ${size} bytes instead of the ${said.size} that a line says`);
  const problem = await contentProblem(store, { name, digest, metrics: said?.metrics });
  // Of another size than a line says: that it has other bytes goes without saying.
  if (problem !== undefined && (said === undefined || said.size === size)) report(name, problem);
}

/** What is wrong with a blob's bytes. Wrong bytes explain points that cannot be read, so the digest goes first. */
async function contentProblem(
  store: MemberStore,
  { name, digest, metrics }: { name: string; digest: string; metrics: MetricsOf | undefined },
): Promise<string | undefined> {
  const hash = createHash("sha256");
  const bytes = hashed(store.read(name), hash);
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

async function readThrough(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _part of stream);
}
