// What mlferry itself reads from a served registry is what the source holds: the server loses and changes nothing.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectMlflow } from "../../src/adapters/mlflow/connect.ts";
import { createMlflowSource } from "../../src/adapters/mlflow/source.ts";
import { createPacer } from "../../src/http/pace.ts";
import type { Entity, EntityKey, LoggedModel, ModelVersion, Run } from "../../src/model/entities.ts";
import { facts, pointText } from "../../src/model/facts.ts";
import { serveRegistry } from "../../src/serve/serve.ts";
import type { RunningServer } from "../../src/serve/serve.ts";
import type { Source } from "../../src/ports/source.ts";
import { registryOf } from "../contract/sample.ts";
import { placeOf } from "./client.ts";

const signal = new AbortController().signal;
const place = placeOf(registryOf("served"));
let server: RunningServer;
let source: Source;
beforeAll(async () => {
  server = await serveRegistry(place, { port: 0 });
  const pacer = createPacer({ inFlight: 8 });
  source = createMlflowSource(await connectMlflow({ baseUrl: server.url, pacer, userAgent: "test" }, signal));
});
afterAll(async () => {
  await source.close();
  await server.close();
});

async function entitiesOf(from: Source): Promise<Map<EntityKey, Entity>> {
  const found = new Map<EntityKey, Entity>();
  const catalogue = await from.select({ includeDeleted: true }, signal);
  for await (const entity of catalogue.entities(signal)) found.set(entity.key, entity);
  return found;
}

async function pointsOf(from: Source, run: Run): Promise<string[]> {
  const points: string[] = [];
  for await (const batch of from.histories([run], signal).points(run.key)) {
    points.push(...batch.map((point) => `${point.key} ${pointText(point)}`));
  }
  return points.sort();
}

async function bytesOf(from: Source, owner: Run | LoggedModel | ModelVersion): Promise<Map<string, string>> {
  const reader = from.artifacts(owner, signal);
  const files = new Map<string, string>();
  for await (const file of reader.list()) {
    // MLflow's own servers refuse these, so mlferry does not ask for them; serve.test.ts does.
    if (file.path.includes("#")) continue;
    const chunks: Uint8Array[] = [];
    for await (const chunk of reader.open(file)) chunks.push(chunk);
    files.set(file.path, Buffer.concat(chunks).toString("base64"));
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

describe("a registry that is served and read again", () => {
  it("has every object with every fact", async () => {
    const [expected, found] = await Promise.all([entitiesOf(place), entitiesOf(source)]);
    const text = (entities: Map<EntityKey, Entity>): Record<string, unknown> =>
      Object.fromEntries(
        [...entities].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, entity]) => [key, Object.fromEntries([...facts(entity)].sort())]),
      );
    expect(text(found)).toEqual(text(expected));
  });

  it("has every metric point of every run", async () => {
    const found = await entitiesOf(source);
    for (const run of (await entitiesOf(place)).values()) {
      const other = found.get(run.key);
      if (run.kind !== "run" || other?.kind !== "run") continue;
      expect(await pointsOf(source, other), run.name).toEqual(await pointsOf(place, run));
    }
  });

  it("has every byte of every file, whatever its name", async () => {
    const found = await entitiesOf(source);
    let files = 0;
    for (const owner of (await entitiesOf(place)).values()) {
      const other = found.get(owner.key);
      if (owner.kind !== "run" && owner.kind !== "logged-model" && owner.kind !== "model-version") continue;
      if (other === undefined || other.kind !== owner.kind) continue;
      const expected = await bytesOf(place, owner);
      expect(await bytesOf(source, other), owner.key).toEqual(expected);
      files += expected.size;
    }
    expect(files).toBeGreaterThan(20);
  });
});
