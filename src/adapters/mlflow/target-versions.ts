// Writes model versions under the number they have at the source, and brings existing ones up to date.
import { MigrationError } from "../../errors.ts";
import type { ModelVersion, PlacedKey } from "../../model/entities.ts";
import { differences, facts } from "../../model/facts.ts";
import { placed, versionKey } from "../../model/keys.ts";
import type { PutContext } from "../../ports/target.ts";
import { CARRIER_TAG, markTag } from "./target-calls.ts";
import type { KeyValue } from "./target-batches.ts";
import type { Calls } from "./target-calls.ts";
import type { RegistryReader } from "./target-registry-reads.ts";
import type { ModelSnapshot, Registry } from "./target-registry.ts";
import { checkNumber, numberTaken, placedElsewhere } from "./target-version-numbers.ts";
import { createNumbered, updateTexts } from "./target-version-writes.ts";
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
  if (!anyNumber) checkNumber(snapshot, version);
  // Files first: the mark can then go into the create call, and a version never points at files that are still to come.
  const origin = await writing.origins.open(version, context);
  const fields = { ...origin.fields, run_link: version.runLink };
  const made = await createNumbered({ ...writing, snapshot, origin, fields, ownTags: ownTags(origin, context) }, version, context);
  await setStage(calls, { ...version, version: made.number }, "None", signal);
  return placed(versionKey(version.model, made.number));
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
  await updateTexts(calls, version, known, signal);
  await setStage(calls, version, known.stage, signal);
  if (version.files.owner === "own" && known.mark !== context.mark) {
    await calls.post("model-versions/set-tag", { ...id, ...markTag(context.mark) }, signal);
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
