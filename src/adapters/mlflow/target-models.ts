// Writes registered models and their aliases.
import { MigrationError } from "../../errors.ts";
import type { Alias, PlacedKey, RegisteredModel } from "../../model/entities.ts";
import { aliasKey, keyOf, placed, PROVENANCE } from "../../model/keys.ts";
import type { PutContext } from "../../ports/target.ts";
import { isRefusal, keyValues, provenanceTags, sourceDigest, tagChanges } from "./target-calls.ts";
import type { Calls } from "./target-calls.ts";
import { createOnce } from "./target-once.ts";
import type { ModelSnapshot, Registry } from "./target-registry.ts";

export interface ModelWriting {
  readonly calls: Calls;
  readonly registry: Registry;
}

/** Creates the model, or brings description and tags up to date. What others put on a model of theirs stays. */
export async function putModel(writing: ModelWriting, model: RegisteredModel, context: PutContext): Promise<PlacedKey> {
  const { registry } = writing;
  const { signal } = context;
  if (context.existing === undefined) await createModel(writing, model, context);
  else await updateModel(writing, model, { snapshot: await registry.required(model.name, signal), ours: context.existing.ours }, signal);
  return placed(keyOf("registered-model", model.name));
}

/** Points the alias at its version, wherever it pointed before. */
export async function putAlias({ calls, registry }: ModelWriting, alias: Alias, context: PutContext): Promise<PlacedKey> {
  const { model, version } = alias;
  await calls.post("registered-models/alias", { name: model, alias: alias.alias, version: String(version) }, context.signal);
  (await registry.required(model, context.signal)).aliases.set(alias.alias, version);
  return placed(aliasKey(model, alias.alias));
}

async function createModel({ calls, registry }: ModelWriting, model: RegisteredModel, context: PutContext): Promise<void> {
  const { signal } = context;
  const { name, description } = model;
  const source = sourceDigest(context.provenance);
  const tags = [...provenanceTags(context.provenance), ...keyValues(model.tags)];
  const ours = async (): Promise<true | undefined> => {
    registry.forget(name);
    const there = await registry.snapshot(name, signal);
    return there?.model.provenance.get(PROVENANCE.source) === source ? true : undefined;
  };
  try {
    await createOnce({
      what: `registered model ${JSON.stringify(name)}`,
      send: async () => {
        await calls.create("registered-models/create", { name, description, tags }, signal);
        registry.startEmpty(model, context.provenance);
        return true;
      },
      look: ours,
    });
  } catch (thrown) {
    if (!isRefusal(thrown, "RESOURCE_ALREADY_EXISTS")) throw thrown;
    if ((await ours()) === true) return;
    throw new MigrationError(
      "NAME_TAKEN",
      `cannot create registered model ${JSON.stringify(name)}: the target has a model or prompt of this name`,
      {
        hint: "map the model to another name",
        cause: thrown,
      },
    );
  }
}

interface ModelThere {
  readonly snapshot: ModelSnapshot;
  readonly ours: boolean;
}

async function updateModel({ calls }: ModelWriting, model: RegisteredModel, there: ModelThere, signal: AbortSignal): Promise<void> {
  const { name, description = "" } = model;
  const before = there.snapshot.model;
  // Leaving the description out would clear it.
  const describes = there.ours || description !== "";
  if (describes && (before.description ?? "") !== description) await calls.patch("registered-models/update", { name, description }, signal);
  const { set, gone } = tagChanges(before.tags, model.tags);
  for (const tag of set) await calls.post("registered-models/set-tag", { name, ...tag }, signal);
  for (const key of there.ours ? gone : []) await calls.remove("DELETE", "registered-models/delete-tag", { name, key }, signal);
  const tags = there.ours ? model.tags : new Map([...before.tags, ...model.tags]);
  there.snapshot.model = { ...before, tags, ...(describes ? { description } : {}) };
}
