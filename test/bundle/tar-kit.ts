// Takes tars apart and puts them together, legal or not: independent of the code that is tested.
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { Header } from "tar";
import type { HeaderData } from "tar";

export interface Part {
  readonly name: string;
  readonly bytes: Buffer;
  /** Overrides of the header, such as a type or a size that lies. */
  readonly header?: Partial<HeaderData>;
}

export async function readTar(path: string): Promise<Part[]> {
  const bytes = await readFile(path);
  const parts: Part[] = [];
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0;) {
    const { path: name = "", size = 0 } = new Header(bytes, at);
    parts.push({ name, bytes: bytes.subarray(at + 512, at + 512 + size) });
    at += 512 + padded(size);
  }
  return parts;
}

export async function writeTar(path: string, parts: readonly Part[]): Promise<void> {
  const blocks = parts.flatMap(({ name, bytes, header }) => {
    const block = Buffer.alloc(512);
    const plain = { path: name, size: bytes.length, mode: 0o600, mtime: new Date(0), type: "File" } as const;
    new Header({ ...plain, ...header }).encode(block);
    return [block, bytes, Buffer.alloc(padded(bytes.length) - bytes.length)];
  });
  await writeFile(path, Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

/** Sizes and digests in the manifest made true again, for a bundle without compression, so that what was done to the other members is not told by them. */
export function withTrueManifest(parts: readonly Part[]): Part[] {
  const others = parts.filter((part) => part.name !== "manifest.json");
  const old = parts.find((part) => part.name === "manifest.json");
  const manifest = JSON.parse(old?.bytes.toString() ?? "{}") as object;
  const members = others.map(({ name, bytes }) => ({ name, stored: bytes.length, size: bytes.length, sha256: sha256(bytes) }));
  return [...others, { name: "manifest.json", bytes: Buffer.from(sealed(JSON.stringify({ ...manifest, members, sha256: "" }))) }];
}

/** A manifest's text with its last field, the digest of what stands before it, made true. */
export function sealed(text: string): string {
  const body = `${text.trimEnd().replace(/,\s*"sha256": ?"[0-9a-f]*"\s*\}$/, "")},\n`;
  return `${body} "sha256": "${sha256(Buffer.from(body))}"\n}\n`;
}

/** One member's bytes replaced. */
export function replaced(parts: readonly Part[], name: string, change: (bytes: Buffer) => Buffer | string): Part[] {
  return parts.map((part) => (part.name === name ? { ...part, bytes: Buffer.from(change(part.bytes)) } : part));
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

const padded = (size: number): number => Math.ceil(size / 512) * 512;
