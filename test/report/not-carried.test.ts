// How kinds that are not carried are told, and what they mean for a job, where the place gave no number.
import { expect, test } from "vitest";
import { notCarriedRows } from "../../src/report/loss-text.ts";
import { isIncomplete } from "../../src/report/outcome-totals.ts";

const unseen = { what: "traces", count: 0, atLeast: true };

test("what a place does not show is named without a number", () => {
  expect(notCarriedRows([unseen, { what: "scorers", count: 3, atLeast: true, where: "a" }, { what: "webhooks", count: 0 }])).toEqual([
    ["traces", "could not be counted", ""],
    ["scorers", "at least 3", "in a"],
  ]);
});

test("a job that left out what could not be counted is not complete, unless losses are agreed to", () => {
  const whole = { notMoved: [], lost: [] };
  const known = { notCarried: [unseen], losses: [] };
  expect([isIncomplete(whole, { ...known, onLoss: "refuse" }), isIncomplete(whole, { ...known, onLoss: "drop" })]).toEqual([true, false]);
});
