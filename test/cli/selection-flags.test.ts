// The selection flags: how their values are read, what is refused, and what makes two selections the same job.
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { parseSince, parseStages, parseTag, parseVersions } from "../../src/cli/selection-values.ts";
import { questionOf, selectionSchema } from "../../src/model/selection.ts";
import type { Selection } from "../../src/model/selection.ts";
import { jobSchema, listingSchema } from "../../src/report/json.ts";
import { writeBundle } from "./bundles.ts";
import { mlferryHere, tempFolder } from "./program.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");

describe("values", () => {
  test.each([
    ["latest:3", { latest: 3 }],
    ["3", { spans: [{ first: 3, last: 3 }] }],
    [
      "3, 5-7",
      {
        spans: [
          { first: 3, last: 3 },
          { first: 5, last: 7 },
        ],
      },
    ],
    ["all", "all"],
  ])("--versions %s", (text, expected) => expect(parseVersions(text)).toEqual(expected));

  test.each(["0", "7-5", "latest", "latest:0", "3,", "3-", "v3", ""])("--versions %j is refused", (text) =>
    expect(() => parseVersions(text)).toThrow(),
  );

  test("stages in any letter case, once each", () =>
    expect(parseStages("production,NONE", ["Production"])).toEqual(["Production", "None"]));

  test("tags with and without a value, the first = separates", () => {
    expect(parseTag("team=a=b", parseTag("owner"))).toEqual([{ key: "owner" }, { key: "team", value: "a=b" }]);
    expect(() => parseTag("=x")).toThrow();
  });

  test.each([
    ["2026-01-31", "2026-01-31T00:00:00Z"],
    ["2026-01-31 08:30", "2026-01-31T08:30:00Z"],
    ["2026-01-31T08:30:15.5+01:00", "2026-01-31T07:30:15.5Z"],
    ["90m", "2026-03-01T10:30:00Z"],
    ["12h", "2026-03-01T00:00:00Z"],
    ["7d", "2026-02-22T12:00:00Z"],
    ["2w", "2026-02-15T12:00:00Z"],
  ])("--since %s", (text, expected) => expect(parseSince(text, NOW)).toEqual({ asked: text, from: Date.parse(expected) }));

  test.each(["yesterday", "2026-02-30", "2026-13-01", "7", "7y", "31.1.2026", "2026-01-31T25:00", "999999999w"])(
    "--since %s is refused",
    (text) => expect(() => parseSince(text, NOW)).toThrow(expect.objectContaining({ code: "USAGE" })),
  );
});

test("a duration asks the same at any time, a filter more asks something else, and both survive a journal", () => {
  const at = (now: number): Selection => ({ models: ["a"], stages: ["None"], since: parseSince("7d", now), includeDeleted: false });
  expect(questionOf(at(NOW))).toEqual(questionOf(at(NOW + 86_400_000)));
  expect(questionOf(at(NOW))).not.toEqual(questionOf({ ...at(NOW), aliases: ["x"] }));
  expect(selectionSchema.parse(JSON.parse(JSON.stringify(at(NOW))))).toEqual(at(NOW));
  expect(selectionSchema.safeParse({ ...at(NOW), regions: ["eu"] }).success).toBe(false);
});

describe("commands", () => {
  let cwd: string;
  const run = (...args: string[]): ReturnType<typeof mlferryHere> => mlferryHere([...args, "--quiet"], { cwd });
  beforeEach(async () => {
    cwd = tempFolder();
    await writeBundle(join(cwd, "b.tar"));
  });

  test("ls tells what comes along with a version, and which aliases stay behind", async () => {
    const ran = await run("ls", "b.tar", "--models", "churn", "--versions", "1", "--json");
    const { counts, pulled_in: pulledIn, aliases_left_out: left } = listingSchema.parse(JSON.parse(ran.stdout));
    expect(counts).toMatchObject({ "registered-model": 1, "model-version": 1 });
    expect(pulledIn).toContainEqual({ kind: "run", count: 1, because: "runs of versions" });
    expect(left).toEqual(["alias:churn/prod"]);
  });

  test.each([
    [["--stages", "Live"], "give stages out of None, Staging, Production, Archived"],
    [["--versions", "x"], "give all, latest:N, or version numbers such as 3,5-7"],
    [["--since", "lately"], '--since "lately" is neither a time nor a duration'],
    [["--runs", "metrics.auc >"], 'the run filter "metrics.auc >" is refused'],
    [["--versions", "999"], "no selected model has a version 999"],
    [["--tags", "nobody=x"], "--tags nobody=x"],
    [["--version-numbers", "compact"], "keeps the version numbers of its source"],
  ])("copy refuses %j before anything is written", async (flags, expected) => {
    const ran = await run("copy", "b.tar", "c.tar", "--state", "state", ...flags);
    expect([1, 2]).toContain(ran.code);
    expect(ran.stderr).toContain(expected);
    expect(ran.stderr).toMatch(/^error: .*\nhint: .*\n$/);
    expect((await run("ls", "./c.tar")).stderr).toContain("there is no bundle at ./c.tar");
  });

  test("verify compares what the newest copy selected and says so, and everything where that is asked for", async () => {
    const copied = await run("copy", "b.tar", "c.tar", "--state", "state", "--models", "churn", "--stages", "Production", "--json");
    expect(copied.code, copied.stderr).toBe(0);
    const { by_kind: byKind } = jobSchema.parse(JSON.parse(copied.stdout)).totals;
    const same = await mlferryHere(["verify", "b.tar", "c.tar", "--state", "state"], { cwd });
    expect(same.code, same.stdout).toBe(0);
    expect(same.stderr).toMatch(
      /^using the selection of the copy of .*--stages Production.*\nto compare everything: --experiments '\*' --models '\*'\n/,
    );
    expect(byKind["model-version"]?.done).toBe(2);
    expect((await run("verify", "b.tar", "c.tar", "--state", "state", "--experiments", "*", "--models", "*")).code).toBe(4);
  });
});
