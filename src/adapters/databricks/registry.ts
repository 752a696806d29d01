// The workspace model registry: MLflow's, but for what it keeps of versions (copies of their files, read by routes of their own), how long it
// takes to make one, and searches with a single condition.
import type { Clock } from "../../http/clock.ts";
import type { HttpClient } from "../../http/client.ts";
import type { Entity, EntityKey, ModelVersion } from "../../model/entities.ts";
import { idOf, versionKey } from "../../model/keys.ts";
import { sidesOf } from "../../model/selection.ts";
import { chosenByName } from "../mlflow/chosen-names.ts";
import { toRegisteredModel } from "../mlflow/convert.ts";
import { createOwnRegistry, registryWriting } from "../mlflow/own-registry.ts";
import type { RegistryHalf, RegistryWriting, TrackingParts } from "../mlflow/registry-half.ts";
import { readRun, readWireModel } from "../mlflow/single-objects.ts";
import { createRegistryReader } from "../mlflow/target-registry-reads.ts";
import type { RegistryReader, VersionThere } from "../mlflow/target-registry-reads.ts";
import { placeOf } from "../mlflow/version-place.ts";
import { createEntryReader } from "./entries.ts";
import { readParts } from "./parts.ts";
import { putComment, putTransition, setStage } from "./replay.ts";
import { findWebhook, putWebhook } from "./webhook-writing.ts";
import { createCopies } from "./version-copies.ts";
import type { Copies, Listings } from "./version-copies.ts";
import { createVersionCreation } from "./version-creation.ts";
import type { VersionCreation } from "./version-creation.ts";

export interface WorkspaceRegistryOptions {
  readonly http: HttpClient;
  readonly files: Listings;
  /** For the waits until files are copied. */
  readonly clock: Clock;
  /** See ACTIVITIES_ROUTE, which is the default. */
  readonly activitiesRoute?: string;
}

export function createWorkspaceRegistry({ http, files, clock, activitiesRoute }: WorkspaceRegistryOptions): RegistryHalf {
  const copies = createCopies(files);
  const own = createOwnRegistry(http);
  const entries = createEntryReader(http, activitiesRoute);
  return {
    ...own,
    async attached({ stock, selection, experimentIds }, signal) {
      const named = sidesOf(selection).models ? stock.models.map(toRegisteredModel) : [];
      const chosen = named.length === 0 ? new Set<EntityKey>() : chosenByName(named, { globs: "models", selection });
      const models = named.filter(({ key }) => chosen.has(key)).map(({ name }) => name);
      return readParts({ http, entries, versions: stock.versions, models, experimentIds }, signal);
    },
    async prepare(stock, known, signal) {
      await copies.check(stock.versions, known, signal);
    },
    placeOf(version, known) {
      const place = placeOf(version, known);
      return copies.differs(versionKey(version.name, version.version)) ? { ...place, files: { owner: "own" } } : place;
    },
    async object(key, signal) {
      const entity = await own.object(key, signal);
      return entity?.kind === "model-version" ? withOwnFiles(entity, { http, copies }, signal) : entity;
    },
    reader: (version, signal) => files.copy(version, signal),
    writing: (tracking) => createWriting(tracking, clock),
  };
}

/** The version, with files of its own where those that it was made from are others by now. */
async function withOwnFiles(
  version: ModelVersion,
  { http, copies }: { readonly http: HttpClient; readonly copies: Copies },
  signal: AbortSignal,
): Promise<Entity> {
  const { files } = version;
  if (files.owner !== "run" && files.owner !== "logged-model") return version;
  const uri = await rootOf(http, files.key, files.owner, signal);
  const root = uri === undefined ? undefined : [uri.replace(/\/+$/, ""), files.path].filter((part) => part !== "").join("/");
  if (root !== undefined && !(await copies.isOwn(version, root, signal))) return version;
  const needs = version.needs.filter((need) => need !== files.key || need === version.run);
  return { ...version, needs, files: { owner: "own" } };
}

async function rootOf(http: HttpClient, key: EntityKey, owner: "run" | "logged-model", signal: AbortSignal): Promise<string | undefined> {
  if (owner === "run") return (await readRun(http, idOf(key), signal))?.info.artifact_uri;
  return (await readWireModel(http, idOf(key), signal))?.info.artifact_uri;
}

function createWriting(tracking: TrackingParts, clock: Clock): RegistryWriting {
  const creation = createVersionCreation(tracking.calls, clock);
  const reader = createRegistryReader(tracking.server.http, tracking.calls);
  const own = registryWriting({ ...tracking, calls: creation.calls }, patient(reader, creation));
  const { http } = tracking.server;
  const { calls } = tracking;
  const replay = {
    calls,
    notes: own,
    version: (name: string, number: number, signal: AbortSignal) => reader.version(name, number, signal),
  };
  return {
    find: (entity, context) => (entity.kind === "webhook" ? findWebhook({ http, calls }, entity, context) : own.find(entity, context)),
    put(entity, context) {
      switch (entity.kind) {
        case "stage-transition":
          return putTransition(replay, entity, context);
        case "comment":
          return putComment(replay, entity, context);
        case "webhook":
          return putWebhook({ http, calls }, entity, context);
        case "registered-model":
        case "model-version":
        case "transition-request":
        case "alias":
        case "permission":
          return own.put(entity, context);
      }
    },
    settle: ({ model, version, stage }, _key, signal) => setStage(replay, { model, version, stage }, signal),
  };
}

/** A reader that waits for versions whose files are being copied, and finds one by its tag among all of its model. */
function patient(reader: RegistryReader, creation: VersionCreation): RegistryReader {
  const ready = async (name: string, version: VersionThere, signal: AbortSignal): Promise<VersionThere> => {
    if (version.status !== "PENDING_REGISTRATION") return version;
    return reader.parse(await creation.settled({ name, version: String(version.number) }, signal));
  };
  return {
    ...reader,
    async *versions(name, signal) {
      for await (const version of reader.versions(name, signal)) yield unlessFailed(await ready(name, version, signal));
    },
    async versionByTag(name, tag, signal) {
      let newest: VersionThere | undefined;
      for await (const version of reader.versions(name, signal)) {
        if (version.allTags.get(tag.key) === tag.value && version.number > (newest?.number ?? 0)) newest = version;
      }
      return newest && ready(name, newest, signal);
    },
  };
}

/** A version without files holds its number and nothing else, like a placeholder: it is removed before the next one is made. */
function unlessFailed(version: VersionThere): VersionThere {
  return version.status === "FAILED_REGISTRATION" && version.source !== undefined ? { ...version, placeholder: "failed" } : version;
}
