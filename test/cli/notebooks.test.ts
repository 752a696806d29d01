// Notebooks of runs from the command line: in each command that reads a workspace, and refused where there is none.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ask } from "../databricks/place.ts";
import { startFakeDatabricks } from "../fakes/databricks/server.ts";
import type { FakeDatabricks } from "../fakes/databricks/server.ts";
import { writeBundle } from "./bundles.ts";
import { mlferryHere, tempFolder } from "./program.ts";

const exported = (fake: FakeDatabricks): number => fake.requests.filter((route) => route.endsWith("/workspace/export")).length;

/** A workspace with one run that a notebook made, and a model of all files of this run. */
async function filled(): Promise<FakeDatabricks> {
  const fake = await startFakeDatabricks();
  const send = (path: string, body: object): Promise<unknown> => ask(fake, "POST", `/api/2.0/${path}`, body);
  const content = Buffer.from("print(1)").toString("base64");
  await send("workspace/import", { path: "/Shared/train", language: "PYTHON", content });
  const { experiment_id } = (await send("mlflow/experiments/create", { name: "/Shared/training" })) as { experiment_id: string };
  const tags = [{ key: "mlflow.databricks.notebookPath", value: "/Shared/train" }];
  await send("mlflow/runs/create", { experiment_id, run_name: "a", tags });
  const [id = ""] = fake.state.runs.keys();
  fake.state.files.set(`/WorkspaceInternal/Mlflow/Artifacts/${experiment_id}/Runs/${id}/artifacts/MLmodel`, Buffer.from("flavors: {}"));
  await send("mlflow/registered-models/create", { name: "churn" });
  const source = `dbfs:/databricks/mlflow-tracking/${experiment_id}/${id}/artifacts`;
  await send("mlflow/model-versions/create", { name: "churn", source, run_id: id });
  return fake;
}

interface Here {
  readonly fake: FakeDatabricks;
  run(line: string): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

async function here(): Promise<Here & AsyncDisposable> {
  const [fake, cwd] = [await filled(), tempFolder()];
  writeFileSync(join(cwd, ".databrickscfg"), `[old]\nhost = ${fake.url}\ntoken = token\n`);
  await writeBundle(join(cwd, "other.tar"));
  return { fake, run: (line) => mlferryHere(line.split(" "), { cwd, env: { HOME: cwd } }), [Symbol.asyncDispose]: () => fake.close() };
}

test("a bundle holds them, verify and diff compare them, and a version of the whole run has none", async () => {
  await using place = await here();
  const { run } = place;
  for (const line of [
    "export databricks://old -o b.tar --notebooks source",
    "verify b.tar",
    "verify databricks://old b.tar --level bytes",
    "diff databricks://old b.tar --notebooks source --level bytes",
    "diff b.tar databricks://old --notebooks source --level bytes",
  ]) {
    const ran = await run(line);
    expect(ran.code, `${line}\n${ran.stdout}${ran.stderr}`).toBe(0);
  }
  const verified = await run("verify databricks://old b.tar");
  expect(verified.stderr).toContain("using --notebooks source of the copy");
  const [id = ""] = place.fake.state.runs.keys();
  expect((await run(`show b.tar runs:/${id} --files`)).stdout).toContain("databricks_notebook/train.py");
  const version = await run("show b.tar models:/churn/1 --files");
  expect(version.stdout).toContain("MLmodel");
  expect(version.stdout).not.toContain("databricks_notebook");
  const different = await run("diff databricks://old b.tar");
  expect(different.code).toBe(4);
  expect(different.stdout).toContain("databricks_notebook/train.py");
});

test("a saved plan and a job that is run again carry the wish", async () => {
  await using place = await here();
  const { run, fake } = place;
  for (const line of ["plan databricks://old ./b --notebooks html --out p.plan", "apply p.plan --yes", "verify ./b"]) {
    const ran = await run(line);
    expect(ran.code, `${line}\n${ran.stdout}${ran.stderr}`).toBe(0);
  }
  const [id = ""] = fake.state.runs.keys();
  expect((await run(`show ./b runs:/${id} --files`)).stdout).toContain("databricks_notebook/train.html");
});

test("nobody who does not ask for them is asked for them", async () => {
  await using place = await here();
  expect((await place.run("export databricks://old -o b.tar")).code).toBe(0);
  expect(exported(place.fake)).toBe(0);
});

test("a notebook that is gone is a named loss, and its run waits for a word", async () => {
  await using place = await here();
  place.fake.state.objects.delete("/Shared/train");
  const refused = await place.run("export databricks://old -o b.tar --notebooks source");
  expect(refused.code).toBe(3);
  expect(refused.stdout).toContain("cannot read the notebook /Shared/train");
});

test("they are refused where the source is no workspace, together with no files at all, and in an unknown form", async () => {
  await using place = await here();
  for (const [line, told] of [
    ["copy other.tar ./c --notebooks html", "--notebooks asks for notebooks of a Databricks workspace"],
    ["verify other.tar other.tar --notebooks html", "--notebooks asks for notebooks of a Databricks workspace"],
    ["diff other.tar other.tar --notebooks html", "--notebooks asks for notebooks of a Databricks workspace"],
    ["export databricks://old -o b.tar --notebooks html --no-artifacts", "contradict each other"],
    ["export databricks://old -o b.tar --notebooks dbc", "source, html, jupyter"],
  ] as const) {
    const ran = await place.run(line);
    expect(ran.code, line).toBe(2);
    expect(ran.stderr).toContain(told);
  }
});
