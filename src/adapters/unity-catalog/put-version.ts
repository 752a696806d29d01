// Writes versions of Unity Catalog: created, filled with files, finalized. A version has its number from the first moment and counts from
// the last; one that a job left in between is recognised by its provenance, and completed.
import { MigrationError } from "../../errors.ts";
import type { ModelVersion, PlacedKey } from "../../model/entities.ts";
import { idOf, placed, versionKey } from "../../model/keys.ts";
import type { PutContext } from "../../ports/target.ts";
import type { Calls } from "../mlflow/target-calls.ts";
import { keyValues, MARK_TAG, provenanceTags, sourceDigest, SOURCE_TAG, tagChanges } from "../mlflow/target-calls.ts";
import { createOnce } from "../mlflow/target-once.ts";
import type { RegistryReader, VersionThere } from "../mlflow/target-registry-reads.ts";
import type { ModelSnapshot, Registry } from "../mlflow/target-registry.ts";
import { checkNumber, numberTaken, placedElsewhere, removePlaceholders, reserveNumbers } from "../mlflow/target-version-numbers.ts";
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
  const { calls, reader } = writing;
  const { signal, anyNumber = false } = context;
  const { model: name, version: wanted, description } = version;
  if (!anyNumber) checkNumber(snapshot, version);
  const fields = { source: version.sourceUri === "" ? `models:/${idOf(version.key)}` : version.sourceUri, feature_deps: "" };
  const reserving = { ...writing, snapshot, origin: { fields } };
  await (anyNumber ? removePlaceholders(reserving, name, signal) : reserveNumbers(reserving, version, signal));
  const source = sourceDigest(context.provenance);
  const tags = [...provenanceTags(context.provenance), ...keyValues(version.tags)];
  const body = { name, ...fields, ...runOf(version, writing.workspaceId), ...(description === undefined ? {} : { description }), tags };
  const made = await createOnce({
    what: `version ${wanted} of ${JSON.stringify(name)}`,
    send: async () => reader.parse(await calls.create("model-versions/create", body, signal)),
    look: () => reader.versionByTag(name, { key: SOURCE_TAG, value: source }, signal),
  });
  snapshot.lastNumber = Math.max(snapshot.lastNumber, made.number);
  if (made.number !== wanted && !anyNumber) {
    await calls.remove("DELETE", "model-versions/delete", { name, version: String(made.number) }, signal);
    throw numberTaken(version, made.number);
  }
  snapshot.versions.set(made.number, made);
  return made;
}

function runOf({ run }: ModelVersion, workspaceId: string | undefined): object {
  if (run === undefined) return {};
  return { run_id: idOf(run), ...(workspaceId === undefined ? {} : { run_tracking_server_id: workspaceId }) };
}

/** Files and finalizing where it is pending, then what can change at any time. */
async function complete(writing: CatalogWriting, version: ModelVersion, { snapshot, context }: Writing): Promise<void> {
  const { calls, reader, reads } = writing;
  const { signal, existing } = context;
  const { model: name, version: number } = version;
  const id = { name, version: String(number) };
  const there = await reads.version(name, number, signal);
  if (there?.status === "PENDING_REGISTRATION") await fill(writing, version, context);
  else if (there?.status !== "READY") throw failedRegistration(version, there?.statusMessage ?? "");
  else if (isIncomplete(existing?.mark)) throw takesNoMore(version);
  const known = await reader.version(name, number, signal);
  if ((known.description ?? "") !== (version.description ?? "")) {
    await calls.patch("model-versions/update", { ...id, description: version.description ?? "" }, signal);
  }
  const { set, gone } = tagChanges(known.tags, version.tags);
  for (const tag of set) await calls.post("model-versions/set-tag", { ...id, ...tag }, signal);
  for (const key of gone) await calls.remove("DELETE", "model-versions/delete-tag", { ...id, key }, signal);
  if (known.mark !== context.mark) await calls.post("model-versions/set-tag", { ...id, key: MARK_TAG, value: context.mark }, signal);
  snapshot.versions.set(number, await reader.version(name, number, signal));
}

/** Sends what is not there yet and finalizes. Without all of its files a version stays pending: nobody loads half a model. */
async function fill({ calls, files }: CatalogWriting, version: ModelVersion, context: PutContext): Promise<void> {
  const { signal } = context;
  const way = await files.way(version, "write", signal);
  await context.files((file, open) => way.write(file, open, signal));
  if (/\+partial/.test(context.mark)) {
    throw new MigrationError(
      "ARTIFACT_UNREADABLE",
      `version ${String(version.version)} of ${version.model} waits for files that did not arrive`,
      {
        key: version.key,
        hint: "see which files failed and run the same command again: the version is completed",
      },
    );
  }
  const id = { name: version.model, version: String(version.version) };
  // Before it counts: nothing tells afterwards what was left out.
  await calls.post("model-versions/set-tag", { ...id, key: MARK_TAG, value: context.mark }, signal);
  await calls.post("model-versions/finalize", id, signal);
}

function failedRegistration({ model, version, key }: ModelVersion, why: string): MigrationError {
  const reason = why === "" ? "" : `: ${why}`;
  return new MigrationError("REQUEST_FAILED", `the registration of ${model} version ${String(version)} failed at the target${reason}`, {
    key,
    hint: "delete the version there, and give it a new number with --version-numbers compact",
  });
}

/** Whether files were left out, or could not be read, when the version was finalized. */
function isIncomplete(mark: string | undefined): boolean {
  return /\+(only|partial|unread)/.test(mark ?? "");
}

/** A finalized version takes no files. */
function takesNoMore({ model, version, key }: ModelVersion): MigrationError {
  return new MigrationError("NOT_SUPPORTED", `${model} version ${String(version)} was finalized without all its files, and takes no more`, {
    key,
    hint: "delete the version there, and give it a new number with --version-numbers compact",
  });
}
