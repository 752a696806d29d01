// How files are reached that a server keeps: what reading and writing need of it, whichever routes lead there.
import type { HttpClient } from "../../http/client.ts";
import type { LoggedModel, ModelVersion, Run } from "../../model/entities.ts";
import type { ArtifactReader } from "../../ports/source.ts";
import type { SendFile } from "../../ports/target.ts";
import type { DirectFiles } from "./direct-files.ts";
import type { SignedUrls } from "./signed-urls.ts";

export interface FileAccess {
  /** Remembers where a run or logged model keeps its files, as the server tells it. */
  note(id: string, artifactUri: string): void;
  /** A reader over the files of an entity that the server yielded. */
  reader(owner: Run | LoggedModel | ModelVersion, signal: AbortSignal): ArtifactReader;
  /**
   * A sender for files below `artifactUri`, as the server gave it. Overwrites what is there, so it may be repeated. Throws NAME_ILLEGAL for
   * a path that would be stored under another name, NOT_SUPPORTED for a place that cannot be written.
   */
  sender(artifactUri: string, signal: AbortSignal): SendFile;
  /** Checks, before anything is written, that files could be. Throws NOT_SUPPORTED or NOT_AUTHORISED. */
  ready(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** The ways to a server's files. */
export interface ServerFiles {
  readonly http: HttpClient;
  /** Large files that go past its proxy. */
  readonly signed: SignedUrls;
  /** Files that are read and written without the server. */
  readonly direct: DirectFiles;
  /** Whether the server passes artifacts on (`--serve-artifacts`, its default). */
  readonly servesArtifacts: boolean;
  /** Where its first experiment keeps files, and so most likely new ones; unknown where that is gone. */
  readonly artifactRoot?: string;
}
