// The first and the last member of a bundle: the header tells what it is, the manifest that it is whole.
import { createHash } from "node:crypto";
import { z } from "zod";
import { MigrationError } from "../../errors.ts";
import { KINDS } from "../../model/entities.ts";
import type { Kind } from "../../model/entities.ts";
import { FORMAT, FORMAT_VERSION, LIMITS, blobDigest, isCompressed, isMemberName, kindsIn } from "./layout.ts";
import type { FormatVersion } from "./layout.ts";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/u);
const sizeBytes = z.int().min(0);

export const headerSchema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal([1, 2, FORMAT_VERSION]),
  /** Name and version of the writer. */
  tool: z.string(),
  /** When the bundle was begun: ISO 8601, UTC. */
  created: z.iso.datetime(),
  /** Identity of the registry whose objects the bundle holds; not the bundle's own. */
  origin: z.string().regex(/^[0-9a-f]+$/u),
  /** Where that registry was, without credentials. */
  source: z.strictObject({ uri: z.string() }),
  /** What was asked for, as the writer understood it. Absent: everything. */
  selection: z.exactOptional(z.unknown()),
});
export type Header = z.output<typeof headerSchema>;

const notCarried = z.strictObject({
  /** Plural noun, such as `traces`. */
  what: z.string(),
  count: z.int().min(0),
  /** True where the count is the least that there are. */
  atLeast: z.exactOptional(z.boolean()),
  /** An experiment's or model's name. */
  where: z.exactOptional(z.string()),
});

const countsIn = (version: FormatVersion) => z.strictObject(Object.fromEntries(kindsIn(version).map((kind) => [kind, z.int().min(0)])));

const common = {
  format: z.literal(FORMAT),
  /** Objects of the source of kinds that a bundle cannot hold. */
  notCarried: z.array(notCarried),
  /** What of the selected objects is missing, as the writer reported it. */
  losses: z.array(
    z.strictObject({
      key: z.string(),
      field: z.string(),
      reason: z.string(),
      agreed: z.literal(true).exactOptional().describe("the user had asked to leave it out"),
    }),
  ),
  /** Of the manifest's own bytes before the line that holds it. */
  sha256,
};

/** The manifest of a bundle of version 1, where no member is compressed. */
export const manifestV1Schema = z.strictObject({
  ...common,
  version: z.literal(1),
  counts: countsIn(1),
  members: z.array(z.strictObject({ name: z.string(), size: sizeBytes, sha256 })),
});

const member = z.strictObject({
  name: z.string(),
  /** Of the member as it lies there. */
  stored: sizeBytes,
  /** Of its content. Equal to `stored` unless it is compressed. */
  size: sizeBytes,
  /** Of its content. */
  sha256,
  /** Of compressed lines: `stored` and `size` of each frame, of which none ends within a line. */
  frames: z.exactOptional(z.array(z.tuple([z.int().min(1), z.int().min(1)]))),
});

/** The manifest of a bundle of version 2, which has fewer kinds. */
export const manifestV2Schema = z.strictObject({ ...common, version: z.literal(2), counts: countsIn(2), members: z.array(member) });

export const manifestSchema = z.strictObject({
  ...common,
  version: z.literal(FORMAT_VERSION),
  counts: countsIn(FORMAT_VERSION) as z.ZodObject<Record<Kind, z.ZodInt>, z.core.$strict>,
  /** Every member but the manifest itself. */
  members: z.array(member),
});
export type Manifest = z.output<typeof manifestSchema>;
export type ManifestMember = z.output<typeof member>;

/** Reads a header. Throws BUNDLE_TOO_NEW for a later version, BUNDLE_DAMAGED for anything else that is wrong. */
export function parseHeader(text: string, where: string): Header {
  const value = parseJson(text, "header.json", where);
  const outline = z
    .looseObject({ format: z.literal(FORMAT), version: z.int().min(1), tool: z.string().catch("a newer tool") })
    .safeParse(value);
  if (!outline.success) throw notABundle(where);
  if (outline.data.version > FORMAT_VERSION) {
    throw new MigrationError(
      "BUNDLE_TOO_NEW",
      `${where} has bundle format ${outline.data.version}, and this mlferry reads up to ${FORMAT_VERSION}`,
      {
        hint: `it was written by ${outline.data.tool}: use that version or a later one`,
      },
    );
  }
  const header = headerSchema.safeParse(value);
  if (!header.success) throw damaged(where, "header.json", firstIssue(header.error));
  return header.data;
}

/**
 * Throws OUTPUT_EXISTS unless both headers are of one registry, one selection and one version of the format. `what` (default: a bundle)
 * lies at `where`.
 */
export function refuseOther(
  found: Header,
  wanted: Header,
  { where, what = "a bundle", hint }: { readonly where: string; readonly what?: string; readonly hint: string },
): void {
  if (found.version !== wanted.version) {
    const message = `${where} holds ${what} of format ${found.version}, which this mlferry reads and does not continue`;
    throw new MigrationError("OUTPUT_EXISTS", message, { hint: `it was begun by ${found.tool}, which can; else ${hint}` });
  }
  const isSameOrigin = found.origin === wanted.origin;
  if (isSameOrigin && canonical(found.selection) === canonical(wanted.selection)) return;
  throw new MigrationError("OUTPUT_EXISTS", `${where} holds ${what} of another ${isSameOrigin ? "selection" : "registry"}`, { hint });
}

/** JSON with sorted keys, so that equal values have equal texts. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (part === null || typeof part !== "object" || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/**
 * Reads the manifest of a bundle of the version; one of an earlier version is given in the form of this one. Throws BUNDLE_DAMAGED
 * unless it is whole, byte for byte, and names nothing but members, each with sizes that are possible.
 */
export function parseManifest(text: string, where: string, version: FormatVersion): Manifest {
  const end = SEAL.exec(text.slice(-SEAL_CHARS));
  if (end === null) throw damaged(where, "manifest.json", "has no digest at its end");
  if (end[1] !== sha256Of(text.slice(0, -SEAL_CHARS))) throw damaged(where, "manifest.json", "has other bytes than its digest says");
  const value = parseJson(text, "manifest.json", where);
  const manifest = schemaOf(version).safeParse(value);
  if (!manifest.success) throw damaged(where, "manifest.json", firstIssue(manifest.error));
  for (const member of manifest.data.members) {
    const problem = problemOf(member, version);
    if (problem !== undefined) throw damaged(where, "manifest.json", problem);
  }
  return manifest.data;
}

function schemaOf(version: FormatVersion): z.ZodType<Manifest> {
  if (version === FORMAT_VERSION) return manifestSchema;
  return version === 1
    ? manifestV1Schema.transform((first) => asCurrent({ ...first, members: first.members.map((each) => ({ ...each, stored: each.size })) }))
    : manifestV2Schema.transform(asCurrent);
}

function asCurrent(earlier: Omit<z.output<typeof manifestV2Schema>, "version">): Manifest {
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, earlier.counts[kind] ?? 0])) as Manifest["counts"];
  return { ...earlier, version: FORMAT_VERSION, counts };
}

/** What cannot be of a member, whatever the bundle holds. */
function problemOf({ name, stored, size, sha256: digest, frames }: ManifestMember, version: FormatVersion): string | undefined {
  if (!isMemberName(name, version)) return `names ${JSON.stringify(name)}, which no bundle holds`;
  const blob = blobDigest(name);
  if ((blob ?? digest) !== digest) return `gives ${name} another digest than its name`;
  if (!isCompressed(name) && (stored !== size || frames !== undefined))
    return `gives ${name}, which is not compressed, the sizes of one that is`;
  if (!isCompressed(name) || blob !== undefined) return frames === undefined ? undefined : `gives ${name} frames, which only lines have`;
  if (frames?.flat().some((bytes) => bytes > LIMITS.frameBytes) === true)
    return `gives ${name} a frame of more than ${LIMITS.frameBytes} bytes`;
  const sum = (part: 0 | 1): number => (frames ?? []).reduce((total, frame) => total + frame[part], 0);
  return sum(0) === stored && sum(1) === size ? undefined : `gives ${name} frames that do not add up to it`;
}

/** The manifest's text: one member a line, so that it can be looked at with line tools, and a digest of all that is before it. */
export function manifestText(manifest: Omit<Manifest, "sha256">): string {
  const { members, ...rest } = manifest;
  const head = JSON.stringify(rest, undefined, 1).replace(/\n\}$/, "");
  const lines = members.map((member) => JSON.stringify(member));
  const text = `${head},\n "members": [\n${lines.join(",\n")}\n ],\n`;
  return `${text} "sha256": "${sha256Of(text)}"\n}\n`;
}

/** How a manifest ends, to the byte: other layouts of the same JSON are refused, so that the digest covers everything. */
const SEAL = /^ "sha256": "([0-9a-f]{64})"\n\}\n$/;
const SEAL_CHARS = 80;

const sha256Of = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The error for a member that is not what the manifest or its own name says. */
export function damaged(where: string, member: string, problem: string): MigrationError {
  return new MigrationError("BUNDLE_DAMAGED", `${where} is damaged: ${member}: ${problem}`, {
    hint: `list everything that is wrong with: mlferry verify ${where === STDIN ? "-" : where}`,
  });
}

/** What a bundle that came through a pipe is called. */
export const STDIN = "stdin";

export function notABundle(where: string): MigrationError {
  return new MigrationError("BUNDLE_DAMAGED", `${where} is not a bundle of mlferry`, {
    hint: "a bundle is a tar file or a folder that mlferry export wrote; its first member is header.json",
  });
}

/** The first complaint of a schema, on one line. */
export function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return "does not match the schema";
  const path = issue.path.map(String).join(".");
  return `${path === "" ? "" : `${path}: `}${issue.message}`.replaceAll("\n", " ");
}

function parseJson(text: string, member: string, where: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (member === "header.json") throw notABundle(where);
    throw new MigrationError("BUNDLE_DAMAGED", `${where} is damaged: ${member} is no JSON`, { cause: error });
  }
}
