// The names inside a bundle and beside it while it is written, and the limits that a reader holds it to.
import { KINDS } from "../../model/entities.ts";
import type { Kind } from "../../model/entities.ts";

export const FORMAT = "mlferry-bundle";
/** Raised with any change that a reader of the version before would misread; docs/bundle-format.md has the rules. */
export const FORMAT_VERSION = 3;
export type FormatVersion = 1 | 2 | typeof FORMAT_VERSION;

/** The kinds that bundles of versions 1 and 2 have members for. */
const FIRST_KINDS = ["experiment", "run", "logged-model", "registered-model", "model-version", "alias"] as const satisfies readonly Kind[];
/** The kinds that a bundle of the version has members for, in their order. */
export const kindsIn = (version: FormatVersion): readonly Kind[] => (version === FORMAT_VERSION ? KINDS : FIRST_KINDS);

export const HEADER = "header.json";
export const MANIFEST = "manifest.json";
export const entitiesMember = (kind: Kind): string => `entities/${kind}.jsonl`;
export const blobMember = (sha256: string): string => `${BLOBS}/${sha256}`;
/** The folder of the blobs, without a slash at its end. */
export const BLOBS = "blobs/sha256";

const ZSTD_SUFFIX = ".zst";
/** The name of the member that holds a content compressed; which contents may be is in {@link isMemberName}. */
export const compressedMember = (name: string): string => `${name}${ZSTD_SUFFIX}`;
export const isCompressed = (member: string): boolean => member.endsWith(ZSTD_SUFFIX);
/** What the content of a member is called: the member's name, but for what tells that it is compressed. */
export const contentName = (member: string): string => (isCompressed(member) ? member.slice(0, -ZSTD_SUFFIX.length) : member);

/** The digest in a blob's name, or undefined where the name is no blob's. */
export function blobDigest(member: string): string | undefined {
  return /^blobs\/sha256\/([0-9a-f]{64})(?:\.zst)?$/.exec(member)?.[1];
}

/** Whether a bundle may hold a member of the name: a closed list, so nothing can point outside. */
export function isMemberName(name: string, version: FormatVersion = FORMAT_VERSION): boolean {
  if (version === 1 && isCompressed(name)) return false;
  const isEntities = kindsIn(version).some((kind) => entitiesMember(kind) === contentName(name));
  return name === HEADER || name === MANIFEST || isEntities || blobDigest(name) !== undefined;
}

/** Whether the path asks for a tar rather than a folder. */
export const isTarPath = (path: string): boolean => path.endsWith(".tar");

/** Where the parts of an unfinished bundle lie. */
export interface PartialLayout {
  readonly root: string;
  /** The growing tar, or the growing folder. Not there while a bundle goes through a pipe. */
  readonly bundle: string;
  /** Entity lines in the order of writing, one file a kind. */
  readonly lines: (kind: Kind) => string;
  /** Files that arrived whole, of entities whose line is not written yet. */
  readonly arrivals: string;
  /** Blobs whose digest is not known yet; cleared at every start. */
  readonly spool: string;
  readonly lock: string;
}

/** A folder beside the output, so that the last step is a rename. */
export const partialLayout = (path: string): PartialLayout => partsIn(`${path}.partial`, isTarPath(path) ? "bundle.tar" : "bundle");

export function partsIn(root: string, bundle = "bundle.tar"): PartialLayout {
  return {
    root,
    bundle: `${root}/${bundle}`,
    lines: (kind) => `${root}/entities/${kind}.jsonl`,
    arrivals: `${root}/arrivals.jsonl`,
    spool: `${root}/spool`,
    lock: `${root}/lock`,
  };
}

const MIB = 1024 * 1024;

/** What a reader refuses to load, so that a made-up bundle cannot exhaust memory. Writers keep to the same limits. */
export const LIMITS = {
  headerBytes: MIB,
  /** Stays below the longest string that V8 holds (512 MiB); about two million members. */
  manifestBytes: 400 * MIB,
  lineBytes: 64 * MIB,
  /** Contents of a compressed frame of lines: a line of the greatest length, and the others that a writer puts before it. */
  frameBytes: 65 * MIB,
  /** A reader keeps this much of a content to decompress it (RFC 8878 asks decoders for no more); 2 to the power of it. */
  windowLog: 23,
  /** A text of a data set that was put in a blob. */
  textBytes: 64 * MIB,
  /** Longer texts of data sets go to blobs. */
  inlineTextBytes: 64 * 1024,
  /** Zeros after the last member: two blocks are due, and tar tools pad up to their record size. */
  trailerBytes: MIB,
} as const;
