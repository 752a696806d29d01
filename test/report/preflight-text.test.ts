import { expect, test } from "vitest";
import { PREFLIGHT } from "../../src/engine/preflight-finding.ts";
import type { PreflightFinding } from "../../src/engine/preflight-finding.ts";
import { keyOf, versionKey } from "../../src/model/keys.ts";
import { preflightJson, preflightText } from "../../src/report/preflight-text.ts";

const unsigned = (name: string, owner: string): PreflightFinding => ({
  code: "SIGNATURE_MISSING",
  keys: [versionKey(name, 1)],
  message: "no inputs, no outputs",
  owner,
});

const findings: PreflightFinding[] = [
  unsigned("b", "ada"),
  unsigned("c", "bob"),
  unsigned("a", "ada"),
  { code: "NAME_ILLEGAL", keys: [keyOf("registered-model", "x y")], message: '"x y": no spaces' },
];

test("findings are told by kind, the gravest first, what a person can mend by that person, and each kind with its hint", () => {
  const lines = preflightText(
    {
      findings,
      looked: { runs: 1, loggedModels: 0, versions: 3, files: 7, bytes: 2048 },
      forecast: [{ host: "new:443", requests: 1200, ms: 15_000 }],
    },
    PREFLIGHT,
    {
      colour: false,
      columns: 200,
      verbose: false,
    },
  );
  expect(lines).toEqual([
    "stops the job: names that the target does not allow (1)",
    '  registered-model:x y  "x y": no spaces',
    `  hint: ${PREFLIGHT.NAME_ILLEGAL.hint}`,
    "",
    "versions without a signature of inputs and outputs, which clients of the target ask for (3)",
    "  ada  no inputs, no outputs  a/1, b/1",
    "  bob  no inputs, no outputs  c/1",
    `  hint: ${PREFLIGHT.SIGNATURE_MISSING.hint}`,
    "",
    "7 files (2.0 KiB) of 1 run, 3 versions would be read and written",
    "at least 1,200 requests to new:443, which take 15 s within its limits",
    "",
  ]);
});

test("nothing found is nothing said", () => {
  expect(preflightText({ findings: [] }, PREFLIGHT, { colour: false, columns: 80, verbose: false })).toEqual([]);
});

test("in JSON each finding has its severity and its hint", () => {
  const json = preflightJson({ findings: findings.slice(3) }, PREFLIGHT);
  expect(json).toEqual({
    findings: [
      {
        code: "NAME_ILLEGAL",
        severity: "stops-job",
        keys: ["registered-model:x y"],
        message: '"x y": no spaces',
        hint: PREFLIGHT.NAME_ILLEGAL.hint,
      },
    ],
  });
});
