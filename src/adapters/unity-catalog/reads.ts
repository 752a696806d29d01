// Reads models and versions of Unity Catalog. Listings have neither tags nor aliases, so each object is asked for by itself.
import { MigrationError } from "../../errors.ts";
import type { HttpClient, Query } from "../../http/client.ts";
import type { ModelVersion } from "../../model/entities.ts";
import { PROVENANCE } from "../../model/keys.ts";
import { get, pagesOf } from "../mlflow/calls.ts";
import { loggedModelKey, runKey, toModelVersion, toRegisteredModel } from "../mlflow/convert.ts";
import type { VersionPlace } from "../mlflow/convert.ts";
import { unlessMissing } from "../mlflow/target-calls.ts";
import type { ModelThere, RegistryReader, VersionThere } from "../mlflow/target-registry-reads.ts";
import { parseWire, wire as mlflowWire } from "../mlflow/wire.ts";
import type { WireModelVersion, WireRegisteredModel } from "../mlflow/wire.ts";
import { versionState } from "./wire.ts";

export const UNITY_API = "/api/2.0/mlflow/unity-catalog";

/** Page sizes: the most of one schema's models, and of one model's versions (databricks-sdk, registered_models and model_versions). */
const PAGE = { models: "10000", versions: "1000" } as const;

export interface CatalogReads {
  /** Every model that is visible, as the listing tells it, in no order. */
  listed(signal: AbortSignal): AsyncIterable<WireRegisteredModel>;
  /** A listed model with its tags and aliases; undefined where it is gone since. */
  whole(listed: WireRegisteredModel, signal: AbortSignal): Promise<WireRegisteredModel | undefined>;
  model(name: string, signal: AbortSignal): Promise<WireRegisteredModel | undefined>;
  /** Versions of a model, whole, ascending; those that wait for their files included. */
  versions(name: string, signal: AbortSignal): Promise<readonly CatalogVersion[]>;
  version(name: string, number: number, signal: AbortSignal): Promise<CatalogVersion | undefined>;
}

export interface CatalogVersion {
  readonly wire: WireModelVersion;
  readonly status: string;
  /** Why its registration failed, if it did. */
  readonly statusMessage: string;
  /** Without a slash at its end; where its files lie. */
  readonly location: string;
}

/** `workspaceId`: runs of other workspaces are no runs of this one. */
export function createCatalogReads(http: HttpClient, workspaceId: string | undefined): CatalogReads {
  const version: CatalogReads["version"] = async (name, number, signal) => {
    const query: Query = [
      ["name", name],
      ["version", String(number)],
    ];
    const path = `${UNITY_API}/model-versions/get`;
    const answer = await unlessMissing(http.json({ method: "GET", path, query, repeat: "safe" }, signal));
    return answer === undefined ? undefined : parseVersion(answer, workspaceId);
  };
  const model: CatalogReads["model"] = async (name, signal) => {
    const path = `${UNITY_API}/registered-models/get`;
    const answer = await unlessMissing(get(http, path, { query: [["name", name]], schema: mlflowWire.registeredModel, signal }));
    return answer?.registered_model;
  };
  return {
    async *listed(signal) {
      const listing = {
        path: `${UNITY_API}/registered-models/search`,
        query: [["max_results", PAGE.models]],
        schema: mlflowWire.registeredModels,
      } as const;
      for await (const page of pagesOf(http, listing, signal)) yield* page.registered_models;
    },
    whole: ({ name }, signal) => model(name, signal),
    model,
    async versions(name, signal) {
      const query: Query = [
        ["filter", `name='${name}'`],
        ["max_results", PAGE.versions],
      ];
      const numbers: number[] = [];
      const listing = { path: `${UNITY_API}/model-versions/search`, query, schema: mlflowWire.modelVersions };
      for await (const page of pagesOf(http, listing, signal)) numbers.push(...page.model_versions.map((one) => one.version));
      const found = await Promise.all([...new Set(numbers)].map((number) => version(name, number, signal)));
      return found.filter((one) => one !== undefined).sort((a, b) => a.wire.version - b.wire.version);
    },
    version,
  };
}

/** The version in an answer that holds one. */
export function parseVersion(answer: unknown, workspaceId: string | undefined): CatalogVersion {
  const path = `${UNITY_API}/model-versions`;
  const { model_version: wire } = parseWire(mlflowWire.modelVersion, answer, path);
  const {
    status,
    status_message,
    run_tracking_server_id: tracking,
    storage_location,
  } = parseWire(versionState, answer, path).model_version;
  const isOther = tracking !== undefined && workspaceId !== undefined && tracking !== workspaceId;
  return {
    wire: isOther ? { ...wire, run_id: "", model_id: "" } : wire,
    status,
    statusMessage: status_message,
    location: storage_location.replace(/\/+$/, ""),
  };
}

/** The same as what writing versions asks of a registry. */
export function createCatalogReader(reads: CatalogReads, workspaceId: string | undefined): RegistryReader {
  return {
    async model(name, signal): Promise<ModelThere | undefined> {
      const model = await reads.model(name, signal);
      if (model === undefined) return undefined;
      return {
        model: toRegisteredModel(model),
        isPrompt: false,
        aliases: new Map(model.aliases.map(({ alias, version }) => [alias, version])),
      };
    },
    async *versions(name, signal) {
      for (const version of await reads.versions(name, signal)) yield versionThere(version);
    },
    async version(name, number, signal) {
      const version = await reads.version(name, number, signal);
      if (version !== undefined) return versionThere(version);
      throw new MigrationError("NOT_FOUND", `version ${String(number)} of ${name} is not there any more`, { side: "target" });
    },
    async versionByTag(name, { key, value }, signal) {
      const found = (await reads.versions(name, signal)).filter(({ wire }) => wire.tags.get(key) === value);
      const newest = found.at(-1);
      return newest === undefined ? undefined : versionThere(newest);
    },
    parse: (answer) => versionThere(parseVersion(answer, workspaceId)),
  };
}

/** A version as it tells by itself: whether the run and the logged model that it names are there is not asked. */
export function versionAlone({ wire }: CatalogVersion): ModelVersion {
  return toModelVersion(
    wire,
    placeOfVersion(wire, () => true),
  );
}

/** Its files are its own; `isThere` says of the ids of runs and logged models that it names which ones count. */
export function placeOfVersion({ run_id: run, model_id: model }: WireModelVersion, isThere: (id: string) => boolean): VersionPlace {
  return {
    files: { owner: "own", ...(model !== "" && isThere(model) ? { loggedModel: loggedModelKey(model) } : {}) },
    ...(run !== "" && isThere(run) ? { run: runKey(run) } : {}),
  };
}

function versionThere(version: CatalogVersion): VersionThere {
  const entity = versionAlone(version);
  const { provenance, description, tags, stage } = entity;
  return {
    number: version.wire.version,
    source: provenance.get(PROVENANCE.source),
    // It is set before the version is finalized, and counts from then on.
    mark: version.status === "READY" ? provenance.get(PROVENANCE.done) : undefined,
    placeholder: provenance.get(PROVENANCE.placeholder),
    description,
    tags,
    allTags: version.wire.tags,
    status: version.wire.status,
    stage,
    entity,
  };
}
