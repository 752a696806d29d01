// Reads the target's registry for its writers.
import type { HttpClient, Query } from "../../http/client.ts";
import type { ModelVersion, RegisteredModel, Tags, VersionFiles } from "../../model/entities.ts";
import { PROVENANCE, versionKey } from "../../model/keys.ts";
import { canBeQuoted, get, searchVersions } from "./calls.ts";
import { loggedModelKey, runKey, toModelVersion, toRegisteredModel } from "./convert.ts";
import type { VersionPlace } from "./convert.ts";
import type { KeyValue } from "./target-batches.ts";
import type { Calls } from "./target-calls.ts";
import { CARRIER_TAG, unlessUnseen } from "./target-calls.ts";
import { parseWire, wire } from "./wire.ts";
import type { WireModelVersion } from "./wire.ts";

/** A version as it is at the target. */
export interface VersionThere {
  readonly number: number;
  readonly source: string | undefined;
  readonly mark: string | undefined;
  /** Set on a placeholder, which only holds a number. */
  readonly placeholder: string | undefined;
  readonly description: string | undefined;
  readonly tags: Tags;
  /** With mlferry's own. */
  readonly allTags: Tags;
  /** READY, unless the registry says otherwise. */
  readonly status: string;
  readonly stage: ModelVersion["stage"];
  readonly entity: ModelVersion;
}

export interface ModelThere {
  readonly model: RegisteredModel;
  readonly isPrompt: boolean;
  /** Version numbers by alias. */
  readonly aliases: ReadonlyMap<string, number>;
}

export interface RegistryReader {
  model(name: string, signal: AbortSignal): Promise<ModelThere | undefined>;
  versions(name: string, signal: AbortSignal): AsyncIterable<VersionThere>;
  version(name: string, number: number, signal: AbortSignal): Promise<VersionThere>;
  /** The newest version with this tag. */
  versionByTag(name: string, tag: KeyValue, signal: AbortSignal): Promise<VersionThere | undefined>;
  /** The answer to a create. */
  parse(answer: unknown): VersionThere;
}

export function createRegistryReader(http: HttpClient, calls: Calls): RegistryReader {
  return {
    async model(name, signal) {
      const path = "/api/2.0/mlflow/registered-models/get";
      const answer = await unlessUnseen(get(http, path, { query: [["name", name]], schema: wire.registeredModel, signal }));
      if (answer === undefined) return undefined;
      const { aliases, tags } = answer.registered_model;
      const byAlias = new Map(aliases.map(({ alias, version }) => [alias, version]));
      return { model: toRegisteredModel(answer.registered_model), isPrompt: tags.get(PROMPT_TAG) === "true", aliases: byAlias };
    },
    async *versions(name, signal) {
      // A name that no filter can hold is picked out of the whole listing.
      const filtered = canBeQuoted(name) ? name : undefined;
      for await (const version of searchVersions(http, filtered, signal)) if (version.name === name) yield versionThere(version);
    },
    async version(name, number, signal) {
      const query: Query = [
        ["name", name],
        ["version", String(number)],
      ];
      return versionThere(
        (await get(http, "/api/2.0/mlflow/model-versions/get", { query, schema: wire.modelVersion, signal })).model_version,
      );
    },
    versionByTag: (name, tag, signal) => newestWithTag(calls, { name, tag }, signal),
    parse: (answer) => versionThere(parseWire(wire.modelVersion, answer, "model-versions/create").model_version),
  };
}

async function newestWithTag(
  calls: Calls,
  { name, tag }: { readonly name: string; readonly tag: KeyValue },
  signal: AbortSignal,
): Promise<VersionThere | undefined> {
  const quote = name.includes("'") ? '"' : "'";
  const byName = canBeQuoted(name) ? `name = ${quote}${name}${quote} AND ` : "";
  const query: Query = [
    ["filter", `${byName}tags.${tag.key} = '${tag.value}'`],
    ["order_by", "version_number DESC"],
  ];
  const answer = parseWire(wire.modelVersions, await calls.get("model-versions/search", query, signal), "model-versions/search");
  const version = answer.model_versions.find((found) => found.name === name);
  return version === undefined ? undefined : versionThere(version);
}

/** Marks a registered model that is a prompt (mlflow/prompt/constants.py). */
const PROMPT_TAG = "mlflow.prompt.is_prompt";

/** A version as it tells by itself: whether the run and the files that it names are there is not asked. */
export function versionAlone(version: WireModelVersion): ModelVersion {
  return toModelVersion(version, placeOf(version));
}

function versionThere(version: WireModelVersion): VersionThere {
  const entity = versionAlone(version);
  const { provenance, description, tags, stage } = entity;
  return {
    number: version.version,
    source: provenance.get(PROVENANCE.source),
    mark: provenance.get(PROVENANCE.done),
    placeholder: provenance.get(PROVENANCE.placeholder),
    description,
    tags,
    allTags: version.tags,
    status: version.status,
    stage,
    entity,
  };
}

/** Where the files of a version lie that was written here: the counterpart of target-version-origins.ts. */
function placeOf(version: WireModelVersion): VersionPlace {
  // A carrier run only holds the files, and is not the version's own.
  const carrier = version.tags.get(CARRIER_TAG);
  const run = version.run_id === "" || version.run_id === carrier ? {} : { run: runKey(version.run_id) };
  return { files: carrier === undefined ? filesOf(version) : { owner: "own" }, ...run };
}

function filesOf({ source }: WireModelVersion): VersionFiles {
  const loggedModel = /^models:\/(m-[0-9a-f]{32})$|\/models\/(m-[0-9a-f]{32})\/artifacts(?:\/(.*))?$/s.exec(source);
  if (loggedModel !== null)
    return { owner: "logged-model", key: loggedModelKey(loggedModel[1] ?? loggedModel[2] ?? ""), path: loggedModel[3] ?? "" };
  const version = /^models:\/(.+)\/(\d+)$/s.exec(source);
  if (version !== null) return { owner: "version", key: versionKey(version[1] ?? "", Number(version[2])) };
  const run = /^runs:\/([^/]+)(?:\/(.*))?$|\/([0-9a-f]{32})\/artifacts(?:\/(.*))?$/s.exec(source);
  const owner = run?.[1] ?? run?.[3];
  if (owner === undefined) return { owner: "own" };
  return { owner: "run", key: runKey(owner), path: run?.[2] ?? run?.[4] ?? "" };
}
