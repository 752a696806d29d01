import {
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
  closeSync,
  readdirSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { bundleCheckSchema } from "../../src/report/bundle-check-json.ts";
import { jobSchema, listingSchema, planSchema, verifySchema } from "../../src/report/json.ts";
import { smallSource, writeBundle } from "./bundles.ts";
import { mlferry, mlferryHere, tempFolder } from "./program.ts";
import type { Ran } from "./program.ts";

describe("commands on bundles", () => {
  let cwd = "";
  const run = (...args: string[]): Promise<Ran> => mlferryHere(args, { cwd });

  beforeEach(async () => {
    cwd = tempFolder();
    await writeBundle(join(cwd, "b.tar"));
  });

  test("ls names experiments with their runs, and models with versions, stages and aliases", async () => {
    const ran = await run("ls", "b.tar", "--include-deleted");
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    await expect(ran.stdout).toMatchFileSnapshot("../golden/cli/ls.txt");
    const json = listingSchema.parse(JSON.parse((await run("ls", "b.tar", "--json", "--models", "live")).stdout));
    expect(json.models.map(({ name }) => name)).toEqual(["churn", "live"]);
  });

  test("export tells what moved and where the bundle lies, and the second place holds the same", async () => {
    const ran = await mlferry(["export", "b.tar", "-o", "folder", "--include-deleted"], { cwd });
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    await expect(ran.stdout.replaceAll(cwd, "FOLDER").replace(/after .*/, "after TIME")).toMatchFileSnapshot("../golden/cli/export.txt");
    expect(existsSync(join(cwd, "folder", "header.json"))).toBe(true);
    const verified = await run("verify", "b.tar", "folder", "--include-deleted", "--level", "bytes");
    expect(verified).toMatchObject({ code: 0, stderr: "" });
    expect(verified.stdout).toMatch(
      /^compared 14 objects, \d+ facts, 3 metric points, 6 files \(\d+ bytes read\) of .*\nno differences\n$/,
    );
  });

  test("the report as JSON has the documented form and names everything that was placed", async () => {
    const ran = await mlferry(["copy", "b.tar", "c.tar", "--include-deleted", "--json", "--rename-model", "*=ml.*"], { cwd });
    const json = jobSchema.parse(JSON.parse(ran.stdout));
    expect(json).toMatchObject({ report: "job", outcomes: [], losses: [], exit_code: 0, bundle: { path: join(cwd, "c.tar") } });
    expect(json.totals).toMatchObject({ objects: 14, files: 6, points: 3, states: { done: 14 } });
    expect(json.placed).toHaveLength(14);
    expect(json.bundle?.size_bytes).toBe(statSync(join(cwd, "c.tar")).size);
    const listed = listingSchema.parse(JSON.parse((await run("ls", "c.tar", "--json")).stdout));
    expect(listed.models.map(({ name }) => name)).toEqual(["ml.churn", "ml.live"]);
  });

  test("verify uses the mapping of the newest copy and says so", async () => {
    await run("copy", "b.tar", "c.tar", "--include-deleted", "--rename-model", "*=ml.*", "--drop-tag", "owner");
    const ran = await run("verify", "b.tar", "c.tar", "--include-deleted");
    expect(ran.code).toBe(0);
    expect(ran.stderr).toMatch(
      /^using the mapping of the copy of \d{4}-\d\d-\d\d \d\d:\d\d UTC: mlferry copy b\.tar c\.tar --include-deleted --rename-model /,
    );
    const elsewhere = await run("verify", "b.tar", "c.tar", "--include-deleted", "--state", "other");
    expect(elsewhere.code).toBe(4);
    const other = await run("verify", "b.tar", "c.tar", "--models", "live");
    expect(other.stderr).toContain("note: that copy had another selection than this comparison: mlferry copy");
  });

  test("verify finds what differs, and exits with 4", async () => {
    await writeBundle(join(cwd, "one.tar"), smallSource());
    await writeBundle(join(cwd, "two.tar"), smallSource({ description: "who stays", tag: "second\nline" }));
    const ran = await mlferry(["verify", "one.tar", "two.tar"], { cwd });
    expect(ran).toMatchObject({ code: 4, stderr: "" });
    await expect(ran.stdout.replace(/ in [\d.]+ s$/m, " in TIME")).toMatchFileSnapshot("../golden/cli/verify-differences.txt");
    const json = verifySchema.parse(JSON.parse((await run("verify", "one.tar", "two.tar", "--json", "--level", "metadata")).stdout));
    expect(json).toMatchObject({ level: "metadata", exit_code: 4, compared: { objects: 4, files: 0, differences: 2 } });
    expect(json.findings.map(({ key, field, found }) => [key, field, found])).toContainEqual([
      "registered-model:churn",
      "description",
      "who stays",
    ]);
  });

  test("plan tells every change and writes nothing, as does --dry-run", async () => {
    const flags = [
      "--include-deleted",
      "--rename-experiment",
      "*=from-dev/*",
      "--stage-tag",
      "Archived=lifecycle=archived",
      "--drop-tag",
      "owner",
    ];
    const ran = await run("plan", "b.tar", "c.tar", ...flags);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    await expect(ran.stdout).toMatchFileSnapshot("../golden/cli/plan.txt");
    const dry = await run("export", "b.tar", "-o", "c.tar", "--dry-run", ...flags);
    expect(dry).toEqual(ran);
    expect(readdirSync(cwd)).toEqual(["b.tar"]);
    const json = planSchema.parse(JSON.parse((await run("plan", "b.tar", "c.tar", "--json", ...flags)).stdout));
    const { facts, moved, translated, inherent, lost, refused } = json.totals.facts;
    expect(moved + translated + inherent + lost + refused).toBe(facts);
    expect(json.steps.find(({ key }) => key === "experiment:1")).toMatchObject({ action: "create", target_name: "from-dev/training" });
  });

  test("an output that is there is refused before anything is read, and replaced with --force", async () => {
    writeFileSync(join(cwd, "c.tar"), "someone's file");
    const ran = await run("export", "b.tar", "-o", "c.tar");
    expect(ran).toMatchObject({
      code: 2,
      stdout: "",
      stderr: "error: c.tar is there already\nhint: give another name, or replace it with: mlferry export --force\n",
    });
    mkdirSync(join(cwd, "photos"));
    writeFileSync(join(cwd, "photos", "one.jpg"), "");
    const folder = await run("export", "b.tar", "-o", "photos", "--force");
    expect(folder.stderr).toContain("photos is there already, and it is no bundle");
    expect((await run("export", "b.tar", "-o", "c.tar", "--force", "--quiet")).code).toBe(0);
    expect((await run("verify", "c.tar")).code).toBe(0);
    const missing = await run("export", "b.tar", "-o", "no/such/folder.tar");
    expect(missing.stderr).toContain("error: cannot write no/such/folder.tar: there is no folder");
  });

  test("a bundle is written anew after it was deleted, although the journal knows it", async () => {
    for (const _time of [1, 2]) {
      expect((await run("export", "b.tar", "-o", "c", "--include-deleted", "--quiet")).code).toBe(0);
      expect((await run("export", "c", "-o", "d.tar", "--include-deleted", "--force", "--quiet")).code).toBe(0);
      expect((await run("verify", "d.tar")).stdout).toContain("no problems");
      rmSync(join(cwd, "c"), { recursive: true });
    }
  });

  test("verify BUNDLE tells that it is whole", async () => {
    const ran = await run("verify", "b.tar");
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    await expect(ran.stdout).toMatchFileSnapshot("../golden/cli/check.txt");
    const json = bundleCheckSchema.parse(JSON.parse((await run("verify", "b.tar", "--json")).stdout));
    expect(json).toMatchObject({ bundle: "b.tar", problems: [], exit_code: 0 });
  });

  test("a cut bundle is told as damaged by every command, and what is wrong by verify", async () => {
    copyFileSync(join(cwd, "b.tar"), join(cwd, "cut.tar"));
    truncateSync(join(cwd, "cut.tar"), Math.floor(statSync(join(cwd, "b.tar")).size / 2));
    for (const args of [
      ["ls", "cut.tar"],
      ["import", "cut.tar", "c.tar"],
      ["plan", "cut.tar", "c.tar"],
    ]) {
      const ran = await run(...args);
      expect(ran).toMatchObject({ code: 1, stdout: "" });
      expect(ran.stderr).toMatch(/^error: cut\.tar is damaged: .*\nhint: list everything that is wrong with: mlferry verify cut\.tar\n$/);
    }
    const checked = await run("verify", "cut.tar");
    expect(checked.code).toBe(4);
    expect(checked.stdout).toMatch(/^problems\n {2}\S/);
  });

  test("one altered byte is found, and only the file that holds it does not move", async () => {
    const at = readFileSync(join(cwd, "b.tar")).indexOf("own bytes");
    const file = openSync(join(cwd, "b.tar"), "r+");
    writeSync(file, "X", at);
    closeSync(file);
    const checked = await run("verify", "b.tar");
    expect(checked.code).toBe(4);
    const moved = await run("copy", "b.tar", "c.tar", "--include-deleted", "--log-file", "log");
    expect(moved.code).toBe(3);
    expect(moved.stdout).toContain("not moved, and why\n  model-version:churn/7  partial");
    expect(readFileSync(join(cwd, "log"), "utf8")).toContain('"msg":"file lost"');
  });

  test("a bundle of a newer format is refused by its version", async () => {
    await run("export", "b.tar", "-o", "folder", "--quiet");
    const header = join(cwd, "folder", "header.json");
    writeFileSync(header, readFileSync(header, "utf8").replace('"version": 3', '"version": 99'));
    const ran = await run("ls", "folder");
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(
      /^error: folder has bundle format 99, and this mlferry reads up to 3\nhint: it was written by mlferry .*\n$/,
    );
  });

  test("a file that is no bundle is told so", async () => {
    writeFileSync(join(cwd, "notes.tar"), "hello");
    const ran = await run("ls", "notes.tar");
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/^error: notes\.tar is /);
  });

  test("the log holds every outcome, and the state folder is where --state says", async () => {
    await run("copy", "b.tar", "c.tar", "--include-deleted", "--log-file", "log", "--verbose", "--state", "here");
    const lines = readFileSync(join(cwd, "log"), "utf8").trimEnd().split("\n");
    const records = lines.map((line) => JSON.parse(line) as { msg: string; key?: string });
    expect(records[0]).toMatchObject({ msg: "started", command: expect.stringContaining("mlferry copy b.tar c.tar") as string });
    expect(records.filter(({ msg }) => msg === "outcome")).toHaveLength(14);
    expect(records.at(-1)).toMatchObject({ msg: "ended", exitCode: 0 });
    expect(existsSync(join(cwd, "here", "journal.sqlite"))).toBe(true);
    expect(existsSync(join(cwd, "state"))).toBe(false);
  });
});
