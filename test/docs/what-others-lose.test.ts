import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const page = readFileSync(new URL("../../docs/what-others-lose.md", import.meta.url), "utf8");
const named = [...page.matchAll(/\| `(test\/[^`]+)`(?:: (.+?))? \|$/gm)].map(([, file = "", title]) => ({ file, title }));

test("the page names a test for every row", () => {
  const rows = page.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| elsewhere"));
  expect(named).toHaveLength(rows.length);
});

test.each(named)("$file has the test that the page names: $title", ({ file, title }) => {
  const url = new URL(`../../${file}`, import.meta.url);
  expect(existsSync(url), file).toBe(true);
  if (title !== undefined) expect(readFileSync(url, "utf8")).toContain(JSON.stringify(title).slice(1, -1));
});
