// What the tests of bundles share: a folder for each test, a small registry, and its way into a bundle.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { createBundleTarget } from "../../src/adapters/bundle/target.ts";
import type { BundleTargetOptions } from "../../src/adapters/bundle/target.ts";
import type { Entity, EntityKey, OriginId } from "../../src/model/entities.ts";
import type { Selection } from "../../src/model/selection.ts";
import type { Source } from "../../src/ports/source.ts";
import type { Target } from "../../src/ports/target.ts";
import {
  alias,
  comment,
  experiment,
  idFor,
  loggedModel,
  permission,
  point,
  registeredModel,
  request,
  run,
  tags,
  transition,
  version,
  versionOf,
  webhook,
} from "../contract/builders.ts";
import { createFerry } from "../contract/context.ts";
import type { Ferry } from "../contract/context.ts";
import type { Item } from "../contract/item.ts";
import { entitiesOf, readFiles, readPoints } from "../contract/reading.ts";

export const ORIGIN = idFor("the registry that is exported") as OriginId;

export const OPTIONS: BundleTargetOptions = {
  tool: "mlferry/0.0.0-test",
  source: { uri: "http://localhost:5000", origin: ORIGIN },
  selection: { includeDeleted: true },
  created: new Date("2026-01-02T03:04:05Z"),
};

export const EVERYTHING: Selection = { includeDeleted: true };
export const never: AbortSignal = new AbortController().signal;

/** A folder that is gone after the test. */
export async function testFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "mlferry-bundle-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export function ferryTo(target: Target): Ferry {
  return createFerry(target, ORIGIN);
}

/** One object of each kind, with a file in memory's size and one in a temporary file's, a shared file, and a long text. */
export function smallRegistry(): readonly Item[] {
  const home = experiment("home", { tags: tags({ "mlflow.note.content": "for tests" }) });
  const big = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 9)) % 256);
  const dataset = { name: "iris", digest: "d1", sourceType: "http", source: "{}", profile: "long ".repeat(20_000), tags: tags({}) };
  const points = [point("loss", 0.5), point("loss", NaN, 1), point("loss", -0, 2)];
  const files = { "model/MLmodel": "flavors: {}", "model/weights.bin": big, "notes.txt": "hello" };
  const first = run("first", home, { datasets: [dataset] }, { points, files });
  const second = run("second", home, {}, { files: { "copy.txt": "hello", empty: "" }, parent: first.entity.key });
  const logged = loggedModel("logged", home, { sourceRun: first.entity.key }, { MLmodel: "flavors: {}" });
  const model = registeredModel("churn", { description: "who leaves" });
  const one = versionOf(first, 1, model, { stage: "Archived" });
  const three = version(3, model, { files: { owner: "own" } }, { MLmodel: "own" });
  const hanging = [transition(1, one), transition(2, one, { from: "Staging", to: "Archived" }), comment(1, three), request(1, three)];
  const around = [permission(model, [{ kind: "user", name: "ada", level: "CAN_EDIT" }]), webhook("ci", model)];
  return [home, first, second, logged, model, one, three, ...hanging, alias("champion", three), ...around];
}

/** Writes the items into a new bundle and finishes it. */
export async function writeBundle(
  path: string,
  items: readonly Item[] = smallRegistry(),
  options: Partial<BundleTargetOptions> = {},
): Promise<void> {
  const target = await createBundleTarget(path, { ...OPTIONS, ...options });
  await ferryTo(target).putAll(items);
  await target.finish({ losses: [], notCarried: [] });
  await target.close();
}

/** Writes all items without finishing. */
export async function leaveUnfinished(path: string, items: readonly Item[] = smallRegistry()): Promise<void> {
  const target = await createBundleTarget(path, OPTIONS);
  await ferryTo(target).putAll(items);
  await target.close();
}

/** Everything in a source, as plain values that can be compared. */
export async function contentOf(source: Source): Promise<unknown> {
  const entities = await entitiesOf(await source.select(EVERYTHING, never));
  const points = await readPoints(
    source,
    entities.filter((entity) => entity.kind === "run"),
  );
  const files = new Map<EntityKey, unknown>();
  for (const entity of entities) if (holdsFiles(entity)) files.set(entity.key, await readFiles(source, entity));
  return { entities, points, files };
}

function holdsFiles(entity: Entity): entity is Extract<Entity, { kind: "run" | "logged-model" | "model-version" }> {
  return entity.kind === "run" || entity.kind === "logged-model" || entity.kind === "model-version";
}
