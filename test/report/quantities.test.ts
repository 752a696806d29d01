import { expect, test } from "vitest";
import { bytesText, countOf, countText, durationText } from "../../src/report/quantities.ts";
import { cut, shown, table, widthOf } from "../../src/report/table.ts";

test.each([
  [0, "0"],
  [999, "999"],
  [1000, "1,000"],
  [1_234_567, "1,234,567"],
])("counts %i as %s", (count, text) => expect(countText(count)).toBe(text));

test("a noun follows its count", () => {
  expect([countOf(1, "file"), countOf(2, "file"), countOf(2, "alias", "aliases")]).toEqual(["1 file", "2 files", "2 aliases"]);
});

test.each([
  [0, "0 bytes"],
  [1, "1 byte"],
  [1023, "1,023 bytes"],
  [1024, "1.0 KiB"],
  [1536, "1.5 KiB"],
  [10 * 1024, "10 KiB"],
  [1023 * 1024, "1.0 MiB"],
  [5.5 * 1024 ** 3, "5.5 GiB"],
  [2 * 1024 ** 5, "2.0 PiB"],
  [3000 * 1024 ** 5, "3000 PiB"],
])("writes %d bytes as %s", (bytes, text) => expect(bytesText(bytes)).toBe(text));

test.each([
  [-5, "0.0 s"],
  [420, "0.4 s"],
  [9949, "9.9 s"],
  [9951, "10 s"],
  [59_499, "59 s"],
  [185_000, "3 min 5 s"],
  [7_800_000, "2 h 10 min"],
  [273_600_000, "3 d 4 h"],
])("writes %d ms as %s", (ms, text) => expect(durationText(ms)).toBe(text));

test("foreign text cannot steer a terminal or break a line", () => {
  expect(shown("a\nb\r\tc\u001b[31m\u0007\u202e\u2028\\x")).toBe("a\\nb\\r\\tc\\u001b[31m\\u0007\\u202e\\u2028\\x");
  expect(shown("größe 模型 🚀")).toBe("größe 模型 🚀");
});

test("cuts by columns, and wide characters take two", () => {
  expect(widthOf("模型a")).toBe(5);
  expect([cut("abcdef", 6), cut("abcdef", 4), cut("模型模型", 6), cut("模型", 4)]).toEqual(["abcdef", "abc…", "模型…", "模型"]);
});

test("a table is as wide as its cells, and aligned", () => {
  expect(
    table(
      [
        ["a", "1", "x"],
        ["long", "10", ""],
      ],
      { indent: "  ", right: [1] },
    ),
  ).toEqual(["  a      1  x", "  long  10"]);
});

test("a table that is too wide gives up its widest flexible columns first, down to eight", () => {
  const row = ["key", "a".repeat(30), "b".repeat(10)];
  expect(table([row], { width: 30, flexible: [0, 1, 2] })).toEqual([`key  ${"a".repeat(12)}…  ${"b".repeat(10)}`]);
  expect(table([row], { width: 10, flexible: [0, 1, 2] })).toEqual(["key  aaaaaaa…  bbbbbbb…"]);
  expect(table([["an object's key", "a".repeat(30)]], { width: 20, flexible: [0, 1] })).toEqual(["an object…  aaaaaaa…"]);
});
