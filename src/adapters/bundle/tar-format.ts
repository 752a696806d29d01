// One tar member: its header block and the way from one header to the next. Plain ustar, sizes above 8 GiB in base-256
// (the GNU extension that GNU tar, bsdtar, Python and Go read), no extension headers.
import { Header } from "tar";
import { MigrationError } from "../../errors.ts";

export const BLOCK = 512;

export interface TarMember {
  readonly name: string;
  /** Of the member's data. */
  readonly sizeBytes: number;
}

/** Bytes that the data takes up, padding included. */
export const paddedSize = (sizeBytes: number): number => Math.ceil(sizeBytes / BLOCK) * BLOCK;

/** Two blocks of zeros end a tar (POSIX.1-2017, pax, "ustar Interchange Format"). */
export const TRAILER = Buffer.alloc(2 * BLOCK);

/** The header block of a regular file, with nothing in it that differs between machines. */
function encodeTarHeader(member: TarMember): Buffer {
  const block = Buffer.alloc(BLOCK);
  new Header({
    path: member.name,
    mode: 0o600,
    uid: 0,
    gid: 0,
    size: member.sizeBytes,
    mtime: new Date(0),
    type: "File",
    linkpath: "",
    uname: "",
    gname: "",
  }).encode(block);
  return block;
}

export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** A member as it stands in a tar: header, data, padding. Throws INTERNAL when the data is not as long as announced. */
export async function* tarMember(member: TarMember, data: Chunks): AsyncGenerator<Uint8Array, void, undefined> {
  yield encodeTarHeader(member);
  let written = 0;
  for await (const chunk of data) {
    written += chunk.length;
    yield chunk;
  }
  // A shorter one would swallow the next header.
  if (written !== member.sizeBytes)
    throw new MigrationError("INTERNAL", `${member.name} has ${written} bytes instead of ${member.sizeBytes}`);
  const padding = paddedSize(written) - written;
  if (padding > 0) yield Buffer.alloc(padding);
}

export const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

/** Reads a header block; the text is what is wrong with it. Only regular files are members of a bundle. */
export function decodeTarHeader(block: Buffer): TarMember | string {
  const header = tryDecode(block);
  if (header === undefined || !header.cksumValid) return "the tar header is damaged";
  const name = header.path ?? "";
  if (block[156] !== 0x30 && block[156] !== 0) return `${JSON.stringify(name)} is not a regular file`;
  const sizeBytes = header.size;
  if (sizeBytes === undefined || !Number.isSafeInteger(sizeBytes)) return "the tar header has no size";
  return { name, sizeBytes };
}

function tryDecode(block: Buffer): Header | undefined {
  try {
    return new Header(block, 0);
  } catch {
    // The decoder throws on numbers beyond 2^53: a damaged header like any other.
    return undefined;
  }
}
