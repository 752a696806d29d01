import type { IncomingMessage, ServerResponse } from "node:http";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { openBundleSource } from "../../src/adapters/bundle/source.ts";
import { jobSchema } from "../../src/report/json.ts";
import { mlferryHere, tempFolder } from "./program.ts";
import { outlineServer, serve } from "./servers.ts";

/** A server one of whose files is missing until `mend` is called; tells the paths of runs' files that were asked for. */
async function brokenServer(): Promise<{ address: string; mend: () => void; asked: () => string[] }> {
  let broken = true;
  let asked: string[] = [];
  const whole = outlineServer();
  const address = await serve((request: IncomingMessage, response: ServerResponse) => {
    const url = request.url ?? "";
    const run = /([a-d])\1{31}/.exec(url)?.[0] ?? "";
    if (url.includes("/artifacts/list")) {
      const files = [{ path: "note.txt", is_dir: false, file_size: 5 }];
      response.writeHead(200, { "content-type": "application/json" });
      return void response.end(JSON.stringify({ root_uri: `mlflow-artifacts:/1/${run}/artifacts`, files }));
    }
    if (url.includes("note.txt")) asked.push(run.slice(0, 1));
    if (broken && run.startsWith("b") && url.includes("note.txt")) response.writeHead(404).end("{}");
    else whole(request, response);
  });
  return {
    address,
    mend: () => void (broken = false),
    asked: () => {
      const before = asked.sort();
      asked = [];
      return before;
    },
  };
}

const bundles = (cwd: string): string[] => readdirSync(cwd).filter((name) => name !== "state");

test.each(["b.tar", "folder"])("an export that lacked a file is completed by the same command (%s)", async (name) => {
  const cwd = tempFolder();
  const { address, mend, asked } = await brokenServer();
  const command = ["export", address, "-o", name];
  const first = await mlferryHere(command, { cwd });
  expect(first.code).toBe(3);
  expect(first.stdout).toContain("not moved, and why");
  expect(new Set(asked())).toEqual(new Set(["a", "b", "c", "d"]));

  const second = await mlferryHere([...command, "--json"], { cwd });
  expect(second.code).toBe(3);
  expect(jobSchema.parse(JSON.parse(second.stdout)).totals.states).toMatchObject({ skipped: 4, partial: 1, done: 0 });
  expect(new Set(asked())).toEqual(new Set(["b"]));

  mend();
  const third = await mlferryHere([...command, "--json"], { cwd });
  expect(third).toMatchObject({ code: 0, stderr: "" });
  expect(jobSchema.parse(JSON.parse(third.stdout)).totals).toMatchObject({ files: 1, states: { skipped: 4, done: 1 } });
  expect(asked()).toEqual(["b"]);
  const source = await openBundleSource(join(cwd, name));
  await source.close();
  expect(source.manifest.losses).toEqual([]);
  expect((await mlferryHere(["verify", address, name, "--level", "bytes"], { cwd })).stdout).toContain("no differences");
  expect(bundles(cwd)).toEqual([name]);

  const fourth = await mlferryHere(command, { cwd });
  expect(fourth).toMatchObject({
    code: 2,
    stderr:
      `error: ${name} is there already\n` +
      `hint: finished by: mlferry export ${address} -o ${name} --json; give another name, or replace it with: mlferry export --force\n`,
  });
});

test("an export that was killed while it completed a bundle is completed by the same command", async () => {
  const cwd = tempFolder();
  const { address, mend } = await brokenServer();
  const command = ["export", address, "-o", "b.tar"];
  expect((await mlferryHere(command, { cwd })).code).toBe(3);
  mend();
  // What a job that was killed leaves in the journal.
  const journal = new DatabaseSync(join(cwd, "state", "mlferry", "journal.sqlite"));
  journal.exec("UPDATE job SET state = 'running'");
  journal.close();
  expect(await mlferryHere(command, { cwd })).toMatchObject({ code: 0, stderr: "" });
  expect((await mlferryHere(command, { cwd })).code).toBe(2);
});

test("an export that lacked a file is not completed by another command, which is told the right one", async () => {
  const cwd = tempFolder();
  const { address, mend } = await brokenServer();
  expect((await mlferryHere(["export", address, "-o", "b.tar"], { cwd })).code).toBe(3);
  mend();
  const other = await mlferryHere(["export", address, "-o", "b.tar", "--include-deleted"], { cwd });
  expect(other).toMatchObject({
    code: 2,
    stderr:
      "error: b.tar is there already\n" +
      `hint: complete it with: mlferry export ${address} -o b.tar; or give another name, or replace it with: mlferry export --force\n`,
  });
  const elsewhere = await mlferryHere(["export", address, "-o", "b.tar", "--state", "elsewhere"], { cwd });
  expect(elsewhere).toMatchObject({ code: 2, stderr: expect.stringContaining("hint: give another name, or replace it with") as string });
  expect((await mlferryHere(["export", address, "-o", "b.tar", "--include-deleted", "--force"], { cwd })).code).toBe(0);
});

test("an export that is refused before its first write leaves nothing behind, whatever was there", async () => {
  const cwd = tempFolder();
  const { address, mend } = await brokenServer();
  const nothing = ["export", address, "-o", "b.tar", "--models", "nonexist*"];
  expect(await mlferryHere(nothing, { cwd })).toMatchObject({ code: 2, stderr: expect.stringContaining("no model matches") as string });
  expect(bundles(cwd)).toEqual([]);
  expect((await mlferryHere(["export", address, "-o", "b.tar"], { cwd })).code).toBe(3);
  mend();
  expect((await mlferryHere([...nothing, "--force"], { cwd })).code).toBe(2);
  expect(bundles(cwd)).toEqual(["b.tar"]);
});
