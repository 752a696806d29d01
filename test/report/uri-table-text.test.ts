import { expect, test } from "vitest";
import type { UriRow } from "../../src/engine/uri-table.ts";
import { uriTableCsv, uriTableMarkdown } from "../../src/report/uri-table-text.ts";

const rows: UriRow[] = [
  { kind: "model", old: 'models:/a,"b"', new: "models:/ml.prod.a_b" },
  { kind: "version", old: "models:/x|y`z/1", note: '=HYPERLINK("http://evil") | *bold*' },
];

test("cells of a CSV are quoted where they must be, and none is a formula", () => {
  expect(uriTableCsv(rows)).toEqual([
    "kind,old,new,note",
    'model,"models:/a,""b""",models:/ml.prod.a_b,',
    'version,models:/x|y`z/1,,"\'=HYPERLINK(""http://evil"") | *bold*"',
  ]);
});

test("cells of a Markdown table do not break it", () => {
  expect(uriTableMarkdown(rows)).toEqual([
    "| kind | old | new | note |",
    "| --- | --- | --- | --- |",
    '| model | `models:/a,"b"` | `models:/ml.prod.a_b` |  |',
    '| version | `` models:/x\\|y`z/1 `` |  | =HYPERLINK("http://evil") \\| \\*bold\\* |',
  ]);
});
