// Containers of Azure Blob Storage, over Azure's SDK; data lake URIs (abfss:) mean the same containers and are read and written as blobs.
import { Readable } from "node:stream";
import type { BlobServiceClient, ContainerClient, Pipeline } from "@azure/storage-blob";
import { MigrationError } from "../errors.ts";
import { loadSdk } from "./sdk.ts";
import { partSizeFor, PARTS_IN_FLIGHT } from "./settings.ts";
import type { AzureSettings, StoreSettings } from "./settings.ts";
import type { Bucket, Listed, Opened, Sent } from "./store.ts";

const PACKAGES = ["@azure/storage-blob"] as const;
const IDENTITY = ["@azure/identity"] as const;

export interface AzurePlace {
  readonly container: string;
  readonly account: string;
  /** Of the blob service, such as `blob.core.windows.net`. */
  readonly suffix: string;
}

/** Reads the authority of a wasb(s): or abfs(s): URI; undefined where it does not name a container and an account. */
export function azurePlaceOf(authority: string): AzurePlace | undefined {
  const [, container, account, suffix] = /^([^@]+)@([^.@]+)\.((?:blob|dfs)\..+)$/.exec(authority) ?? [];
  if (container === undefined || account === undefined || suffix === undefined) return undefined;
  return { container, account, suffix: suffix.replace(/^dfs\./, "blob.") };
}

export function createAzureBucket(place: AzurePlace, settings: StoreSettings): Bucket {
  const open = opener(place, settings.azure ?? {});
  return {
    // Not as wasbs://container@account…, which messages would take for a login.
    uri: `https://${place.account}.${place.suffix}/${place.container}`,
    credentialHint: `check AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_ACCESS_KEY, AZURE_STORAGE_SAS_TOKEN or the login that Azure's default credentials find, and that it may read and write blobs of container ${place.container} in account ${place.account}`,
    async ready() {
      const container = await open();
      const { credential } = container;
      if ("getToken" in credential) await credential.getToken("https://storage.azure.com/.default");
    },
    list: (prefix, signal) => listBlobs(open, prefix, signal),
    get: (key, from, signal) => getBlob(open, key, from, signal),
    put: (sent, signal) => putBlob(open, sent, settings, signal),
  };
}

/** One client, made when first used. */
function opener(place: AzurePlace, settings: AzureSettings): Open {
  let client: Promise<ContainerClient> | undefined;
  return () => (client ??= connect(place, settings));
}

/** Where a connection string says that the blob service of this account is, such as a private one: what is lent for one goes to no other. */
function endpointIn(connectionString: string | undefined, account: string): string | undefined {
  const endpoint = /(?:^|;)BlobEndpoint=([^;]+)/i.exec(connectionString ?? "")?.[1]?.replace(/\/+$/, "");
  const url = endpoint === undefined ? null : URL.parse(endpoint);
  const isOfAccount = url !== null && (url.hostname.startsWith(`${account}.`) || url.pathname === `/${account}`);
  return isOfAccount ? endpoint : undefined;
}

async function connect({ container, account, suffix }: AzurePlace, settings: AzureSettings): Promise<ContainerClient> {
  const sdk = await loadSdk("reading and writing Azure's storage directly", PACKAGES, () => import("@azure/storage-blob"));
  const url = `https://${account}.${suffix}`;
  const open = async (): Promise<BlobServiceClient> => {
    if (settings.lentToken !== undefined) {
      return new sdk.BlobServiceClient(
        endpointIn(settings.connectionString, account) ?? url,
        signingEach(sdk.newPipeline(), settings.lentToken),
      );
    }
    if (settings.connectionString !== undefined) return sdk.BlobServiceClient.fromConnectionString(settings.connectionString);
    if (settings.accessKey !== undefined) {
      return new sdk.BlobServiceClient(url, new sdk.StorageSharedKeyCredential(account, settings.accessKey));
    }
    if (settings.sasToken !== undefined) return new sdk.BlobServiceClient(`${url}?${settings.sasToken.replace(/^\?/, "")}`);
    const identity = await loadSdk("logging in with Azure's default credentials", IDENTITY, () => import("@azure/identity"));
    return new sdk.BlobServiceClient(url, new identity.DefaultAzureCredential());
  };
  try {
    return (await open()).getContainerClient(container);
  } catch (thrown) {
    if (thrown instanceof MigrationError) throw thrown;
    throw new MigrationError("NOT_AUTHORISED", "the credentials of Azure's storage cannot be used as they are set", {
      cause: thrown,
      hint: "check the form of AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_ACCESS_KEY",
    });
  }
}

/** Signs every request with what is lent at that moment: a large file may take longer than one signature holds. */
function signingEach(pipeline: Pipeline, lentToken: () => Promise<string>): Pipeline {
  pipeline.factories.push({
    create: (next) => ({
      async sendRequest(request) {
        const sasToken = (await lentToken()).replace(/^\?/, "");
        request.url = `${request.url}${request.url.includes("?") ? "&" : "?"}${sasToken}`;
        return next.sendRequest(request);
      },
    }),
  });
  return pipeline;
}

type Open = () => Promise<ContainerClient>;

async function* listBlobs(open: Open, prefix: string, signal: AbortSignal): AsyncGenerator<Listed> {
  const container = await open();
  for await (const { name, properties, metadata } of container.listBlobsFlat({ prefix, includeMetadata: true, abortSignal: signal })) {
    // With a hierarchical namespace folders are blobs of their own.
    if (metadata?.["hdi_isfolder"] !== "true") yield { key: name, sizeBytes: properties.contentLength ?? 0 };
  }
}

async function getBlob(open: Open, key: string, from: { offset: number; etag?: string }, signal: AbortSignal): Promise<Opened> {
  const blob = (await open()).getBlobClient(key);
  const conditions = from.etag === undefined ? {} : { conditions: { ifMatch: from.etag } };
  const answer = await blob.download(from.offset, undefined, { abortSignal: signal, ...conditions });
  const total = /\/(\d+)$/.exec(answer.contentRange ?? "")?.[1];
  const body = answer.readableStreamBody;
  const bytes: AsyncIterable<Uint8Array> = body === undefined ? Readable.from([]) : (Readable.from(body) as AsyncIterable<Uint8Array>);
  return { bytes, sizeBytes: total === undefined ? (answer.contentLength ?? 0) : Number(total), etag: answer.etag ?? "" };
}

/** Blocks that are not committed are invisible, and Azure drops them after a week. */
async function putBlob(open: Open, sent: Sent, settings: StoreSettings, signal: AbortSignal): Promise<void> {
  const blob = (await open()).getBlockBlobClient(sent.key);
  const partSize = partSizeFor(sent.sizeBytes, settings);
  if (sent.sizeBytes !== undefined && sent.sizeBytes <= partSize) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of sent.bytes) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    await blob.upload(bytes, bytes.length, { abortSignal: signal });
    return;
  }
  await blob.uploadStream(Readable.from(sent.bytes, { objectMode: false }), partSize, PARTS_IN_FLIGHT, { abortSignal: signal });
}
