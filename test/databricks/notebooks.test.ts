// Notebooks as files of the runs that they made: which text, how often it is asked for, and what is told where there is none.
import { describe, expect, it } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import { createNotebooks } from "../../src/adapters/databricks/notebooks.ts";
import type { Outcome } from "../../src/engine/change.ts";
import type { Job } from "../../src/engine/job.ts";
import type { NotebookFormat } from "../../src/model/notebook.ts";
import type { Source } from "../../src/ports/source.ts";
import { startFakeDatabricks } from "../fakes/databricks/server.ts";
import type { DatabricksOptions, FakeDatabricks } from "../fakes/databricks/server.ts";
import { collect, job, runJob, verifyJob } from "../engine/registry.ts";
import { ask, connect, never, openSource } from "./place.ts";

const TRAIN = "/Shared/team/train";

async function importText(fake: FakeDatabricks, text: string, path = TRAIN): Promise<void> {
  await ask(fake, "POST", "/api/2.0/workspace/mkdirs", { path: path.slice(0, path.lastIndexOf("/")) });
  const content = Buffer.from(text).toString("base64");
  await ask(fake, "POST", "/api/2.0/workspace/import", { path, language: "PYTHON", content, overwrite: true });
}

const revisionsOf = (fake: FakeDatabricks): string[] => [...(fake.state.objects.get(TRAIN)?.revisions?.keys() ?? [])];

/** Tags of a run as the workspace sets them. */
const madeBy = (path: string, revision = ""): Record<string, string> => ({
  "mlflow.source.type": "NOTEBOOK",
  "mlflow.source.name": path,
  "mlflow.databricks.notebookPath": path,
  "mlflow.databricks.notebookID": "77",
  ...(revision === "" ? {} : { "mlflow.databricks.notebookRevisionID": revision }),
});

async function workspace(options: DatabricksOptions, runs: (fake: FakeDatabricks) => Readonly<Record<string, Record<string, string>>>) {
  const fake = await startFakeDatabricks(options);
  for (const text of ["print('first')", "print('second')"]) await importText(fake, text);
  const home = (await ask(fake, "POST", "/api/2.0/mlflow/experiments/create", { name: "/Shared/training" })) as { experiment_id: string };
  for (const [run_name, tags] of Object.entries(runs(fake))) {
    const pairs = Object.entries(tags).map(([key, value]) => ({ key, value }));
    await ask(fake, "POST", "/api/2.0/mlflow/runs/create", { experiment_id: home.experiment_id, run_name, tags: pairs });
  }
  return fake;
}

/** The source as `--notebooks` makes it. */
async function opened(fake: FakeDatabricks, format: NotebookFormat): Promise<Source> {
  const source = await openSource(fake);
  return { ...source, artifacts: source.withNotebooks?.(format) ?? source.artifacts };
}

/** Files of every run, by its name. */
async function filesIn(source: Source): Promise<Record<string, Record<string, string>>> {
  const found: Record<string, Record<string, string>> = {};
  for (const entity of await collect((await source.select({ includeDeleted: false }, never)).entities(never))) {
    if (entity.kind !== "run") continue;
    const files: Record<string, string> = (found[entity.name] = {});
    const reader = source.artifacts(entity, never);
    for await (const file of reader.list()) {
      files[file.path] = file.unreadable ?? Buffer.concat(await collect(reader.open(file))).toString();
    }
  }
  return found;
}

const exports = (fake: FakeDatabricks): number => fake.requests.filter((route) => route === "GET /api/2.0/workspace/export").length;

describe("the notebook of a run", () => {
  it("is a file of the run with its newest text, asked for once for all runs, where revisions are not told apart", async () => {
    for (const notebookRevisions of ["ignored", "refused"] as const) {
      const fake = await workspace({ rules: { notebookRevisions } }, (there) => {
        const [first = ""] = revisionsOf(there);
        return { a: madeBy(TRAIN, first), b: madeBy(TRAIN, first), c: madeBy(TRAIN), d: {} };
      });
      const source = await opened(fake, "source");
      const file = { "databricks_notebook/train.py": "print('second')" };
      expect(await filesIn(source)).toEqual({ a: file, b: file, c: file, d: {} });
      expect(exports(fake)).toBeLessThanOrEqual(3);
      await source.close();
      await fake.close();
    }
  });

  it("has the text and the name of its revision where the workspace tells these apart", async () => {
    await using fake = await workspace({ rules: { notebookRevisions: "told apart" } }, (there) => {
      const [first = "", second = ""] = revisionsOf(there);
      return { a: madeBy(TRAIN, first), b: madeBy(TRAIN, second), c: madeBy(TRAIN, first), gone: madeBy(TRAIN, "12") };
    });
    const [first = "", second = ""] = revisionsOf(fake);
    const source = await opened(fake, "source");
    const early = { [`databricks_notebook/train@${first}.py`]: "print('first')" };
    expect(await filesIn(source)).toEqual({
      a: early,
      b: { [`databricks_notebook/train@${second}.py`]: "print('second')" },
      c: early,
      gone: { "databricks_notebook/train.py": "print('second')" },
    });
    // Two texts, one question whether they are told apart, one that is gone and the newest in its place.
    expect(exports(fake)).toBe(5);
    await source.close();
  });

  it("comes as a page or for Jupyter, and is found by the source's name alone", async () => {
    const tags = { "mlflow.source.type": "NOTEBOOK", "mlflow.source.name": TRAIN };
    await using fake = await workspace({}, () => ({
      a: tags,
      local: { "mlflow.source.type": "LOCAL", "mlflow.source.name": "/tmp/x.py" },
    }));
    for (const [format, name, begin] of [
      ["html", "train.html", "<!DOCTYPE html>"],
      ["jupyter", "train.ipynb", '{"cells":'],
    ] as const) {
      const source = await opened(fake, format);
      const { a = {}, local } = await filesIn(source);
      expect(a[`databricks_notebook/${name}`]?.startsWith(begin)).toBe(true);
      expect(local).toEqual({});
      await source.close();
    }
  });

  it("is asked for by nobody who does not want it", async () => {
    await using fake = await workspace({}, () => ({ a: madeBy(TRAIN) }));
    const source = await openSource(fake);
    expect(await filesIn(source)).toEqual({ a: {} });
    expect(exports(fake)).toBe(0);
    await source.close();
  });

  it("is told as unreadable where it is gone, another's or too large, and where the run has a file of its name", async () => {
    await using fake = await workspace({}, () => ({
      gone: madeBy("/Shared/team/none"),
      hidden: madeBy("/Shared/team/secret"),
      large: madeBy("/Shared/team/large"),
      taken: madeBy(TRAIN),
    }));
    await importText(fake, "x", "/Shared/team/secret");
    await importText(fake, "x".repeat(10 * 1024 * 1024 + 1), "/Shared/team/large");
    const secret = fake.state.objects.get("/Shared/team/secret");
    if (secret !== undefined) fake.state.objects.set("/Shared/team/secret", { ...secret, owner: "other@example.com" });
    const taken = [...fake.state.runs.values()].find(({ name }) => name === "taken");
    const root = `/WorkspaceInternal/Mlflow/Artifacts/${taken?.experiment.id ?? ""}/Runs/${taken?.id ?? ""}/artifacts`;
    fake.state.files.set(`${root}/databricks_notebook/train.py`, Buffer.from("own"));
    const source = await opened(fake, "source");
    const found = await filesIn(source);
    expect(found["gone"]?.["databricks_notebook/none"]).toContain("cannot read the notebook /Shared/team/none");
    expect(found["hidden"]?.["databricks_notebook/secret"]).toContain("Read permissions");
    expect(found["large"]?.["databricks_notebook/large"]).toContain("exceeds the limit");
    expect(found["taken"]).toEqual({
      "databricks_notebook/train.py": "own",
      "databricks_notebook/train.py (notebook)": expect.stringContaining("a file of its own") as unknown,
    });
    await source.close();
  });

  it("is let go where many are held, and fetched again", async () => {
    await using fake = await workspace({}, () => ({}));
    await importText(fake, "y".repeat(3000), "/Shared/team/other");
    const { http } = await connect(fake);
    const notebooks = createNotebooks(http, "source", 4000);
    for (const path of [TRAIN, TRAIN, "/Shared/team/other", "/Shared/team/other", TRAIN]) await notebooks.fileOf({ path }, never);
    expect(exports(fake)).toBe(3);
    await Promise.all(Array.from({ length: 5 }, () => notebooks.fileOf({ path: "/Shared/team/other" }, never)));
    expect(exports(fake)).toBe(4);
    await http.close();
  });

  it("is asked for again by the next run where no answer came", async () => {
    await using fake = await workspace({}, (there) => {
      const [first = ""] = revisionsOf(there);
      return { a: madeBy(TRAIN, first), b: madeBy(TRAIN, first) };
    });
    fake.lose(/workspace\/export$/, "before", "before", "before");
    const source = await opened(fake, "source");
    expect(await filesIn(source)).toEqual({
      a: { "databricks_notebook/train": expect.stringContaining("the connection was closed") as unknown },
      b: { "databricks_notebook/train.py": "print('second')" },
    });
    await source.close();
  });
});

describe("whether a workspace tells revisions apart", () => {
  it("is asked again where no answer came, and until then no text is given as that of a revision", async () => {
    await using fake = await workspace({ rules: { notebookRevisions: "told apart" } }, () => ({}));
    const [revision = ""] = revisionsOf(fake);
    const { http } = await connect(fake);
    const notebooks = createNotebooks(http, "source");
    fake.after(2, () => fake.lose(/workspace\/export$/, "before", "before", "before"));
    expect(await notebooks.fileOf({ path: TRAIN, revision }, never)).toMatchObject({ lacking: "answer" });
    expect(await notebooks.fileOf({ path: TRAIN, revision }, never)).toMatchObject({
      file: { path: `databricks_notebook/train@${revision}.py` },
    });
    await http.close();
  });
});

describe("a copy with notebooks", () => {
  const copied = (source: Source, target: Job["target"], notebooks?: NotebookFormat): Job =>
    job(source, target, { ...(notebooks === undefined ? {} : { notebooks }), onLoss: "refuse" });
  const states = (outcomes: readonly Outcome[]): string[] =>
    outcomes.filter(({ step }) => step.source.kind === "run").map(({ state }) => state);

  it("brings them to runs that are whole without them, once, and is verified", async () => {
    await using fake = await workspace({}, () => ({ a: madeBy(TRAIN), b: {} }));
    const [plain, source, target] = [await openSource(fake), await opened(fake, "jupyter"), createMemory()];
    expect(states(await runJob(copied(plain, target)))).toEqual(["done", "done"]);
    expect(states(await runJob(copied(source, target, "jupyter"))).sort()).toEqual(["done", "skipped"]);
    expect(states(await runJob(copied(source, target, "jupyter")))).toEqual(["skipped", "skipped"]);
    // Whoever does not ask for them leaves them where they are.
    expect(states(await runJob(copied(plain, target)))).toEqual(["skipped", "skipped"]);
    const verified = await verifyJob(copied(source, target, "jupyter"));
    expect(verified.flatMap(({ findings }) => findings)).toEqual([]);
    await plain.close();
    await source.close();
  });

  it("names a notebook that is gone as a lost file of its run", async () => {
    await using fake = await workspace({}, () => ({ a: madeBy("/Shared/team/none") }));
    const [source, target] = [await opened(fake, "source"), createMemory()];
    const outcomes = await runJob(copied(source, target, "source"));
    expect(outcomes.flatMap(({ fileLosses }) => fileLosses ?? [])).toMatchObject([
      { path: "databricks_notebook/none", code: "ARTIFACT_UNREADABLE", agreed: false },
    ]);
    await source.close();
  });
});
