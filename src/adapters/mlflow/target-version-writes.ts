// What writing a version is made of wherever its registry is MLflow's kind: created once, under its number, and brought up to date later.
import type { ModelVersion } from "../../model/entities.ts";
import type { PutContext } from "../../ports/target.ts";
import type { KeyValue } from "./target-batches.ts";
import type { Calls } from "./target-calls.ts";
import { keyValues, provenanceTags, sourceDigest, SOURCE_TAG, tagChanges } from "./target-calls.ts";
import { createOnce } from "./target-once.ts";
import type { VersionThere } from "./target-registry-reads.ts";
import { numberTaken, removePlaceholders, reserveNumbers } from "./target-version-numbers.ts";
import type { Reserving } from "./target-version-numbers.ts";

export interface NewVersion extends Reserving {
  /** Fields of the create call beside name, description and tags. */
  readonly fields: object;
  /** Tags that are neither the version's nor its provenance. */
  readonly ownTags: readonly KeyValue[];
}

/**
 * Makes the version, and notes it in the snapshot: gaps before its number are filled first, and where the server gives another number it is
 * given back. Throws VERSION_NUMBER_TAKEN.
 */
export async function createNumbered(making: NewVersion, version: ModelVersion, context: PutContext): Promise<VersionThere> {
  const { calls, reader, snapshot, fields, ownTags } = making;
  const { signal, anyNumber = false } = context;
  const { model: name, version: wanted, description } = version;
  await (anyNumber ? removePlaceholders(making, name, signal) : reserveNumbers(making, version, signal));
  const tags = [...provenanceTags(context.provenance), ...keyValues(version.tags), ...ownTags];
  const made = await createOnce({
    what: `version ${wanted} of ${JSON.stringify(name)}`,
    send: async () => reader.parse(await calls.create("model-versions/create", { name, ...fields, description, tags }, signal)),
    look: () => reader.versionByTag(name, { key: SOURCE_TAG, value: sourceDigest(context.provenance) }, signal),
  });
  snapshot.lastNumber = Math.max(snapshot.lastNumber, made.number);
  if (made.number !== wanted && !anyNumber) {
    await calls.remove("DELETE", "model-versions/delete", { name, version: String(made.number) }, signal);
    throw numberTaken(version, made.number);
  }
  snapshot.versions.set(made.number, made);
  return made;
}

/** Gives the version that is known the description and the tags that it is to have. Tells whether it had others. */
export async function updateTexts(
  calls: Calls,
  version: ModelVersion,
  known: Pick<VersionThere, "description" | "tags">,
  signal: AbortSignal,
): Promise<boolean> {
  const id = { name: version.model, version: String(version.version) };
  const { description = "" } = version;
  const isOther = (known.description ?? "") !== description;
  if (isOther) await calls.patch("model-versions/update", { ...id, description }, signal);
  const { set, gone } = tagChanges(known.tags, version.tags);
  for (const tag of set) await calls.post("model-versions/set-tag", { ...id, ...tag }, signal);
  for (const key of gone) await calls.remove("DELETE", "model-versions/delete-tag", { ...id, key }, signal);
  return isOther || set.length > 0 || gone.length > 0;
}
