// Files that a filter leaves out: counted by the flag that asked for it, one entry for each object.
import type { FileTotals, FileLoss } from "./change.ts";

export interface LeftOutFiles {
  add(by: string, file: { readonly sizeBytes?: number }): void;
  losses(): FileLoss[];
}

export function createLeftOut(): LeftOutFiles {
  const byFlag = new Map<string, { files: number; bytes: number }>();
  return {
    add(by, { sizeBytes = 0 }) {
      const total = byFlag.get(by) ?? { files: 0, bytes: 0 };
      total.files += 1;
      total.bytes += sizeBytes;
      byFlag.set(by, total);
    },
    losses: () => [...byFlag].map(([by, total]) => lossOf(by, total)),
  };
}

/** For files that were not counted. */
export function unlisted(by: string): FileLoss {
  return lossOf(by);
}

function lossOf(by: string, total?: FileTotals): FileLoss {
  const what = total === undefined ? "files" : `${total.files} ${total.files === 1 ? "file" : "files"} (${total.bytes} bytes)`;
  const leftOut = { by, ...(total === undefined ? {} : { total }) };
  return { path: "", code: "LEFT_OUT", reason: `${what} left out by ${by}`, permanent: false, agreed: true, leftOut };
}
