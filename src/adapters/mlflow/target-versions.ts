// Writes model versions under the number they have at the source, and brings existing ones up to date.
import { MigrationError } from "../../errors.ts";
import type { ModelVersion, PlacedKey } from "../../model/entities.ts";
import { differences, facts } from "../../model/facts.ts";
import { placed, versionKey } from "../../model/keys.ts";
import type { PutContext } from "../../ports/target.ts";
import { CARRIER_TAG, keyValues, markTag, MARK_TAG, provenanceTags, sourceDigest, SOURCE_TAG, tagChanges } from "./target-calls.ts";
import type { KeyValue } from "./target-batches.ts";
import type { Calls } from "./target-calls.ts";
import { createOnce } from "./target-once.ts";
import type { RegistryReader, VersionThere } from "./target-registry-reads.ts";
import type { ModelSnapshot, Registry } from "./target-registry.ts";
import { checkNumber, numberTaken, placedElsewhere, removePlaceholders, reserveNumbers } from "./target-version-numbers.ts";
import { inWordsOf } from "./target-version-files.ts";
import type { VersionOrigin, VersionOrigins } from "./target-version-origins.ts";

export interface VersionWriting {
  readonly calls: Calls;
  readonly registry: Registry;
  readonly reader: RegistryReader;
  readonly origins: VersionOrigins;
}

/**
 * Creates the version, or brings its own files, description, tags and stage up to date. Throws NOT_SUPPORTED where it would have to
 * name other files, another run or another link.
 */
export async function putVersion(writing: VersionWriting, version: ModelVersion, context: PutContext): Promise<PlacedKey> {
  const snapshot = await writing.registry.required(version.model, context.signal);
  const key = placed(versionKey(version.model, version.version));
  const { existing } = context;
  if (existing === undefined) return createVersion(writing, version, { snapshot, context });
  // Also ours, where a job was cut off between getting a wrong number and giving it back.
  if (!existing.ours) throw numberTaken(version, snapshot.lastNumber + 1);
  if (existing.key !== key) throw placedElsewhere(version, existing.key);
  await updateVersion(writing, context.withSelf(version, key), { snapshot, context });
  return key;
}

interface Writing {
  readonly snapshot: ModelSnapshot;
  readonly context: PutContext;
}

async function createVersion(writing: VersionWriting, version: ModelVersion, { snapshot, context }: Writing): Promise<PlacedKey> {
  const { calls } = writing;
  const { signal, anyNumber = false } = context;
  const { model: name, version: wanted } = version;
  if (!anyNumber) checkNumber(snapshot, version);
  // Files first: the mark can then go into the create call, and a version never points at files that are still to come.
  const origin = await writing.origins.open(version, context);
  const reserving = { ...writing, snapshot, origin };
  await (anyNumber ? removePlaceholders(reserving, name, signal) : reserveNumbers(reserving, version, signal));
  const made = await sendVersion(writing, version, { origin, context });
  snapshot.lastNumber = Math.max(snapshot.lastNumber, made.number);
  if (made.number !== wanted && !anyNumber) {
    await calls.remove("DELETE", "model-versions/delete", { name, version: String(made.number) }, signal);
    throw numberTaken(version, made.number);
  }
  snapshot.versions.set(made.number, made);
  await setStage(calls, { ...version, version: made.number }, "None", signal);
  return placed(versionKey(name, made.number));
}

async function sendVersion(
  { calls, reader }: VersionWriting,
  version: ModelVersion,
  { origin, context }: { readonly origin: VersionOrigin; readonly context: PutContext },
): Promise<VersionThere> {
  const { signal } = context;
  const { model: name, description, runLink } = version;
  const source = sourceDigest(context.provenance);
  const tags = [...provenanceTags(context.provenance), ...keyValues(version.tags), ...ownTags(origin, context)];
  return createOnce({
    what: `version ${version.version} of ${JSON.stringify(name)}`,
    send: async () =>
      reader.parse(await calls.create("model-versions/create", { name, ...origin.fields, description, run_link: runLink, tags }, signal)),
    look: () => reader.versionByTag(name, { key: SOURCE_TAG, value: source }, signal),
  });
}

/** Tells readers that the run only carries the files, and that these have arrived. */
function ownTags({ carrier }: VersionOrigin, { mark }: PutContext): KeyValue[] {
  return carrier === undefined ? [] : [{ key: CARRIER_TAG, value: carrier }, markTag(mark)];
}

async function updateVersion(writing: VersionWriting, version: ModelVersion, { snapshot, context }: Writing): Promise<void> {
  const { calls, reader } = writing;
  const { signal } = context;
  const { version: number } = version;
  const id = { name: version.model, version: String(number) };
  const known = snapshot.versions.get(number) ?? (await reader.version(version.model, number, signal));
  refuseFixedFields(version, await inWordsOf(version, known.entity, { ...writing, signal }), snapshot.lastNumber);
  if (version.files.owner === "own") await writing.origins.open(version, context);
  if ((known.description ?? "") !== (version.description ?? "")) {
    await calls.patch("model-versions/update", { ...id, description: version.description ?? "" }, signal);
  }
  const { set, gone } = tagChanges(known.tags, version.tags);
  for (const tag of set) await calls.post("model-versions/set-tag", { ...id, ...tag }, signal);
  for (const key of gone) await calls.remove("DELETE", "model-versions/delete-tag", { ...id, key }, signal);
  await setStage(calls, version, known.stage, signal);
  if (version.files.owner === "own" && known.mark !== context.mark) {
    await calls.post("model-versions/set-tag", { ...id, key: MARK_TAG, value: context.mark }, signal);
  }
  snapshot.versions.set(number, await reader.version(version.model, number, signal));
}

/**
 * No call changes these. The run counts only where the create call named it: for a version that was promoted, or whose files a
 * logged model or a carrier run has, the server chooses one by itself.
 */
function refuseFixedFields(wanted: ModelVersion, there: ModelVersion, lastNumber: number): void {
  const namesRun = wanted.run !== undefined && (wanted.files.owner === "run" || wanted.files.owner === "logged-model");
  const fixed = new Set(["files", "runLink", ...(namesRun ? ["run"] : [])]);
  const [changed] = differences(facts(wanted), facts(there)).filter(({ field }) => fixed.has(field));
  if (changed === undefined) return;
  const { field, expected = "nothing", found = "nothing" } = changed;
  const isNewest = wanted.version === lastNumber;
  throw new MigrationError("NOT_SUPPORTED", `${field} of ${there.key} is ${found}, not ${expected}, and cannot be changed`, {
    hint: isNewest
      ? "delete the version at the target and run the same command again, or keep it as it is"
      : "keep it as it is: deleted, it could not come back, since the target has given higher numbers already",
  });
}

async function setStage(calls: Calls, version: ModelVersion, before: ModelVersion["stage"], signal: AbortSignal): Promise<void> {
  if (version.stage === before) return;
  // Archiving others is part of no version: each has the stage that it has at the source.
  const body = { name: version.model, version: String(version.version), stage: version.stage, archive_existing_versions: false };
  await calls.post("model-versions/transition-stage", body, signal);
}
