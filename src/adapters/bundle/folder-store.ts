// Reads a bundle that lies in a folder.
import { existsSync } from "node:fs";
import { lstat, open, opendir } from "node:fs/promises";
import { join } from "node:path";
import { damaged, notABundle } from "./envelope.ts";
import { BLOBS, HEADER, isMemberName } from "./layout.ts";
import type { MemberStore, OnProblem } from "./member-store.ts";
import { readRange } from "./tar-store.ts";

const FOLDERS: readonly string[] = ["entities", "blobs", BLOBS];

/** Opens a folder bundle. Only the known names may be there, as regular files: a link is refused, wherever it points. */
export async function openFolderStore(path: string, onProblem: OnProblem): Promise<MemberStore> {
  if (!existsSync(join(path, HEADER))) throw notABundle(path);
  const members = new Map<string, number>();
  for await (const name of walkFolder(path, "", onProblem)) members.set(name, (await lstat(join(path, name))).size);
  return {
    where: path,
    members,
    read: (name, range) => readMember(path, name, range ?? { position: 0, sizeBytes: members.get(name) ?? 0 }),
    close: () => Promise.resolve(),
  };
}

async function* walkFolder(root: string, below: string, onProblem: OnProblem): AsyncGenerator<string, void, undefined> {
  for await (const entry of await opendir(join(root, below))) {
    const name = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory() && FOLDERS.includes(name)) yield* walkFolder(root, name, onProblem);
    else if (!isMemberName(name)) onProblem(JSON.stringify(name), "is not a name that a bundle holds");
    else if (!entry.isFile()) onProblem(name, "is not a regular file");
    else yield name;
  }
}

async function* readMember(
  root: string,
  name: string,
  range: { readonly position: number; readonly sizeBytes: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  const file = await open(join(root, name), "r");
  try {
    yield* readRange(file, range, () => damaged(root, name, "is cut short"));
  } finally {
    await file.close();
  }
}
