// Reads a tar bundle where it lies: headers are found by seeking from one to the next, data is read only when asked for.
import type { FileHandle } from "node:fs/promises";
import { damaged, notABundle } from "./envelope.ts";
import { HEADER, LIMITS, MANIFEST, isMemberName } from "./layout.ts";
import type { MemberStore, OnProblem, OpenTar } from "./member-store.ts";
import { BLOCK, decodeTarHeader, isZero, paddedSize } from "./tar-format.ts";
import type { TarMember } from "./tar-format.ts";

/** Where the data of a member begins. */
export interface PlacedMember extends TarMember {
  readonly position: number;
}

export interface TarWalk {
  readonly members: readonly PlacedMember[];
  /** Where the last whole member ends, padding included. */
  readonly end: number;
  /** What stopped the walk before a trailer was found. */
  readonly problem?: { readonly member: string; readonly text: string };
}

/** Bytes read at once while walking, so that small members cost no read of their own. */
const WINDOW = 64 * 1024;
/** Bytes read at once from a member. */
const CHUNK = 512 * 1024;

/** Goes over the headers of a tar. Stops, without throwing, at the first thing that is no member of a bundle. */
export async function walkTar(file: FileHandle, fileSize: number): Promise<TarWalk> {
  const members: PlacedMember[] = [];
  const blockAt = windowedReader(file);
  let end = 0;
  for (;;) {
    const stopped = (text: string, member = after(members)): TarWalk => ({ members, end, problem: { member, text } });
    if (end + BLOCK > fileSize) return stopped("the file is cut short");
    const block = await blockAt(end);
    if (block.length < BLOCK) return stopped("the file is cut short");
    if (isZero(block)) return { members, end };
    const member = decodeTarHeader(block);
    if (typeof member === "string") return stopped(member);
    if (!isMemberName(member.name)) return stopped("is not a name that a bundle holds", JSON.stringify(member.name));
    const position = end + BLOCK;
    const next = position + paddedSize(member.sizeBytes);
    if (next > fileSize) return stopped("the file is cut short", member.name);
    members.push({ ...member, position });
    end = next;
  }
}

/** Checks the structure of a tar bundle: names, order, sizes and what follows the last member. Takes the file over. */
export async function openTarStore({ where, file }: OpenTar, onProblem: OnProblem): Promise<MemberStore> {
  try {
    const { size } = await file.stat();
    const walk = await walkTar(file, size);
    if (walk.members.length === 0 && walk.problem?.member !== HEADER) throw notABundle(where);
    const members = placeMembers(walk, onProblem);
    if (walk.problem !== undefined) onProblem(walk.problem.member, walk.problem.text);
    else await checkTrailer(file, { from: walk.end, size }, onProblem);
    return tarStore(where, file, members);
  } catch (error) {
    await file.close();
    throw error;
  }
}

function tarStore(path: string, file: FileHandle, members: ReadonlyMap<string, PlacedMember>): MemberStore {
  return {
    where: path,
    members: new Map([...members].map(([name, { sizeBytes }]) => [name, sizeBytes])),
    read: (name, range) => {
      const member = members.get(name);
      if (member === undefined) throw damaged(path, name, "is missing");
      const { position, sizeBytes } = range ?? { position: 0, sizeBytes: member.sizeBytes };
      return readRange(file, { position: member.position + position, sizeBytes }, () => damaged(path, name, "the file is cut short"));
    },
    close: () => file.close(),
  };
}

/** The bytes of a part of a file. Throws what `short` gives when the file ends before. */
export async function* readRange(
  file: FileHandle,
  range: { readonly position: number; readonly sizeBytes: number },
  short: () => Error,
): AsyncGenerator<Uint8Array, void, undefined> {
  let position = range.position;
  const end = range.position + range.sizeBytes;
  while (position < end) {
    // A new buffer each time: the consumer may keep what it was given.
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK, end - position));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) throw short();
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}

function placeMembers(walk: TarWalk, onProblem: OnProblem): ReadonlyMap<string, PlacedMember> {
  const placed = new Map<string, PlacedMember>();
  for (const member of walk.members) {
    if (placed.has(member.name)) onProblem(member.name, "is there twice");
    else placed.set(member.name, member);
  }
  if (walk.members[0]?.name !== HEADER && walk.problem?.member !== HEADER) onProblem(HEADER, "is not the first member");
  if (walk.problem === undefined && walk.members.at(-1)?.name !== MANIFEST)
    onProblem(MANIFEST, "is not the last member: the bundle was not finished");
  return placed;
}

async function checkTrailer(file: FileHandle, { from, size }: { from: number; size: number }, onProblem: OnProblem): Promise<void> {
  if (size - from < 2 * BLOCK) return onProblem(MANIFEST, "the end of the tar is cut short");
  if (size - from > LIMITS.trailerBytes) return onProblem(MANIFEST, "the tar goes on after its end");
  for await (const chunk of readRange(file, { position: from, sizeBytes: size - from }, () =>
    damaged("the tar", MANIFEST, "is cut short"),
  )) {
    if (!isZero(chunk)) return onProblem(MANIFEST, "the tar goes on after its end");
  }
}

function windowedReader(file: FileHandle): (position: number) => Promise<Buffer> {
  const window = Buffer.alloc(WINDOW);
  let start = 0;
  let held = 0;
  return async (position) => {
    if (position < start || position + BLOCK > start + held) {
      ({ bytesRead: held } = await file.read(window, 0, WINDOW, position));
      start = position;
    }
    return window.subarray(position - start, Math.min(position - start + BLOCK, held));
  };
}

const after = (members: readonly TarMember[]): string => {
  const last = members.at(-1);
  return last === undefined ? "the start of the file" : `after ${last.name}`;
};
