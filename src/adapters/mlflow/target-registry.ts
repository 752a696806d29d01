// What the target's registry holds, one snapshot per registered model: read when first asked for, then kept up to date by the
// writes of this process. Calls for one registered model come one at a time, so a snapshot is never written twice at once.
import { MigrationError } from "../../errors.ts";
import type { Alias, ModelVersion, RegisteredModel, Tags } from "../../model/entities.ts";
import { aliasKey, keyOf, placed, PROVENANCE, versionKey } from "../../model/keys.ts";
import type { FindContext, Found } from "../../ports/target.ts";
import { sourceDigest } from "./target-calls.ts";
import type { RegistryReader, VersionThere } from "./target-registry-reads.ts";
import { inWordsOf } from "./target-version-files.ts";

/** A registered model with its versions, as far as this process knows. */
export interface ModelSnapshot {
  model: RegisteredModel;
  /** Prompts live under the same names and are no models. */
  readonly isPrompt: boolean;
  /** Placeholders included. */
  readonly versions: Map<number, VersionThere>;
  readonly aliases: Map<string, number>;
  /** The highest number known to have been used. Numbers of deleted versions are used too, but nothing tells them. */
  lastNumber: number;
}

export interface Registry {
  /** Undefined when there is no model of this name. */
  snapshot(name: string, signal: AbortSignal): Promise<ModelSnapshot | undefined>;
  /** The snapshot of a model that must be there. */
  required(name: string, signal: AbortSignal): Promise<ModelSnapshot>;
  /** A model that was just created: it has no versions yet. */
  startEmpty(model: RegisteredModel, provenance: Tags): void;
  /** Forgets what is known, because the server says otherwise. */
  forget(name: string): void;
}

export function createRegistry(reader: RegistryReader): Registry {
  const snapshots = new Map<string, Promise<ModelSnapshot | undefined>>();
  const snapshot = (name: string, signal: AbortSignal): Promise<ModelSnapshot | undefined> => {
    const known = snapshots.get(name);
    if (known !== undefined) return known;
    const loading = loadSnapshot(reader, name, signal);
    snapshots.set(name, loading);
    loading.catch(() => snapshots.delete(name));
    return loading;
  };
  return {
    snapshot,
    async required(name, signal) {
      const known = await snapshot(name, signal);
      if (known !== undefined) return known;
      throw new MigrationError("NOT_FOUND", `registered model ${JSON.stringify(name)} is not at the target`, {
        hint: "it may have been deleted there in the meantime: run the same command again, which creates it anew",
      });
    },
    startEmpty(model, provenance) {
      const there = { ...model, key: keyOf("registered-model", model.name), provenance };
      snapshots.set(model.name, Promise.resolve({ model: there, isPrompt: false, versions: new Map(), aliases: new Map(), lastNumber: 0 }));
    },
    forget: (name) => void snapshots.delete(name),
  };
}

/** The model of this name; a prompt is never ours. */
export async function findModel(registry: Registry, model: RegisteredModel, context: FindContext): Promise<Found | undefined> {
  const snapshot = await registry.snapshot(model.name, context.signal);
  if (snapshot === undefined) return undefined;
  const ours = !snapshot.isPrompt && snapshot.model.provenance.get(PROVENANCE.source) === sourceDigest(context.provenance);
  const key = placed(keyOf("registered-model", model.name));
  return { key, ours, deleted: false, lastVersion: snapshot.lastNumber, read: async () => snapshot.model };
}

/** The version with this provenance; failing that, whatever holds its number. */
export async function findVersion(registry: Registry, version: ModelVersion, context: FindContext): Promise<Found | undefined> {
  const snapshot = await registry.snapshot(version.model, context.signal);
  if (snapshot === undefined) return undefined;
  const source = sourceDigest(context.provenance);
  const ours = [...snapshot.versions.values()].find((there) => there.placeholder === undefined && there.source === source);
  const there = ours ?? snapshot.versions.get(version.version);
  if (there === undefined || there.placeholder !== undefined) return undefined;
  return {
    key: placed(versionKey(version.model, there.number)),
    ours: ours !== undefined,
    ...(there.mark === undefined ? {} : { mark: there.mark }),
    deleted: false,
    read: (signal) => inWordsOf(version, there.entity, { registry, signal }),
  };
}

/** The alias; it is ours when it points where it should. */
export async function findAlias(registry: Registry, alias: Alias, context: FindContext): Promise<Found | undefined> {
  const snapshot = await registry.snapshot(alias.model, context.signal);
  const version = snapshot?.aliases.get(alias.alias);
  if (version === undefined) return undefined;
  const key = placed(aliasKey(alias.model, alias.alias));
  const needs = [versionKey(alias.model, version)];
  return {
    key,
    ours: version === alias.version,
    deleted: false,
    read: async () => ({ ...alias, key, version, needs, provenance: new Map() }),
  };
}

async function loadSnapshot(reader: RegistryReader, name: string, signal: AbortSignal): Promise<ModelSnapshot | undefined> {
  const there = await reader.model(name, signal);
  if (there === undefined) return undefined;
  const versions = new Map<number, VersionThere>();
  if (!there.isPrompt) for await (const version of reader.versions(name, signal)) versions.set(version.number, version);
  const { model, isPrompt, aliases } = there;
  return { model, isPrompt, versions, aliases: new Map(aliases), lastNumber: Math.max(0, ...versions.keys()) };
}
