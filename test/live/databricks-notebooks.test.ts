// A run's notebook on its way out of a workspace and into another one, with the run: written and read by the clients of Databricks and MLflow.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { startFakeDatabricks } from "../fakes/databricks/server.ts";
import type { FakeDatabricks } from "../fakes/databricks/server.ts";
import { runPython } from "./leash.ts";
import { createWorkplace } from "./mlferry.ts";

it("is exported, verified with the rules of that export, and imported as a file", async () => {
  await using place = await createWorkplace();
  await using old = await startFakeDatabricks({ workspaceId: "111" });
  await using fresh = await startFakeDatabricks({ workspaceId: "222" });
  const profile = (name: string, { url }: FakeDatabricks): string => `[${name}]\nhost = ${url}\ntoken = token\n`;
  await writeFile(join(place.dir, ".databrickscfg"), profile("old", old) + profile("new", fresh));
  const asked = (fake: FakeDatabricks, what: string): Promise<unknown> =>
    runPython(join("databricks", "notebooks.py"), [what], {
      env: { HOME: place.dir, DATABRICKS_HOST: fake.url, DATABRICKS_TOKEN: "token" },
    });
  await asked(old, "seed");
  for (const args of [
    ["export", "databricks://old", "-o", "b.tar", "--notebooks", "jupyter"],
    ["verify", "databricks://old", "b.tar", "--level", "bytes"],
    ["import", "b.tar", "databricks://new", "--on-loss", "drop"],
    ["verify", "b.tar", "databricks://new", "--level", "bytes"],
  ]) {
    const ran = await place.run([...args, "--quiet"]);
    expect(ran.code, `${args.join(" ")}\n${ran.stdout}${ran.stderr}`).toBe(0);
  }
  expect(await asked(fresh, "read")).toEqual({ notebook: "databricks_notebook/train churn.ipynb", text: "print('trained')" });
});
