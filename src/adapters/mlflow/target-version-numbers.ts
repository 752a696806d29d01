// Makes the server give a version the number it has at the source: gaps are filled with placeholders, which are removed again.
import { MigrationError } from "../../errors.ts";
import type { ModelVersion, PlacedKey } from "../../model/entities.ts";
import { idOf, PROVENANCE, PROVENANCE_PREFIX } from "../../model/keys.ts";
import type { Calls } from "./target-calls.ts";
import { createOnce } from "./target-once.ts";
import type { RegistryReader } from "./target-registry-reads.ts";
import type { ModelSnapshot } from "./target-registry.ts";
import type { VersionOrigin } from "./target-version-origins.ts";

export interface Reserving {
  readonly calls: Calls;
  readonly reader: RegistryReader;
  readonly snapshot: ModelSnapshot;
  /** The version's own: the server checks a placeholder's source like any other. */
  readonly origin: VersionOrigin;
}

/** Throws VERSION_NUMBER_TAKEN when the number is known to be used, or when more than 1000 unused ones come before it. Asks nobody. */
export function checkNumber(snapshot: ModelSnapshot, version: ModelVersion): void {
  const gap = version.version - snapshot.lastNumber - 1;
  if (gap < 0) throw numberTaken(version, snapshot.lastNumber + 1);
  if (gap <= WIDEST_GAP) return;
  throw new MigrationError(
    "VERSION_NUMBER_TAKEN",
    `version ${version.version} of ${JSON.stringify(version.model)} follows a gap of ${gap} numbers`,
    {
      hint: `at most ${WIDEST_GAP} numbers are used up for one version: use --version-numbers compact, or move versions before it too`,
    },
  );
}

/**
 * Uses up the numbers before the version's own, one placeholder at a time, and removes placeholders that an interrupted job left.
 * Throws VERSION_NUMBER_TAKEN when the server turns out to have gone past the number already.
 */
export async function reserveNumbers(reserving: Reserving, version: ModelVersion, signal: AbortSignal): Promise<void> {
  const { snapshot } = reserving;
  await removePlaceholders(reserving, version.model, signal);
  while (snapshot.lastNumber + 1 < version.version) {
    const number = await makePlaceholder(reserving, version, signal);
    snapshot.lastNumber = Math.max(snapshot.lastNumber, number);
    await removePlaceholder(reserving, version.model, number, signal);
  }
  checkNumber(snapshot, version);
}

/** Removes placeholders that an interrupted job left in the model. */
export async function removePlaceholders(reserving: Reserving, model: string, signal: AbortSignal): Promise<void> {
  for (const there of reserving.snapshot.versions.values()) {
    if (there.placeholder !== undefined) await removePlaceholder(reserving, model, there.number, signal);
  }
}

/** The refusal to move a version that is there to another number. */
export function placedElsewhere(version: ModelVersion, place: PlacedKey): MigrationError {
  return new MigrationError("VERSION_NUMBER_TAKEN", `${idOf(version.key)} is at the target already, as ${idOf(place)}`, {
    hint: "was it placed by a job with --version-numbers compact? then use that again; else delete it there",
  });
}

/** The refusal that names the wanted number and the one that the server gives. */
export function numberTaken(version: ModelVersion, next: number): MigrationError {
  const model = JSON.stringify(version.model);
  return new MigrationError(
    "VERSION_NUMBER_TAKEN",
    `cannot create version ${version.version} of ${model}: the target's next number is ${next}`,
    {
      hint: "numbers only go up there, and it has, or had, later ones: use --version-numbers compact, or map the model to another name",
    },
  );
}

/** Each number costs two requests. */
const WIDEST_GAP = 1000;

const PLACEHOLDER_TAG = `${PROVENANCE_PREFIX}${PROVENANCE.placeholder}`;

async function makePlaceholder({ calls, reader, origin }: Reserving, version: ModelVersion, signal: AbortSignal): Promise<number> {
  const name = version.model;
  const tag = { key: PLACEHOLDER_TAG, value: String(version.version) };
  const made = await createOnce({
    what: `a placeholder before version ${version.version} of ${JSON.stringify(name)}`,
    send: async () => reader.parse(await calls.create("model-versions/create", { name, ...origin.fields, tags: [tag] }, signal)),
    look: () => reader.versionByTag(name, tag, signal),
  });
  return made.number;
}

async function removePlaceholder({ calls, snapshot }: Reserving, name: string, number: number, signal: AbortSignal): Promise<void> {
  await calls.remove("DELETE", "model-versions/delete", { name, version: String(number) }, signal);
  snapshot.versions.delete(number);
}
