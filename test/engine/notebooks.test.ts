// What is a notebook's, or a workspace's own, at a target that is a workspace too.
import { expect, it } from "vitest";
import { workspaceCapabilities } from "../../src/adapters/databricks/capabilities.ts";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import { createReconciler } from "../../src/engine/reconcile.ts";
import { createMapping } from "../../src/model/mapping.ts";
import type { MappingFile } from "../../src/model/mapping.ts";
import { experiment, run } from "./registry.ts";

const capabilities = workspaceCapabilities({ paramValueChars: 500 });
const notebook = experiment("1", { name: "/Users/a@b/churn", tags: new Map([["mlflow.experimentType", "NOTEBOOK"]]) });

const reconciled = (file: MappingFile, target = capabilities): { name: string; tags: string[]; rules: string[] } => {
  const { entity, changes } = createReconciler({ capabilities: target, mapping: createMapping(file), onLoss: "drop" }).reconcile(notebook);
  if (entity.kind !== "experiment") throw new Error("no experiment");
  return { name: entity.name, tags: [...entity.tags.keys()], rules: changes.map(({ field, rule }) => `${field}: ${rule}`) };
};

it("a notebook's experiment stands beside the notebook, under a name that says so, unless a rule names it", () => {
  expect(reconciled({})).toMatchObject({ name: "/Users/a@b/churn (runs)", tags: ["source_mlflow.experimentType"] });
  expect(reconciled({}).rules).toContain("name: the name is a notebook's, beside which the experiment stands by itself");
  expect(reconciled({ experiments: [{ from: "/Users/*", to: "/Shared/*" }] }).name).toBe("/Shared/a@b/churn");
  expect(reconciled({}, createMemory().capabilities).name).toBe("/Users/a@b/churn");
});

it("what a run says of its workspace is kept under another key", () => {
  const made = run("r", {
    tags: new Map([
      ["mlflow.databricks.notebookID", "7"],
      ["mlflow.source.name", "x"],
    ]),
  });
  const { entity } = createReconciler({ capabilities, mapping: createMapping({}), onLoss: "drop" }).reconcile(made);
  expect(entity.kind === "run" && [...entity.tags.keys()]).toEqual(["source_mlflow.databricks.notebookID", "mlflow.source.name"]);
});
