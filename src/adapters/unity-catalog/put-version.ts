// Writes versions of Unity Catalog: created, filled with files, finalized. A version has its number from the first moment and counts from
// the last; one that a job left in between is recognised by its provenance, and completed.
import { MigrationError } from "../../errors.ts";
import type { ModelVersion, PlacedKey } from "../../model/entities.ts";
import { filesText } from "../../model/facts.ts";
import { idOf, placed, versionKey } from "../../model/keys.ts";
import { MODEL_FILE } from "../../model/model-file.ts";
import { dependenciesIn } from "../../model/model-dependencies.ts";
import type { PutContext } from "../../ports/target.ts";
import type { Calls } from "../mlflow/target-calls.ts";
import { markTag } from "../mlflow/target-calls.ts";
import type { RegistryReader, VersionThere } from "../mlflow/target-registry-reads.ts";
import type { ModelSnapshot, Registry } from "../mlflow/target-registry.ts";
import { checkNumber, numberTaken, placedElsewhere } from "../mlflow/target-version-numbers.ts";
import { createNumbered, updateTexts } from "../mlflow/target-version-writes.ts";
import { createWithDependencies } from "./dependencies.ts";
import type { CatalogReads } from "./reads.ts";
import type { VersionFileAccess } from "./version-files.ts";

export interface CatalogWriting {
  readonly calls: Calls;
  readonly registry: Registry;
  readonly reader: RegistryReader;
  readonly reads: CatalogReads;
  readonly files: VersionFileAccess;
  /** The workspace that has the runs. */
  readonly workspaceId: string | undefined;
  /** Whether versions are made with what they depend on. */
  readonly dependencies: boolean;
}

/**
 * Creates the version, or completes it and brings its description and tags up to date. Throws NOT_SUPPORTED for other files
 * than a finalized version has, ARTIFACT_UNREADABLE where files are missing: then it stays pending.
 */
export async function putVersion(writing: CatalogWriting, version: ModelVersion, context: PutContext): Promise<PlacedKey> {
  const { existing, signal } = context;
  const snapshot = await writing.registry.required(version.model, signal);
  if (existing === undefined) {
    const made = await createVersion(writing, version, { snapshot, context });
    await complete(writing, { ...version, version: made.number }, { snapshot, context });
    return placed(versionKey(version.model, made.number));
  }
  if (!existing.ours) throw numberTaken(version, snapshot.lastNumber + 1);
  const key = placed(versionKey(version.model, version.version));
  if (existing.key !== key) throw placedElsewhere(version, existing.key);
  await complete(writing, context.withSelf(version, key), { snapshot, context });
  return key;
}

interface Writing {
  readonly snapshot: ModelSnapshot;
  readonly context: PutContext;
}

async function createVersion(writing: CatalogWriting, version: ModelVersion, { snapshot, context }: Writing): Promise<VersionThere> {
  if (context.anyNumber !== true) checkNumber(snapshot, version);
  const source = version.sourceUri === "" ? `models:/${idOf(version.key)}` : version.sourceUri;
  const origin = { fields: { source, feature_deps: "" } };
  const fields = { ...origin.fields, ...lineageOf(version, writing.workspaceId) };
  const making = { ...writing, snapshot, origin, fields, ownTags: [] };
  const dependencies = writing.dependencies ? dependenciesIn((await context.peek(MODEL_FILE)) ?? "") : [];
  return dependencies.length === 0
    ? createNumbered(making, version, context)
    : createWithDependencies({ ...making, dependencies }, version, context);
}

/** What of the tracking half the version names: its run, and the logged model that it was made from. */
function lineageOf({ run, files }: ModelVersion, workspaceId: string | undefined): object {
  const loggedModel = files.owner === "own" ? files.loggedModel : undefined;
  const model = loggedModel === undefined ? {} : { model_id: idOf(loggedModel) };
  if (run === undefined) return model;
  return { run_id: idOf(run), ...(workspaceId === undefined ? {} : { run_tracking_server_id: workspaceId }), ...model };
}

/** Files and finalizing where it is pending, then what can change at any time. */
async function complete(writing: CatalogWriting, version: ModelVersion, { snapshot, context }: Writing): Promise<void> {
  const { calls, reader } = writing;
  const { signal } = context;
  const { model: name, version: number } = version;
  const there = snapshot.versions.get(number) ?? (await reader.version(name, number, signal));
  if (there.status === "PENDING_REGISTRATION") await fill(writing, version, context);
  else if (there.status !== "READY") throw await failedRegistration(writing, version, signal);
  else if (context.lacksFiles === true) throw takesNoMore(version);
  else if (filesText(there.entity.files) !== filesText(version.files)) throw namesAnother(version);
  const known = there.status === "READY" ? there : await finalized(writing, version, signal);
  const isUnmarked = known.mark !== context.mark;
  const isUpdated = await updateTexts(calls, version, known, signal);
  if (isUnmarked) await calls.post("model-versions/set-tag", { ...idOfVersion(version), ...markTag(context.mark) }, signal);
  snapshot.versions.set(number, isUpdated || isUnmarked ? await reader.version(name, number, signal) : known);
}

/** The version as it is once it was finalized. Throws REQUEST_FAILED where the catalog says that it does not count. */
async function finalized(writing: CatalogWriting, version: ModelVersion, signal: AbortSignal): Promise<VersionThere> {
  const known = await writing.reader.version(version.model, version.version, signal);
  if (known.status === "READY") return known;
  if (known.status !== "PENDING_REGISTRATION") throw await failedRegistration(writing, version, signal);
  const message = `${version.model} version ${String(version.version)} was finalized, and is pending all the same`;
  throw new MigrationError("REQUEST_FAILED", message, { key: version.key, hint: "run the same command again: it is finalized once more" });
}

function idOfVersion({ model, version }: ModelVersion): { readonly name: string; readonly version: string } {
  return { name: model, version: String(version) };
}

/** Sends what is not there yet and finalizes. Without all of its files a version stays pending: nobody loads half a model. */
async function fill({ calls, files }: CatalogWriting, version: ModelVersion, context: PutContext): Promise<void> {
  const { signal } = context;
  const way = await files.way(version, "write", signal);
  await context.files((file, open) => way.write(file, open, signal));
  if (context.waitsForFiles === true) {
    throw new MigrationError(
      "ARTIFACT_UNREADABLE",
      `version ${String(version.version)} of ${version.model} waits for files that did not arrive`,
      {
        key: version.key,
        hint: "see which files failed and run the same command again: the version is completed",
      },
    );
  }
  const id = idOfVersion(version);
  // Before it counts: nothing tells afterwards what was left out.
  await calls.post("model-versions/set-tag", { ...id, ...markTag(context.mark) }, signal);
  await calls.post("model-versions/finalize", id, signal);
}

async function failedRegistration({ reads }: CatalogWriting, failed: ModelVersion, signal: AbortSignal): Promise<MigrationError> {
  const { model, version, key } = failed;
  const why = (await reads.version(model, version, signal))?.statusMessage ?? "";
  const reason = why === "" ? "" : `: ${why}`;
  return new MigrationError("REQUEST_FAILED", `the registration of ${model} version ${String(version)} failed at the target${reason}`, {
    key,
    hint: "delete the version there, and give it a new number with --version-numbers compact",
  });
}

/** What a finalized version was made from is what it stays. */
function namesAnother({ model, version, key }: ModelVersion): MigrationError {
  return new MigrationError(
    "NOT_SUPPORTED",
    `${model} version ${String(version)} was made from another logged model, which cannot be changed`,
    {
      key,
      hint: "delete the version there, and give it a new number with --version-numbers compact",
    },
  );
}

/** A finalized version takes no files. */
function takesNoMore({ model, version, key }: ModelVersion): MigrationError {
  return new MigrationError(
    "NOT_SUPPORTED",
    `${model} version ${String(version)} was finalized with other files than it is to have, and takes no more`,
    {
      key,
      hint: "delete the version there, and give it a new number with --version-numbers compact",
    },
  );
}
