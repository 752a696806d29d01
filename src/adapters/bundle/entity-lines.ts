// The lines of an entities member by their positions, also where they are compressed: frame by frame, and only the frame in question.
import type { Kind } from "../../model/entities.ts";
import { damaged } from "./envelope.ts";
import type { Manifest, ManifestMember } from "./envelope.ts";
import { compressedMember, entitiesMember, isCompressed } from "./layout.ts";
import type { LinePlace } from "./line-log.ts";
import type { MemberStore } from "./member-store.ts";
import { collect } from "./store.ts";
import { FrameError, decompressedWhole } from "./zstd.ts";

export interface EntityLines {
  /** The member with the lines of a kind; undefined where the manifest names none. */
  member(kind: Kind): ManifestMember | undefined;
  /** All lines, decompressed. Throws BUNDLE_DAMAGED. */
  content(kind: Kind): AsyncIterable<Uint8Array>;
  /** One line without its line feed. Throws BUNDLE_DAMAGED. */
  line(kind: Kind, place: LinePlace): Promise<Uint8Array>;
}

/** Frames that are kept decompressed: lines are asked for in order, a few kinds at a time. */
const KEPT = 8;

/** Lines of an opened bundle, where the manifest says they are. */
export function entityLines(store: MemberStore, manifest: Manifest): EntityLines {
  const byName = new Map(manifest.members.filter(({ name }) => name.startsWith("entities/")).map((member) => [member.name, member]));
  const member = (kind: Kind): ManifestMember | undefined =>
    byName.get(entitiesMember(kind)) ?? byName.get(compressedMember(entitiesMember(kind)));
  const known = (kind: Kind): ManifestMember => {
    const found = member(kind);
    if (found === undefined) throw damaged(store.where, entitiesMember(kind), "is missing");
    return found;
  };
  const places = new Map<string, readonly FramePlace[]>();
  const placesOf = (found: ManifestMember): readonly FramePlace[] => {
    const placed = places.get(found.name) ?? placeFrames(found);
    places.set(found.name, placed);
    return placed;
  };
  const kept = keepFew((frame: FramePlace) => readFrame(store, frame));
  return {
    member,
    content: async function* (kind) {
      const found = known(kind);
      if (!isCompressed(found.name)) yield* store.read(found.name);
      else for (const frame of placesOf(found)) yield await readFrame(store, frame);
    },
    line: async (kind, place) => {
      const found = known(kind);
      if (!isCompressed(found.name)) return collect(store.read(found.name, place));
      const frame = frameAt(placesOf(found), place.position);
      const from = place.position - frame.start;
      return (await kept(frame)).subarray(from, from + place.sizeBytes);
    },
  };
}

interface FramePlace {
  readonly member: string;
  /** In the member. */
  readonly position: number;
  readonly stored: number;
  /** Of its content, in the content of the member. */
  readonly start: number;
  readonly size: number;
}

function placeFrames({ name, frames = [] }: ManifestMember): FramePlace[] {
  let [position, start] = [0, 0];
  return frames.map(([stored, size]) => {
    const frame = { member: name, position, stored, start, size };
    position += stored;
    start += size;
    return frame;
  });
}

/** The last one that begins at the position or before it. */
function frameAt(frames: readonly FramePlace[], position: number): FramePlace {
  let [low, high] = [0, frames.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((frames[middle]?.start ?? 0) <= position) low = middle;
    else high = middle - 1;
  }
  const frame = frames[low];
  if (frame === undefined) throw new RangeError(`no frame holds position ${position}`);
  return frame;
}

async function readFrame(store: MemberStore, { member, position, stored, size }: FramePlace): Promise<Buffer> {
  const bytes = await collect(store.read(member, { position, sizeBytes: stored }));
  try {
    const content = decompressedWhole(bytes, size);
    if (content.at(-1) !== 10) throw new FrameError("has a frame that ends within a line");
    return content;
  } catch (error) {
    throw error instanceof FrameError ? damaged(store.where, member, error.message) : error;
  }
}

/** Remembers what was read last; who asks for the same at once shares one reading. */
function keepFew(read: (frame: FramePlace) => Promise<Buffer>): (frame: FramePlace) => Promise<Buffer> {
  const kept = new Map<FramePlace, Promise<Buffer>>();
  return (frame) => {
    const content = kept.get(frame) ?? read(frame);
    // Last in the order of insertion: the first is the one that was not asked for longest.
    kept.delete(frame);
    kept.set(frame, content);
    for (const oldest of kept.keys()) {
      if (kept.size <= KEPT) break;
      kept.delete(oldest);
    }
    return content;
  };
}
