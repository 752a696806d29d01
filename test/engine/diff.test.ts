// Two places compared, whatever they have to do with each other.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import type { MemoryOptions, MemoryPlace } from "../../src/adapters/memory/memory.ts";
import { unityCatalogCapabilities } from "../../src/adapters/unity-catalog/capabilities.ts";
import { diff, matchPlaces } from "../../src/engine/diff.ts";
import type { Compared } from "../../src/engine/diff.ts";
import type { Level } from "../../src/engine/finding.ts";
import { MigrationError } from "../../src/errors.ts";
import { keyOf } from "../../src/model/keys.ts";
import type { MappingFile } from "../../src/model/mapping.ts";
import type { Selection } from "../../src/model/selection.ts";
import type { OriginId } from "../../src/model/entities.ts";
import { alias, collect, experiment, job, loggedModel, model, point, run, runJob, sampleSource, version } from "./registry.ts";

interface Options {
  readonly level?: Level;
  readonly selection?: Selection;
}

async function compare(a: MemoryPlace, b: MemoryPlace, { level = "bytes", selection }: Options = {}): Promise<Compared[]> {
  const one = job(a, b, selection === undefined ? {} : { selection });
  return collect(diff(await matchPlaces(one), level));
}

/** What differs, as short texts: `- key`, `+ key`, `key field: a -> b`. */
async function different(a: MemoryPlace, b: MemoryPlace, options: Options = {}): Promise<string[]> {
  return (await compare(a, b, options)).flatMap((one) => {
    if ("only" in one) return [`${one.only === "a" ? "-" : "+"} ${one.card.key}`];
    return one.differences.map(({ field, a: left, b: right, unreadable }) => {
      const values = unreadable ?? `${left ?? "(none)"} -> ${right ?? "(none)"}`;
      return `${one.pair.a} ${field}: ${values}`;
    });
  });
}

async function copyOf(
  source: MemoryPlace,
  { mapping = {}, ...options }: MemoryOptions & { mapping?: MappingFile } = {},
): Promise<MemoryPlace> {
  const target = createMemory(options);
  await runJob(job(source, target, { mapping, onLoss: "drop" }));
  return target;
}

/** The place with one object changed, as somebody else would change it there. */
async function change(place: MemoryPlace, name: string, tag: string): Promise<void> {
  for await (const entity of (await place.select({ includeDeleted: true }, new AbortController().signal)).entities(
    new AbortController().signal,
  )) {
    if (entity.kind === "run" && entity.name === name) await load(place, { ...entity, tags: new Map([...entity.tags, ["owner", tag]]) });
  }
}

/** Loading replaces points and files too, so they are taken along. */
async function load(place: MemoryPlace, entity: Parameters<MemoryPlace["load"]>[0]): Promise<void> {
  const signal = new AbortController().signal;
  if (entity.kind !== "run") return void place.load(entity);
  const points = (await collect(place.histories([entity], signal).points(entity.key))).flat();
  const files: Record<string, Uint8Array> = {};
  const reader = place.artifacts(entity, signal);
  for await (const file of reader.list()) files[file.path] = Buffer.concat(await collect(reader.open(file)));
  place.load(entity, { points, files });
}

describe("a place and its copy", () => {
  it("are equal, by provenance, in either direction and under other names, numbers of versions and ids", async () => {
    const source = sampleSource();
    const mapping = { experiments: [{ from: "*", to: "moved/*" }], models: [{ from: "churn", to: "restored" }] };
    const target = await copyOf(source, { mapping });
    expect(await different(source, target)).toEqual([]);
    expect(await different(target, source)).toEqual([]);
    const pairs = (await compare(source, target)).filter((one) => "pair" in one);
    expect(pairs.filter(({ pair }) => pair.by !== "provenance").map(({ pair }) => pair.a)).toEqual(["alias:churn/prod"]);
  });

  it("differ in exactly what was changed in one of them, and a parent's id is no difference", async () => {
    const source = sampleSource();
    const target = await copyOf(source);
    await change(target, `run ${"b".repeat(32)}`, "eve");
    expect(await different(source, target)).toEqual([`run:${"b".repeat(32)} tags.owner: (none) -> eve`]);
  });

  it("are equal where the second assigns numbers and times", async () => {
    const source = sampleSource();
    const target = await copyOf(source, { capabilities: { creationTimes: "assigned", versionNumbers: "assigned" } });
    expect(await different(source, target)).toEqual([]);
  });

  it("are matched after somebody renamed the experiment at one of them", async () => {
    const source = sampleSource();
    const target = await copyOf(source);
    for await (const entity of target.ask({ about: "names", kind: "experiment", name: "training" }, new AbortController().signal)) {
      if (entity.kind === "experiment") target.load({ ...entity, name: "renamed by hand" });
    }
    expect(await different(source, target)).toEqual([]);
  });

  it("differ where the second cannot hold what the first has", async () => {
    const source = sampleSource();
    const mapping = { models: [{ from: "*", to: "ml.prod.*" }] };
    const target = await copyOf(source, { mapping, capabilities: unityCatalogCapabilities });
    const found = await different(source, target, { level: "metadata" });
    expect(found).toContain("model-version:churn/1 stage: Production -> None");
    expect(found.filter((line) => / (name|version|createdAt): /.test(line))).toEqual([]);
  });
});

describe("two copies of a third", () => {
  it("are equal, whatever each calls the objects", async () => {
    const third = sampleSource();
    const a = await copyOf(third, { mapping: { models: [{ from: "churn", to: "a" }] }, capabilities: { creationTimes: "assigned" } });
    const b = await copyOf(third, { mapping: { models: [{ from: "churn", to: "b" }] }, capabilities: { creationTimes: "assigned" } });
    expect(await different(a, b)).toEqual([]);
  });
});

describe("two places that have nothing to do with each other", () => {
  const place = (origin: string, load: (place: MemoryPlace) => void): MemoryPlace => {
    const made = createMemory({ origin: origin as OriginId, newIds: false });
    load(made);
    return made;
  };

  it("are matched by names: experiments, models, numbers, aliases, and runs by name, start and user", async () => {
    const fill = (experimentId: string, hex: string, stage: "None" | "Staging") => (made: MemoryPlace) => {
      const home = keyOf("experiment", experimentId);
      made.load(experiment(experimentId, { name: "training", createdAt: BigInt(experimentId) }));
      made.load(run(hex.repeat(32), { name: "night", experiment: home }));
      made.load(loggedModel(`m-${hex.repeat(32)}`, { experiment: home, needs: [home], sourceRun: keyOf("run", hex.repeat(32)) }));
      made.load(model("churn"));
      const files = { owner: "run", key: keyOf("run", hex.repeat(32)), path: "m" } as const;
      made.load(version("churn", 2, { stage, run: keyOf("run", hex.repeat(32)), files }));
      made.load(alias("churn", "best", 2));
    };
    const [a, b] = [place("aa", fill("1", "a", "None")), place("bb", fill("7", "b", "Staging"))];
    expect(await different(a, b)).toEqual(["model-version:churn/2 stage: None -> Staging"]);
    const pairs = (await compare(a, b)).map((one) => ("pair" in one ? one.pair.by : one.only));
    expect(new Set(pairs)).toEqual(new Set(["name"]));
  });

  it("match runs of one name by what they hold, and the rest one to one", async () => {
    const fill = (hexes: string, rates: readonly string[]) => (made: MemoryPlace) => {
      made.load(experiment("1", { name: "training" }));
      [...hexes].forEach((hex, index) => made.load(run(hex.repeat(32), { name: "same", params: new Map([["lr", rates[index] ?? ""]]) })));
    };
    const a = place("aa", fill("123", ["0.1", "0.2", "0.3"]));
    const b = place("bb", fill("456", ["0.3", "0.5", "0.1"]));
    expect(await different(a, b)).toEqual([`run:${"2".repeat(32)} params.lr: 0.2 -> 0.5`]);
  });

  it("show what only one of them has", async () => {
    const a = place("aa", (made) => made.load(experiment("1", { name: "left" })));
    const b = place("bb", (made) => made.load(experiment("1", { name: "right" })));
    expect(await different(a, b)).toEqual(["- experiment:1", "+ experiment:1"]);
  });
});

describe("two states of one registry", () => {
  it("are matched by key, and names and times count", async () => {
    const [older, newer] = [sampleSource(), sampleSource()];
    newer.load(experiment("1", { name: "renamed", tags: new Map([["team", "risk"]]), createdAt: 5n }));
    newer.load(run("f".repeat(32)));
    expect(await different(older, newer)).toEqual([
      "experiment:1 createdAt: 1 -> 5",
      "experiment:1 name: training -> renamed",
      `+ run:${"f".repeat(32)}`,
    ]);
  });

  it("differ in points and files only at the levels that look at them", async () => {
    const [older, newer] = [sampleSource(), sampleSource()];
    const points = [point("loss", 0.5, 0n), point("loss", 0.25, 2n ** 60n)];
    newer.load(run("a".repeat(32)), { points, files: { "model/MLmodel": "FLAVORS: {}", "empty.txt": "", "new.txt": "" } });
    const key = `run:${"a".repeat(32)}`;
    const metrics = `${key} metrics/loss: 1 of 3 points, such as 1/1600000000000/NaN -> (none)`;
    expect(await different(older, newer, { level: "counts" })).toEqual([]);
    expect(await different(older, newer, { level: "metadata" })).toEqual([metrics]);
    expect(await different(older, newer, { level: "sizes" })).toEqual([metrics, `${key} files/new.txt: (none) -> there`]);
    const deep = await different(older, newer, { level: "bytes" });
    expect(deep).toHaveLength(3);
    expect(deep[1]).toMatch(/files\/model\/MLmodel: sha256:\w+ -> sha256:\w+$/);
  });
});

describe("a selection", () => {
  it("may match in one of the places only", async () => {
    const [a, b] = [sampleSource(), createMemory()];
    const found = await different(a, b, { selection: { models: ["live", "churn"], includeDeleted: false } });
    expect(found).toContain("- registered-model:live");
    expect(await different(b, a, { selection: { models: ["live"], includeDeleted: false } })).toContain("+ registered-model:live");
  });

  it("may be met by nothing in one of the places, which then counts as empty", async () => {
    const selection = { models: ["*"], stages: ["Staging"], includeDeleted: false } as const;
    const [a, b] = [sampleSource(), sampleSource()];
    b.load(version("live", 1));
    expect(await different(a, b, { selection })).toContain("- model-version:live/1");
    expect(await different(b, a, { selection })).toContain("+ model-version:live/1");
  });

  it("is refused where a pattern matches in neither", async () => {
    const selection = { models: ["live", "nobody"], includeDeleted: false };
    await expect(compare(sampleSource(), createMemory(), { selection })).rejects.toMatchObject({
      code: "NOTHING_SELECTED",
      message: 'no model of either place matches "nobody"',
    });
  });
});

describe("an object that vanishes while it is compared", () => {
  it("is told as one that cannot be compared, and hides no other", async () => {
    const [a, b] = [sampleSource(), sampleSource()];
    b.load(run("b".repeat(32), { params: new Map() }), {});
    const missing: MemoryPlace = {
      ...a,
      histories: (runs, signal) => {
        const histories = a.histories(runs, signal);
        return {
          points: (key) => {
            if (key === `run:${"a".repeat(32)}`) throw new MigrationError("NOT_FOUND", "run a is gone");
            return histories.points(key);
          },
        };
      },
    };
    const found = await different(missing, b, { level: "metadata" });
    expect(found).toContain(`run:${"a".repeat(32)} : run a is gone`);
    expect(found.some((line) => line.startsWith(`run:${"b".repeat(32)} params.lr`))).toBe(true);
  });
});

describe("diff B A", () => {
  const small = fc.constantFrom("x", "y", "z");
  const runs = fc.array(fc.record({ name: small, lr: small, home: fc.constantFrom("1", "2"), tag: small }), { maxLength: 6 });
  const registry = fc.record({ runs, versions: fc.array(fc.record({ model: small, stage: fc.boolean() }), { maxLength: 4 }) });
  type Registry = ReturnType<typeof registry.generate>["value"];

  function build(origin: string, { runs: all, versions }: Registry): MemoryPlace {
    const place = createMemory({ origin: origin as OriginId, newIds: false });
    for (const id of ["1", "2"]) place.load(experiment(id, { name: `experiment ${id}` }));
    all.forEach(({ name, lr, home, tag }, index) => {
      const experimentKey = keyOf("experiment", home);
      const id = `${origin}${String(index)}`.padEnd(32, "0");
      place.load(
        run(id, { name, experiment: experimentKey, needs: [experimentKey], params: new Map([["lr", lr]]), tags: new Map([["t", tag]]) }),
      );
    });
    const numbers = new Map<string, number>();
    for (const { model: name, stage } of versions) {
      const number = (numbers.get(name) ?? 0) + 1;
      numbers.set(name, number);
      place.load(model(name));
      place.load(version(name, number, { stage: stage ? "Production" : "None" }));
    }
    return place;
  }

  const mirrored = (all: readonly Compared[]): unknown[] =>
    all.map((one) =>
      "only" in one
        ? { only: one.only === "a" ? "b" : "a", key: one.card.key }
        : {
            a: one.pair.b,
            b: one.pair.a,
            by: one.pair.by,
            differences: one.differences.map(({ a, b, ...rest }) => ({
              ...rest,
              ...(b === undefined ? {} : { a: b }),
              ...(a === undefined ? {} : { b: a }),
            })),
          },
    );
  const straight = (all: readonly Compared[]): unknown[] =>
    all.map((one) => ("only" in one ? { only: one.only, key: one.card.key } : { ...one.pair, differences: one.differences }));
  const asSet = (all: readonly unknown[]): string[] => all.map((one) => JSON.stringify(canonical(one))).sort();

  it("is the mirror image of diff A B, for places of one origin, of two, and where one was copied into the other", async () => {
    await fc.assert(
      fc.asyncProperty(registry, registry, fc.constantFrom("same", "other", "copied"), async (left, right, relation) => {
        const a = build("aa", left);
        const b = build(relation === "same" ? "aa" : "bb", right);
        if (relation === "copied") await runJob(job(a, b, { mapping: { models: [{ from: "*", to: "from-a-*" }] } }));
        expect(asSet(mirrored(await compare(b, a)))).toEqual(asSet(straight(await compare(a, b))));
      }),
      { numRuns: 60 },
    );
  });
});

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([x], [y]) => (x < y ? -1 : 1))
      .map(([key, inner]) => [key, canonical(inner)]),
  );
}
