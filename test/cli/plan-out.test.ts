// Where a plan may be saved.
import type { ChildProcess } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { smallSource, writeBundle } from "./bundles.ts";
import { mlferry, mlferryHere, tempFolder } from "./program.ts";
import type { Ran } from "./program.ts";
import { outlineServer, serve } from "./servers.ts";

let cwd: string;
beforeEach(async () => {
  cwd = tempFolder();
  await writeBundle(join(cwd, "b.tar"), smallSource());
});

const save = (path: string): Promise<Ran> => mlferryHere(["plan", "b.tar", "c.tar", "--out", path], { cwd });

test("a plan takes the place of another plan, and of nothing else", async () => {
  for (const _time of [1, 2]) expect(await save("a.plan")).toMatchObject({ code: 0 });
  writeFileSync(join(cwd, "notes"), "mine");
  mkdirSync(join(cwd, "folder"));
  for (const path of ["notes", "folder"]) {
    const ran = await save(path);
    expect(ran).toMatchObject({
      code: 2,
      stdout: "",
      stderr: `error: ${path} is there already, and it is no plan\nhint: give another name\n`,
    });
  }
  expect(readFileSync(join(cwd, "notes"), "utf8")).toBe("mine");
  expect((await save("no/a.plan")).stderr).toContain("error: cannot write no/a.plan: there is no folder");
  expect((await save("-")).code).toBe(2);
});

test("a plan that is interrupted leaves nothing behind", async () => {
  let interrupt = (): void => undefined;
  let there: string[] = [];
  const outline = outlineServer();
  const address = await serve((request, response) => {
    if (request.url?.includes("/experiments/get-by-name") !== true) return outline(request, response);
    there = readdirSync(cwd);
    interrupt();
  });
  const onStart = (child: ChildProcess): void => void (interrupt = () => void child.kill("SIGINT"));
  const ran = await mlferry(["plan", "b.tar", address, "--experiments", "training", "--out", "a.plan"], { cwd, onStart });
  expect(ran.code, ran.stderr).toBe(130);
  expect(there.sort()).toEqual([expect.stringMatching(/^a\.plan\.[0-9a-f]{8}\.partial$/), "b.tar"]);
  expect(readdirSync(cwd)).toEqual(["b.tar"]);
});
