// Files by signed URLs, in the protocol of the store that each leads to. A URL that has expired is asked for anew. Nothing of the
// workspace's credentials goes to a store.
import { MigrationError } from "../../errors.ts";
import type { Query } from "../../http/client.ts";
import { inParts } from "../mlflow/file-parts.ts";
import type { PartedFile } from "../mlflow/file-parts.ts";
import type { StoreClients } from "../mlflow/store-clients.ts";
import type { WireCredential } from "./wire.ts";

export type Credential = Pick<WireCredential, "signed_uri" | "headers" | "type">;

/** Asks for a fresh URL of one file. */
export type Ask = () => Promise<Credential>;

export interface SignedFiles {
  download(ask: Ask, offset: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
  upload(file: PartedFile, ask: Ask, signal: AbortSignal): Promise<void>;
  /** PUTs one part to a URL of its own; gives its tag. */
  putPart(part: Uint8Array, ask: Ask, signal: AbortSignal): Promise<string>;
  /** Gives up what was sent in parts. */
  abandon(credential: Credential, signal: AbortSignal): Promise<void>;
}

/** As MLflow's client cuts files (MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE). */
export const PART_BYTES = 10 * 1024 * 1024;

export function createSignedFiles(clients: StoreClients, partBytes: number = PART_BYTES): SignedFiles {
  const store: Store = { clients, partBytes };
  return {
    download: (ask, offset, signal) => download(store, ask, offset, signal),
    upload: (file, ask, signal) => upload(store, file, ask, signal),
    async putPart(part, ask, signal) {
      const sent = await heldUrl(ask).use((credential) => send(store, credential, { method: "PUT", ...whole(part) }, signal));
      return sent.etag ?? "";
    },
    async abandon({ signed_uri: url, headers }, signal) {
      const { client, request } = clients.at(url);
      await client.withHeaders(headers).json({ method: "DELETE", ...request, repeat: "safe" }, signal);
    },
  };
}

interface Store {
  readonly clients: StoreClients;
  readonly partBytes: number;
}

async function* download({ clients }: Store, ask: Ask, offset: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let position = offset;
  for (let refusals = 0; ;) {
    const { signed_uri: url, headers } = await ask();
    const { client, request } = clients.at(url);
    try {
      for await (const chunk of client.download({ ...request, headers, offset: position }, signal)) {
        position += chunk.length;
        refusals = 0;
        yield chunk;
      }
      return;
    } catch (thrown) {
      refusals += 1;
      if (!hasExpired(thrown) || refusals >= MOST_REFUSALS) throw thrown;
    }
  }
}

async function upload(store: Store, file: PartedFile, ask: Ask, signal: AbortSignal): Promise<void> {
  const url = heldUrl(ask);
  switch (await url.type()) {
    case "AWS_PRESIGNED_URL":
    case "GCP_SIGNED_URL":
      await url.use((credential) => send(store, credential, { method: "PUT", open: file.open, sizeBytes: file.sizeBytes }, signal));
      return;
    case "AZURE_SAS_URI":
      return putBlocks(store, file, url, signal);
    case "AZURE_ADLS_GEN2_SAS_URI":
      return append(store, file, url, signal);
  }
}

/** https://learn.microsoft.com/rest/api/storageservices/put-block: ids of one blob have one length. */
async function putBlocks(store: Store, file: PartedFile, url: HeldUrl, signal: AbortSignal): Promise<void> {
  const ids: string[] = [];
  for await (const part of inParts(file, store.partBytes)) {
    const id = Buffer.from(String(ids.length).padStart(12, "0")).toString("base64");
    const query: Query = [
      ["comp", "block"],
      ["blockid", id],
    ];
    await url.use((credential) => send(store, credential, { method: "PUT", query, only: BLOCK_HEADERS, ...whole(part) }, signal));
    ids.push(id);
  }
  const list = `<?xml version="1.0" encoding="utf-8"?>\n<BlockList>\n${ids.map((id) => `<Uncommitted>${id}</Uncommitted>\n`).join("")}</BlockList>`;
  const request = { method: "PUT", query: [["comp", "blocklist"]], only: LIST_HEADERS, ...whole(Buffer.from(list)) } as const;
  await url.use((credential) => send(store, credential, request, signal));
}

/** https://learn.microsoft.com/rest/api/storageservices/datalakestoragegen2/path/update */
async function append(store: Store, file: PartedFile, url: HeldUrl, signal: AbortSignal): Promise<void> {
  const only = ADLS_HEADERS;
  await url.use((credential) => send(store, credential, { method: "PUT", query: [["resource", "file"]], only, ...whole(NOTHING) }, signal));
  let position = 0;
  for await (const part of inParts(file, store.partBytes)) {
    const query: Query = [
      ["action", "append"],
      ["position", String(position)],
    ];
    await url.use((credential) => send(store, credential, { method: "PATCH", query, only, ...whole(part) }, signal));
    position += part.length;
  }
  const query: Query = [
    ["action", "flush"],
    ["position", String(position)],
  ];
  await url.use((credential) => send(store, credential, { method: "PATCH", query, only, ...whole(NOTHING) }, signal));
}

interface StoreRequest {
  readonly method: "PUT" | "PATCH";
  readonly open: () => AsyncIterable<Uint8Array>;
  readonly sizeBytes: number;
  readonly query?: Query;
  /** Of the headers that came with the URL, those that the call takes; default: all. */
  readonly only?: RegExp;
}

async function send({ clients }: Store, credential: Credential, request: StoreRequest, signal: AbortSignal): Promise<{ etag?: string }> {
  const { client, request: address } = clients.at(credential.signed_uri);
  const { method, open, sizeBytes, query = [], only } = request;
  const given = Object.entries(credential.headers).filter(([name]) => only?.test(name) ?? true);
  const headers = { ...(credential.type === "AZURE_SAS_URI" ? { "x-ms-blob-type": "BlockBlob" } : {}), ...Object.fromEntries(given) };
  return client.upload({ ...address, method, query: [...address.query, ...query], headers, sizeBytes }, open, signal);
}

function whole(bytes: Uint8Array): Pick<StoreRequest, "open" | "sizeBytes"> {
  return {
    async *open() {
      yield bytes;
    },
    sizeBytes: bytes.length,
  };
}

const NOTHING = new Uint8Array(0);

/** Azure refuses other headers with these calls (mlflow/azure/client.py). */
const BLOCK_HEADERS = /^(x-ms-(date|version|content-crc64|encryption-.*|lease-id|client-request-id)|content-md5)$/i;
const LIST_HEADERS =
  /^(x-ms-(meta-.*|date|version|content-crc64|blob-.*|encryption-scope|tags|lease-id|client-request-id|access-tier)|content-md5|if-.*)$/i;
const ADLS_HEADERS = /^x-ms-(version|date|client-request-id|lease-id|encryption-.*)$/i;

/** A URL that is used several times, and replaced when it is refused. */
interface HeldUrl {
  type(): Promise<Credential["type"]>;
  use<T>(work: (credential: Credential) => Promise<T>): Promise<T>;
}

function heldUrl(ask: Ask): HeldUrl {
  let held: Promise<Credential> | undefined;
  return {
    type: async () => (await (held ??= ask())).type,
    async use(work) {
      for (let refusals = 1; ; refusals += 1) {
        const credential = await (held ??= ask());
        try {
          return await work(credential);
        } catch (thrown) {
          if (!hasExpired(thrown) || refusals >= MOST_REFUSALS) throw thrown;
          held = undefined;
        }
      }
    },
  };
}

/** Refusals of one piece in a row: a fresh URL that is refused is not one that has expired. */
const MOST_REFUSALS = 3;

/** Stores answer 403 (and Azure 401) to a URL that was good until now. */
function hasExpired(thrown: unknown): boolean {
  const status = thrown instanceof MigrationError ? thrown.request?.status : undefined;
  return status === 401 || status === 403;
}
