// Finds the store of a URI: which cloud, which bucket, which folder; and rules by which files are read or written elsewhere.
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { MigrationError } from "../errors.ts";
import { azurePlaceOf, createAzureBucket } from "./azure-blob.ts";
import { createFolderStore } from "./folder.ts";
import { createGcsBucket, createGcsClient } from "./gcs.ts";
import { createLocalBucket } from "./local-folder.ts";
import { createS3Bucket, createS3Client } from "./s3.ts";
import type { StoreSettings } from "./settings.ts";
import type { Bucket, Store } from "./store.ts";

/** Locations that begin with `from` (whole path parts) lie at `to` instead: a URI, or a folder of this machine. */
export interface RootRule {
  readonly from: string;
  readonly to: string;
}

export interface StoresOptions {
  readonly settings: StoreSettings;
  /** The first that fits is used. Without one that leads to a folder, nothing of this machine is touched. */
  readonly rules?: readonly RootRule[];
}

export interface Stores {
  /**
   * The store of the files at a URI; undefined where it is not for mlferry to open: a path of the server's own machine without a
   * rule for it, `mlflow-artifacts:`, and schemes that are not known. Nothing is loaded or sent before the store is used.
   */
  at(uri: string): Store | undefined;
  /** Whether a rule says where the files at a URI lie. */
  redirects(uri: string): boolean;
}

export function createStores({ settings, rules = [] }: StoresOptions): Stores {
  const clients: Clients = {
    settings,
    s3: createS3Client(settings.s3 ?? {}),
    gcs: createGcsClient(settings.gcs ?? {}),
    buckets: new Map(),
  };
  const ruleFor = (uri: string) => rules.map(({ from, to }) => ({ path: below(uri, from), to })).find(({ path }) => path !== undefined);
  return {
    redirects: (uri) => ruleFor(uri) !== undefined,
    at(uri) {
      const rule = ruleFor(uri);
      if (rule !== undefined) return openRule(clients, rule.to, rule.path ?? "");
      return openUri(clients, uri);
    },
  };
}

interface Clients {
  readonly settings: StoreSettings;
  readonly s3: ReturnType<typeof createS3Client>;
  readonly gcs: ReturnType<typeof createGcsClient>;
  /** By their address: clients of one container share connections and a login. */
  readonly buckets: Map<string, Bucket>;
}

function openRule(clients: Clients, to: string, path: string): Store | undefined {
  if (IS_URI.test(to) && !to.startsWith("file:")) return openUri(clients, joined(to, path));
  const root = localPath(to);
  if (root === undefined) return undefined;
  return createFolderStore(
    bucketOf(clients, `file:${root}`, () => createLocalBucket(root)),
    path,
    clients.settings,
  );
}

function openUri(clients: Clients, uri: string): Store | undefined {
  const [, scheme = "", authority = "", path = ""] = /^([a-z][a-z0-9+.-]*):\/\/([^/]+)\/*(.*)$/is.exec(uri) ?? [];
  const { settings, s3, gcs } = clients;
  const open = (make: () => Bucket): Store => createFolderStore(bucketOf(clients, `${scheme}://${authority}`, make), path, settings);
  switch (scheme.toLowerCase()) {
    case "s3":
    case "s3a":
      return open(() => createS3Bucket(authority, s3, settings));
    case "gs":
      return open(() => createGcsBucket(authority, gcs, settings));
    case "wasb":
    case "wasbs":
    case "abfs":
    case "abfss": {
      const place = azurePlaceOf(authority);
      return place && open(() => createAzureBucket(place, settings));
    }
    default:
      return undefined;
  }
}

function bucketOf({ buckets }: Clients, address: string, make: () => Bucket): Bucket {
  const bucket = buckets.get(address) ?? askedOnce(make());
  buckets.set(address, bucket);
  return bucket;
}

/** Whether there are credentials is found out once: without any, an SDK looks for seconds in all the places it knows. */
function askedOnce(bucket: Bucket): Bucket {
  let ready: Promise<void> | undefined;
  return { ...bucket, ready: (signal) => (ready ??= bucket.ready(signal)) };
}

/** Reads `OLD=NEW`. Throws USAGE for what could not mean anything. */
export function parseRootRule(text: string, flag: string): RootRule {
  const [, from, to] = /^((?:[^=\\]|\\.)+)=(.+)$/s.exec(text) ?? [];
  if (from === undefined || to === undefined) {
    throw new MigrationError("USAGE", `${flag} ${JSON.stringify(text)} is not of the form OLD=NEW`, {
      hint: `write it as in ${flag} /srv/mlruns=/mnt/mlruns or ${flag} s3://old/path=s3://new/path`,
    });
  }
  const isKnown =
    IS_URI.test(to) && !to.startsWith("file:") ? createStores({ settings: {} }).at(to) !== undefined : localPath(to) !== undefined;
  if (!isKnown) {
    throw new MigrationError("USAGE", `${flag} ${JSON.stringify(text)}: files cannot be reached at ${to}`, {
      hint: "give s3://…, gs://…, wasbs://CONTAINER@ACCOUNT.blob.core.windows.net/…, abfss://…, or a folder of this machine",
    });
  }
  return { from: from.replace(/\\(.)/g, "$1"), to };
}

/** One letter before a colon is a drive. */
const IS_URI = /^[a-z][a-z0-9+.-]+:/i;

/** A folder of this machine; undefined for a `file:` URI of another. */
function localPath(location: string): string | undefined {
  if (!location.startsWith("file:")) return resolve(location);
  const url = URL.parse(location);
  return url === null || (url.host !== "" && url.host !== "localhost") ? undefined : fileURLToPath(`file://${url.pathname}`);
}

/** The path of `uri` below `root`, part by part; `file:` URIs and paths are the same. */
function below(uri: string, root: string): string | undefined {
  const [inner, outer] = [plain(uri), plain(root)];
  if (inner === outer) return "";
  const path = inner.startsWith(`${outer}/`) ? inner.slice(outer.length + 1) : undefined;
  // A server's word must not lead out of the folder that the rule names.
  return path?.split("/").includes("..") === true ? undefined : path;
}

function plain(uri: string): string {
  const path = uri.startsWith("file:") ? uri.replace(/^file:(\/\/(localhost)?)?(?=\/)/, "") : uri;
  return path.replace(/\/+$/, "");
}

function joined(root: string, path: string): string {
  return path === "" ? root : `${root.replace(/\/+$/, "")}/${path}`;
}
