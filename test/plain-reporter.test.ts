import { describe, expect, it } from "vitest";
import { closingLines } from "./plain-reporter.ts";

const passed = { name: "copies a run", state: "passed" } as const;
const failed = { name: "copies an alias", state: "failed" } as const;
const skipped = { name: "keeps stages", state: "skipped", note: "the place has no stages" } as const;

describe("the closing lines of a test run", () => {
  it("end with the counts alone on a line", () => {
    expect(closingLines([passed, passed, failed], 0)).toEqual(["2 passed, 1 failed"]);
  });

  it("count a file that does not load as a failure", () => {
    expect(closingLines([passed], 1)).toEqual(["1 passed, 1 failed"]);
  });

  it("name a skipped test with its reason", () => {
    expect(closingLines([passed, skipped], 0)).toEqual(["skipped: keeps stages: the place has no stages", "1 passed, 0 failed"]);
  });

  it("fold tests skipped for one reason into one line", () => {
    expect(closingLines([skipped, skipped], 0)).toEqual(["skipped: 2 tests: the place has no stages", "0 passed, 0 failed"]);
  });

  it("say so when a skip has no reason", () => {
    expect(closingLines([{ name: "lists files", state: "skipped" }], 0)[0]).toBe("skipped: lists files: no reason given");
  });

  it("name the suites that are left out", () => {
    expect(closingLines([passed], 0, { notRun: ["live suite"] })).toEqual(["skipped: live suite", "1 passed, 0 failed"]);
  });

  it("count a skipped test as failed where skips are refused", () => {
    const lines = closingLines([passed, skipped], 0, { refuseSkips: true });
    expect(lines).toEqual(["skipped, which counts as failed: keeps stages: the place has no stages", "1 passed, 1 failed"]);
  });
});
