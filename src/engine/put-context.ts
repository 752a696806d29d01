// What a target is given beside an object: its files, its points, its marks. Made anew for each attempt to write it.
import type { EntityKey, LoggedModel, MetricPoint, ModelVersion, PlacedKey, Run } from "../model/entities.ts";
import { ALL_FILES } from "../model/file-filter.ts";
import { localise, unplaced } from "../model/localise.ts";
import type { PutContext } from "../ports/target.ts";
import { NO_FILES, type Step } from "./change.ts";
import { moveFiles, type FileMove, type FilesMoved } from "./files.ts";
import type { GroupedStep } from "./groups.ts";
import { hasOwnFiles, provenanceOf } from "./job.ts";
import type { Job } from "./job.ts";
import { changedIn, lacksFiles, markFor, waitsForFiles } from "./marks.ts";
import { clamp } from "./metric-values.ts";
import type { Prepared } from "./preflight.ts";
import type { Replay } from "./replay.ts";
import { arrivingFiles } from "./rewriting.ts";
import { peeking } from "./small-text.ts";

/** What a target is given to write one object, and what came of it. */
export interface PutDraft {
  readonly context: PutContext;
  files(): FilesMoved;
  /** Whether it refers to objects that are not there yet. */
  pendingLinks(): boolean;
}

export interface Putting {
  readonly prepared: Prepared;
  readonly replay: Replay;
  readonly pipe: FileMove["pipe"];
}

/** For one attempt to write the item. */
export function createPutContext(item: GroupedStep, { prepared, replay, pipe }: Putting): PutDraft {
  const { step } = item;
  const { job, placements, containers } = prepared;
  const owner = ownerOf(step);
  let self: PlacedKey | undefined = step.found?.key;
  let result: FilesMoved = { losses: [], moved: NO_FILES, isChanged: false };
  // Until files are moved, those are there that were.
  let changed = changedIn(step.found?.mark);
  const placed = (key: EntityKey): PlacedKey | undefined => (key === step.source.key ? self : placements.placed(key));
  // As of when the references were resolved: what is placed while the object is written comes too late for it.
  const openReferences = (): boolean => step.entity.kind === "run" && unplaced(step.entity, placed).some((key) => key !== step.source.key);
  let isOpen = openReferences();
  const context: PutContext = {
    provenance: provenanceOf(step.source, step.entity, job, containers),
    signal: job.signal,
    ...known(step, job, replay),
    get waitsForFiles() {
      return waitsForFiles(context.mark);
    },
    get mark() {
      return markFor(step.mark, { losses: result.losses, pendingLinks: isOpen, filter: (job.files ?? ALL_FILES).id, changed });
    },
    withSelf(_entity, key) {
      self = key;
      isOpen = openReferences();
      return localise(step.entity, placed) as typeof _entity;
    },
    points: () => clampedPoints(item, prepared),
    async files(send) {
      if (owner === undefined) return;
      const reader = arrivingFiles(job, owner);
      result = await moveFiles({ job, key: step.source.key, reader, found: step.found, mark: step.mark, pipe }, send);
      changed = result.isChanged ? job.mapping.contentId : "";
    },
    peek: owner === undefined ? () => Promise.resolve(undefined) : peeking(() => job.source.artifacts(owner, job.signal)),
  };
  return { context, files: () => result, pendingLinks: () => isOpen };
}

/** What the target is told of what is there. */
function known(step: Step, { versionNumbers }: Job, replay: Replay): Pick<PutContext, "existing" | "anyNumber" | "isPast" | "lacksFiles"> {
  return {
    ...(step.found === undefined ? {} : { existing: step.found }),
    ...(versionNumbers === "compact" ? { anyNumber: true } : {}),
    ...(replay.isPast(step.source) ? { isPast: true } : {}),
    ...(step.otherFiles === true || lacksFiles(step.found?.mark ?? "") ? { lacksFiles: true } : {}),
  };
}

async function* clampedPoints(item: GroupedStep, prepared: Prepared): AsyncGenerator<readonly MetricPoint[]> {
  const { capabilities } = prepared.job.target;
  if (item.histories === undefined) return;
  for await (const batch of item.histories.points(item.step.source.key)) {
    prepared.job.onEvent({ type: "points", points: batch.length });
    yield capabilities.infinities ? batch : batch.map((point) => ({ ...point, value: clamp(point.value, capabilities) }));
  }
}

/** Whose files are written for the object itself. */
function ownerOf({ source, entity }: Step): Run | LoggedModel | ModelVersion | undefined {
  if (source.kind !== "run" && source.kind !== "logged-model" && source.kind !== "model-version") return undefined;
  return source.kind === "model-version" && entity.kind === "model-version" && !hasOwnFiles(entity) ? undefined : source;
}
