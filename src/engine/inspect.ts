// One object with what stands around it, as somebody who asks for it wants to see it.
import type { Entity, EntityKey, Experiment, Run } from "../model/entities.ts";
import type { ArtifactFile, Source } from "../ports/source.ts";
import { answersTo } from "./find-object.ts";

export interface Inspected {
  readonly entity: Entity;
  /** The experiment of a run or a logged model. */
  readonly home?: Experiment;
  /** What needs the object; see Question. */
  readonly dependants: readonly Entity[];
  /** True where there are more of them than were read. */
  readonly more: boolean;
  /** By path. Absent where they were not asked for. */
  readonly files?: readonly ArtifactFile[];
  /** Points of each metric of a run. Absent where they were not asked for. */
  readonly points?: ReadonlyMap<string, number>;
}

export interface InspectOptions {
  readonly files: boolean;
  /** Reads the whole histories of a run to count them. */
  readonly points: boolean;
}

/** Most dependants that are read: an experiment may have any number of runs. */
const MOST_DEPENDANTS = 1000;

/** Reads what belongs to an object. Throws what the source throws. */
export async function inspect(source: Source, entity: Entity, options: InspectOptions, signal: AbortSignal): Promise<Inspected> {
  const dependants = await answersTo(source, { about: "dependants", key: entity.key }, signal, MOST_DEPENDANTS + 1);
  const home = "experiment" in entity ? await homeOf(source, entity.experiment, signal) : undefined;
  const files = options.files ? await filesOf(source, entity, signal) : undefined;
  const points = options.points && entity.kind === "run" ? await pointsOf(source, entity, signal) : undefined;
  return {
    entity,
    dependants: dependants.slice(0, MOST_DEPENDANTS),
    more: dependants.length > MOST_DEPENDANTS,
    ...(home === undefined ? {} : { home }),
    ...(files === undefined ? {} : { files }),
    ...(points === undefined ? {} : { points }),
  };
}

async function homeOf(source: Source, key: EntityKey, signal: AbortSignal): Promise<Experiment | undefined> {
  const [home] = await answersTo(source, { about: "key", key }, signal);
  return home?.kind === "experiment" ? home : undefined;
}

async function filesOf(source: Source, entity: Entity, signal: AbortSignal): Promise<ArtifactFile[] | undefined> {
  if (entity.kind !== "run" && entity.kind !== "logged-model" && entity.kind !== "model-version") return undefined;
  const files: ArtifactFile[] = [];
  for await (const file of source.artifacts(entity, signal).list()) files.push(file);
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function pointsOf(source: Source, run: Run, signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for await (const batch of source.histories([run], signal).points(run.key)) {
    for (const { key } of batch) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}
