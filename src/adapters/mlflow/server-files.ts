// Files of an MLflow server: through its proxy and its routes, by signed URLs, or straight from the store that it names.
import { readArtifacts } from "./artifacts.ts";
import type { FileAccess, ServerFiles } from "./file-access.ts";
import { createSender, requireFileStore } from "./target-files.ts";

export function createServerFiles(files: ServerFiles): FileAccess {
  return {
    note: (id, artifactUri) => files.direct.note(id, artifactUri),
    reader: (owner, signal) => readArtifacts(files, owner, signal),
    sender: (artifactUri, signal) => createSender(files, artifactUri, signal),
    ready: (signal) => requireFileStore(files, signal),
    close: () => files.signed.close(),
  };
}
