// A server is two halves: tracking (experiments, runs, logged models) and registry (models, versions, aliases). This is what the rest of
// the adapter asks of the second, so that another registry can stand behind the same tracking server.
import type { Alias, Entity, EntityKey, ModelVersion, Part, PlacedKey, RegisteredModel, StageHistory } from "../../model/entities.ts";
import type { Selection } from "../../model/selection.ts";
import type { Check } from "../../ports/checks.ts";
import type { ArtifactReader, NotCarried } from "../../ports/source.ts";
import type { FindContext, Found, PreflightOptions, PutContext } from "../../ports/target.ts";
import type { VersionPlace } from "./convert.ts";
import type { ListedVersions } from "./listed-versions.ts";
import type { Promotions } from "./promotions.ts";
import type { TrackingHalf } from "./tracking-half.ts";
import type { Calls } from "./target-calls.ts";
import type { Carriers } from "./target-carriers.ts";
import type { LoggedModelReader } from "./target-logged-model-reads.ts";
import type { RunReader } from "./target-run-reads.ts";
import type { Known } from "./version-place.ts";
import type { WireModelVersion, WireRegisteredModel } from "./wire.ts";

export interface RegistryHalf {
  /** What a selection means of the registry. Throws NOTHING_SELECTED for a pattern without a match. */
  stock(selection: Selection, signal: AbortSignal): Promise<RegistryStock>;
  /** Told once what else there is, before the first `placeOf` after `stock`. */
  prepare?(stock: RegistryStock, known: Known, signal: AbortSignal): Promise<void>;
  /** What hangs on objects of both halves; absent: nothing does. */
  attached?(of: AttachedTo, signal: AbortSignal): Promise<Attached>;
  /** Where the files of a listed version lie, and whether its run is there. */
  readonly placeOf: (version: WireModelVersion, known: Known) => VersionPlace;
  /** The object under the key of a model, a version or an alias; undefined where there is none. */
  object(key: EntityKey, signal: AbortSignal): Promise<Entity | undefined>;
  /** All models, or the one of this name. */
  models(name: string | undefined, signal: AbortSignal): AsyncIterable<RegisteredModel>;
  /** What of the registry needs the object under any key, as far as a few requests tell. */
  dependants(key: EntityKey, signal: AbortSignal): AsyncIterable<Entity>;
  /** Models and versions that were placed from the object of this key of another registry. */
  placedFrom(key: EntityKey, signal: AbortSignal): AsyncIterable<Entity>;
  /** A reader over a version's files, where the registry keeps them; absent: they are the server's other files. */
  reader?(version: ModelVersion, signal: AbortSignal): ArtifactReader;
  /** What would stop models of these names from being made, such as a schema that is missing. Absent: nothing is known of that. */
  checkModels?(names: readonly string[], options: PreflightOptions): AsyncIterable<Check>;
  /** The writing side; called once, when the server is opened as a target. */
  writing(tracking: TrackingParts): RegistryWriting;
}

export interface AttachedTo {
  readonly stock: RegistryStock;
  readonly selection: Selection;
  /** Of experiments that may come. */
  readonly experimentIds: readonly string[];
}

/** What no list of models, versions and experiments has. */
export interface Attached {
  readonly parts: readonly Part[];
  /** By version: how far its stage transitions are known. */
  readonly histories: ReadonlyMap<EntityKey, StageHistory>;
  readonly notCarried: readonly NotCarried[];
}

export interface RegistryStock extends Promotions, ListedVersions {
  /** All models that there are, with their aliases. */
  readonly models: readonly WireRegisteredModel[];
}

/** What the writing of versions needs of the tracking half. */
export interface TrackingParts {
  readonly server: TrackingHalf;
  readonly calls: Calls;
  readonly runs: RunReader;
  readonly loggedModels: LoggedModelReader;
  readonly carriers: Carriers;
}

export type RegistryEntity = RegisteredModel | ModelVersion | Alias | Part;

/** See Target: the same, of the registry's kinds. */
export interface RegistryWriting {
  find(entity: RegistryEntity, context: FindContext): Promise<Found | undefined>;
  put(entity: RegistryEntity, context: PutContext): Promise<PlacedKey>;
  settle?(version: ModelVersion, key: PlacedKey, signal: AbortSignal): Promise<void>;
}
