// Folders that stand for a user's home, with the profiles of a test in them.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A home with this .databrickscfg in it, or with none. */
export function homeWith(profiles?: string): string {
  const home = mkdtempSync(join(tmpdir(), "mlferry-home-"));
  if (profiles !== undefined) writeFileSync(join(home, ".databrickscfg"), profiles);
  return home;
}
