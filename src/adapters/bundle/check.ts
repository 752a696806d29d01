// The offline check of a bundle: reads every byte once and tells everything that is wrong, not only the first thing.
import { createHash } from "node:crypto";
import { asMigrationError } from "../../errors.ts";
import { KINDS } from "../../model/entities.ts";
import type { Kind } from "../../model/entities.ts";
import { attempt, blobProblem } from "./check-blob.ts";
import type { MetricsOf, Report } from "./check-blob.ts";
import { entityLines } from "./entity-lines.ts";
import { parseHeader, parseManifest } from "./envelope.ts";
import type { Manifest, ManifestMember } from "./envelope.ts";
import { blobsOf } from "./growing.ts";
import {
  FORMAT_VERSION,
  HEADER,
  LIMITS,
  MANIFEST,
  blobDigest,
  blobMember,
  compressedMember,
  contentName,
  entitiesMember,
  isCompressed,
  kindsIn,
} from "./layout.ts";
import type { FormatVersion } from "./layout.ts";
import { LineError, linesOf } from "./lines.ts";
import type { MemberStore, OpenTar } from "./member-store.ts";
import { parseRecord } from "./record-index.ts";
import type { BundleRecord } from "./records.ts";
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
  /** Of all members as they lie there. */
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
 * Checks a bundle whole (a tar that is open already is closed by the iteration): structure, sizes, digests, lines, references and counts. Throws NOT_FOUND, BUNDLE_TOO_NEW or, where
 * the path holds no bundle at all, BUNDLE_DAMAGED; everything else is a problem that is yielded.
 */
export function checkBundle(bundle: string | OpenTar, options: { readonly signal?: AbortSignal } = {}): BundleCheck {
  const findings: Findings = {
    problems: [],
    keys: new Set(),
    missing: [],
    blobs: new Map(),
    named: new Map(),
    entities: Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>,
    totals: { blobs: 0, sizeBytes: 0, losses: 0, unusedBlobs: 0, unusedBytes: 0 },
  };
  return {
    get counts() {
      const { totals, entities } = findings;
      const unused = { blobs: totals.unusedBlobs, sizeBytes: totals.unusedBytes };
      return { entities, blobs: totals.blobs, sizeBytes: totals.sizeBytes, unused, losses: totals.losses };
    },
    [Symbol.asyncIterator]: () => check(bundle, findings, options.signal),
  };
}

interface Findings {
  /** Found and not yielded yet. */
  readonly problems: BundleProblem[];
  readonly keys: Set<string>;
  /** References to keys that had not been seen when they were met. */
  readonly missing: { readonly member: string; readonly key: string; readonly needs: string }[];
  /** What the lines say of each blob. */
  readonly blobs: Map<string, { readonly size: number; readonly metrics?: MetricsOf }>;
  /** What the manifest says, by what the members hold. */
  readonly named: Map<string, ManifestMember>;
  readonly entities: Record<Kind, number>;
  readonly totals: { blobs: number; sizeBytes: number; losses: number; unusedBlobs: number; unusedBytes: number };
}

async function* check(
  bundle: string | OpenTar,
  findings: Findings,
  signal: AbortSignal | undefined,
): AsyncGenerator<BundleProblem, void, undefined> {
  const report = (member: string, problem: string): void => void findings.problems.push({ member, problem });
  const drain = (): BundleProblem[] => findings.problems.splice(0);
  const store = await openStore(bundle, report).catch((error: unknown) => {
    throw asMigrationError(error);
  });
  try {
    const { manifest, version } = await checkEnvelope(store, findings);
    yield* drain();
    for (const kind of kindsIn(version)) {
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

interface Envelope {
  readonly manifest?: Manifest;
  readonly version: FormatVersion;
}

/** Header and manifest, and whether the manifest names what is there. */
async function checkEnvelope(store: MemberStore, findings: Findings): Promise<Envelope> {
  const report = reporter(findings);
  const text = await attempt(report, HEADER, () => readText(store, HEADER, LIMITS.headerBytes));
  const header = text === undefined ? undefined : await attempt(report, HEADER, async () => parseHeader(text, store.where));
  if (header === undefined) return { version: FORMAT_VERSION };
  const manifest = await attempt(report, MANIFEST, async () =>
    parseManifest(await readText(store, MANIFEST, LIMITS.manifestBytes), store.where, header.version),
  );
  if (manifest === undefined) return { version: header.version };
  findings.totals.losses = manifest.losses.length;
  const { named } = findings;
  for (const member of manifest.members) {
    const { name, stored, sha256 } = member;
    const found = store.members.get(name);
    if (named.has(contentName(name))) report(MANIFEST, `names ${contentName(name)} twice`);
    named.set(contentName(name), member);
    if (found === undefined) report(name, "is missing");
    else if (found !== stored) report(name, `has ${found} bytes instead of ${stored}`);
    if (
      name === HEADER &&
      createHash("sha256")
        .update(text ?? "")
        .digest("hex") !== sha256
    ) {
      report(HEADER, "has another digest than the manifest says");
    }
  }
  for (const name of store.members.keys())
    if (name !== MANIFEST && named.get(contentName(name))?.name !== name) report(name, "is not in the manifest");
  return { manifest, version: header.version };
}

const reporter =
  (findings: Findings): Report =>
  (member, problem) =>
    void findings.problems.push({ member, problem });

interface LineCheck {
  readonly findings: Findings;
  readonly manifest: Manifest | undefined;
  readonly signal: AbortSignal | undefined;
}

async function checkLines(store: MemberStore, kind: Kind, check: LineCheck): Promise<void> {
  const { findings, manifest } = check;
  const report = reporter(findings);
  if (manifest === undefined) return;
  const source = entityLines(store, manifest);
  const member = source.member(kind);
  const stored = member === undefined ? undefined : store.members.get(member.name);
  if (member === undefined || stored === undefined) return member === undefined ? report(entitiesMember(kind), "is missing") : undefined;
  findings.totals.sizeBytes += stored;
  const hash = createHash("sha256");
  const lines = await attempt(report, member.name, () =>
    readLines(hashed(source.content(kind), hash), { ...check, kind, member: member.name }),
  );
  if (lines === undefined) return;
  if (hash.digest("hex") !== member.sha256) report(member.name, "has another digest than the manifest says");
  if (manifest.counts[kind] !== lines) report(member.name, `has ${lines} lines instead of ${manifest.counts[kind]}`);
}

/** Notes every record; gives how many lines there are, or undefined where they are no lines. */
async function readLines(
  content: AsyncIterable<Uint8Array>,
  { kind, member, findings, signal }: LineCheck & { readonly kind: Kind; readonly member: string },
): Promise<number | undefined> {
  const report = reporter(findings);
  let lines = 0;
  try {
    for await (const { bytes } of linesOf(content, LIMITS.lineBytes)) {
      signal?.throwIfAborted();
      const record = parseRecord(kind, bytes);
      lines++;
      if (typeof record === "string") report(member, `line ${lines}: ${record}`);
      else noteRecord(record, { member, line: lines, findings });
    }
    return lines;
  } catch (error) {
    if (!(error instanceof LineError)) throw error;
    report(member, error.message);
    return undefined;
  }
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
    const forms = [blobMember(sha256), compressedMember(blobMember(sha256))];
    if (!forms.some((name) => store.members.has(name))) reporter(findings)(blobMember(sha256), "is missing, and a line names it");
  }
}

/** The blob's own digest, and what the lines say about it. Called for every member; others than blobs only count. */
async function checkBlob(store: MemberStore, { name, size: stored }: { name: string; size: number }, findings: Findings): Promise<void> {
  const { totals, blobs } = findings;
  const digest = blobDigest(name);
  if (digest === undefined) {
    if (name === HEADER || name === MANIFEST) totals.sizeBytes += stored;
    return;
  }
  const report = reporter(findings);
  const said = blobs.get(digest);
  totals.blobs++;
  totals.sizeBytes += stored;
  if (said === undefined) {
    totals.unusedBlobs++;
    totals.unusedBytes += stored;
  }
  const size = isCompressed(name) ? findings.named.get(contentName(name))?.size : stored;
  // Nobody says how much it may hold, which is told already: the manifest is damaged.
  if (size === undefined) return;
  // Of another size than a line says: that it has other bytes goes without saying.
  if (said !== undefined && said.size !== size) return report(name, `has ${size} bytes instead of the ${said.size} that a line says`);
  const problem = await blobProblem(store, { name, digest, sizes: { stored, size }, metrics: said?.metrics });
  if (problem !== undefined) report(name, problem);
}
