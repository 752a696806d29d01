import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readExpectation, unseenOf } from "../../src/cli/expectation.ts";
import { machineChecks } from "../../src/cli/machine-checks.ts";
import { checklistText } from "../../src/report/checklist.ts";
import { writeBundle } from "./bundles.ts";
import { mlferry, mlferryHere, tempFolder } from "./program.ts";
import { always, outlineServer, serve } from "./servers.ts";

const PLAIN = { columns: 100, colour: false, verbose: false };

describe("mlferry doctor", () => {
  it("tells what a bundle says of itself, and points to verify for the rest", async () => {
    const cwd = tempFolder();
    await writeBundle(join(cwd, "b.tar"));
    const ran = await mlferry(["doctor", "b.tar"], { cwd });
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stdout).toMatch(/^source b\.tar$/m);
    expect(ran.stdout).toMatch(/^ {2}ok +objects +\S/m);
    expect(ran.stdout).toContain("every byte of it: mlferry verify b.tar");
  });

  it("fails for a bundle that is damaged, and for a server that is not there, with exit code 1", async () => {
    const cwd = tempFolder();
    writeFileSync(join(cwd, "b.tar"), "no tar at all".repeat(100));
    const ran = await mlferry(["doctor", "b.tar", "http://127.0.0.1:1", "--json"], { cwd });
    expect(ran.code).toBe(1);
    const report = JSON.parse(ran.stdout) as { places: { checks: { state: string; code?: string }[] }[] };
    expect(report.places.slice(1).map(({ checks }) => checks.map(({ state, code }) => `${state} ${code ?? ""}`))).toEqual([
      ["fail BUNDLE_DAMAGED"],
      ["fail SERVER_UNREACHABLE"],
    ]);
  });

  it("ends with exit code 5 where the credentials are refused", async () => {
    const address = await serve(always(401, "application/json", "{}"));
    const ran = await mlferry(["doctor", address], { cwd: tempFolder() });
    expect(ran.code).toBe(5);
    expect(ran.stdout).toMatch(/^ {2}FAIL {2}server .*401/m);
    expect(ran.stdout).toContain("no credential was sent: set MLFLOW_TRACKING_TOKEN");
  });

  it("finds a readable server, and names what is expected of it and not visible with exit code 4", async () => {
    const address = await serve(outlineServer());
    const cwd = tempFolder();
    writeFileSync(join(cwd, "expected.csv"), 'model,versions\n"churn, ""old""",3\nchurn,1\n');
    const ran = await mlferry(["doctor", address, "--expect", "expected.csv"], { cwd });
    expect(ran.stderr).toBe("");
    expect(ran.stdout).toContain('model churn, "old", with 3 versions');
    expect(ran.code, ran.stdout).toBe(4);
  });

  it.each([
    [["doctor", "http://127.0.0.1:1", "--write-test"], "--write-test writes to DST, and none was given"],
    [["doctor", "http://127.0.0.1:1", "--expect", "bad.csv"], 'cannot read what bad.csv expects: its first line is "name;count"'],
    [["doctor", "http://127.0.0.1:1", "--expect", "bad.json"], "cannot read what bad.json expects: it is neither a listing"],
  ])("refuses %j with exit code 2", async (args, message) => {
    const cwd = tempFolder();
    mkdirSync(cwd, { recursive: true });
    writeFileSync(join(cwd, "bad.csv"), "name;count\n");
    writeFileSync(join(cwd, "bad.json"), '{"models": 3}');
    const ran = await mlferryHere(
      args.map((arg) => (arg.startsWith("bad.") ? join(cwd, arg) : arg)),
      { cwd },
    );
    expect(ran.code).toBe(2);
    expect(ran.stderr.replaceAll(`${cwd}/`, "")).toContain(message);
  });
});

describe("what is expected", () => {
  const sight = { principal: "reader", experiments: new Map([["training", 4]]), models: new Map([["churn", 2]]) };
  const unseen = (text: string): unknown[] => {
    const path = join(tempFolder(), "expected");
    writeFileSync(path, text);
    return unseenOf(readExpectation([path]), sight);
  };

  it("is fulfilled by as much or more", () => {
    expect(unseen('[{"model": "churn", "versions": 2}, {"experiment": "training", "runs": 3}, {"model": "churn"}]')).toEqual([]);
    expect(unseen("experiment,runs\r\ntraining,4\r\n")).toEqual([]);
  });

  it("is missed by what is not there, and by what has fewer", () => {
    expect(unseen("model,versions\nchurn,3\nfraud,\n")).toEqual([
      { kind: "registered-model", name: "churn", expected: 3, visible: 2 },
      { kind: "registered-model", name: "fraud", expected: undefined, visible: undefined },
    ]);
  });
});

describe("the checks of this machine", () => {
  it("fail for an old Node and for a folder that cannot be written, and look above a folder that is not there yet", () => {
    const cwd = tempFolder();
    writeFileSync(join(cwd, "file"), "");
    const checks = machineChecks("20.1.0", [
      { name: "state", path: join(cwd, "not", "yet") },
      { name: "bundle's disk", path: join(cwd, "file", "below") },
    ]);
    expect(checks.map(({ state }) => state)).toEqual(["fail", "ok", "fail"]);
  });
});

it("shows each check with its hint below it, and sums up", () => {
  const places = [
    {
      title: "source http://dev:5000",
      checks: [
        { name: "server", state: "ok", says: "MLflow 3.17.2" },
        { name: "visibility", state: "warn", says: "only what reader may read is listed", hint: "compare" },
        { name: "files", state: "fail", says: "no\u001b[31m", hint: "start it" },
      ],
    },
  ] as const;
  const unseen = [
    { kind: "experiment", name: "a", expected: 3, visible: 1 },
    { kind: "registered-model", name: "b", expected: undefined, visible: undefined },
  ] as const;
  expect(checklistText({ places, comparison: { principal: "reader", expected: 4, unseen } }, PLAIN)).toEqual([
    "source http://dev:5000",
    "  ok    server      MLflow 3.17.2",
    "  warn  visibility  only what reader may read is listed",
    "                    compare",
    "  FAIL  files       no\\u001b[31m",
    "                    start it",
    "",
    "not visible to reader",
    "  1 of 3 runs of experiment a",
    "  model b",
    "",
    "1 of 3 checks failed, 1 warning",
  ]);
});
