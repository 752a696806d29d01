import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { writeBundle } from "./bundles.ts";
import { mlferry, mlferryHere, tempFolder } from "./program.ts";

/** Runs a command that must fail; its error is on stderr in two lines, and nothing is on stdout. */
async function refusal(cwd: string, ...args: string[]): Promise<string[]> {
  const ran = await mlferryHere(args, { cwd });
  expect(ran.stdout).toBe("");
  return [String(ran.code), ...ran.stderr.trimEnd().split("\n")];
}

describe("the command line", () => {
  test("prints its version and its help", async () => {
    const cwd = tempFolder();
    expect(await mlferry(["--version"], { cwd })).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string });
    const help = await mlferry(["--help"], { cwd });
    expect(help).toMatchObject({ code: 0, stderr: "" });
    for (const command of ["copy", "export", "import", "plan", "apply", "verify", "status", "resume", "ls"])
      expect(help.stdout).toContain(`  ${command} `);
  });

  test("every command's help has examples", async () => {
    const cwd = tempFolder();
    for (const command of ["copy", "export", "import", "plan", "apply", "verify", "status", "resume", "ls"]) {
      const help = await mlferryHere([command, "--help"], { cwd });
      expect(help.code).toBe(0);
      expect(help.stdout).toMatch(new RegExp(`Examples:\n {2}mlferry ${command}[ \n]`));
    }
  });

  test("without a command it prints the help and says what is missing", async () => {
    const ran = await mlferry([], { cwd: tempFolder() });
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain("error: no command was given\nhint: mlferry --help lists the commands");
  });

  test.each([
    [["cpoy"], "error: unknown command 'cpoy'", "hint: did you mean copy?"],
    [["ls", "b.tar", "--jason"], "error: unknown option '--jason'", "hint: did you mean --json?"],
    [["copy", "only-one"], "error: missing required argument 'DST'", "hint: mlferry --help lists"],
    [["export", "http://h"], "error: required option '-o, --output <file|dir>' not specified", "hint: "],
    [
      ["ls", "b.tar", "--concurrency", "0"],
      "option '--concurrency <n>' argument '0' is invalid. give a whole number from 1 to 64",
      "hint: ",
    ],
    [["ls", "b.tar", "--rate", "fast"], "option '--rate <n>' argument 'fast' is invalid", "hint: "],
    [["plan", "a.tar", "b.tar", "--on-loss", "ask"], "Allowed choices are refuse, drop", "hint: "],
    [["verify", "a.tar", "b.tar", "--on-loss", "ask"], "Allowed choices are refuse, drop", "hint: "],
    [["verify", "a.tar", "b.tar", "--level", "deep"], "Allowed choices are counts, metadata, sizes, bytes", "hint: "],
    [["ls", "b.tar", "--quiet", "--verbose"], "option '--quiet' cannot be used with option '--verbose'", "hint: "],
  ])("refuses %j", async (args, error, hint) => {
    const [code, first = "", second = "", ...rest] = await refusal(tempFolder(), ...args);
    expect({ code, rest }).toEqual({ code: "2", rest: [] });
    expect(first).toContain(error);
    expect(first).toMatch(/^error: .*[^.]$/);
    expect(second).toContain(hint);
  });

  test.each([
    ["gopher://h", 'error: source "gopher://h" has the unknown form gopher:'],
    ["localhost:5000", "hint: did you mean http://localhost:5000? known forms: http(s)://host"],
    ["prod", 'error: source "prod" names no known place, and no file or folder is called so'],
    ["databricks", "error: no host is set for the Databricks workspace in the variables DATABRICKS_"],
    ["databricks-uc://prod", "error: there is no profile prod in "],
    ["sqlite:///mlflow.db", "sqlite is not supported in this version"],
    ["postgresql+psycopg2://h/db", "postgresql+psycopg2 is not supported in this version"],
    ["file:///mlruns", "file is not supported in this version"],
    ["http://h:5000?token=x", "error: the address of the source has a query or a fragment: http://h:5000/"],
    ["http://", "error: the source is not a valid http address"],
    ["./gone.tar", "error: there is no bundle at ./gone.tar"],
  ])("says of the location %s: %s", async (location, expected) => {
    const [, ...lines] = await refusal(tempFolder(), "ls", location);
    expect(lines.join("\n")).toContain(expected);
  });

  test("tells a folder of mlruns from a bundle", async () => {
    const cwd = tempFolder();
    mkdirSync(join(cwd, "mlruns", "0"), { recursive: true });
    const [code, error, hint] = await refusal(cwd, "ls", "mlruns");
    expect({ code, error }).toEqual({ code: "2", error: "error: mlruns is a folder, but no bundle: it holds no header.json" });
    expect(hint).toContain("serve it with mlflow server --backend-store-uri");
  });

  test("refuses a login within an address and does not repeat it", async () => {
    const cwd = tempFolder();
    for (const args of [
      ["ls", "http://ada:s3cr3t-p4ss@h:5000"],
      ["copy", "b.tar", "http://ada:s3cr3t-p4ss@h:5000", "--json"],
    ]) {
      await writeBundle(join(cwd, "b.tar")).catch(() => undefined);
      const ran = await mlferry(args, { cwd });
      expect(ran.code).toBe(2);
      expect(ran.stderr).toMatch(/^error: the address of the (source|target) holds a user name or a password\nhint: give them as MLFLOW_/);
      expect(ran.stdout + ran.stderr).not.toContain("s3cr3t");
    }
  });

  test("refuses half a login", async () => {
    const ran = await mlferry(["ls", "http://127.0.0.1:1"], { cwd: tempFolder(), env: { MLFLOW_TRACKING_USERNAME: "ada" } });
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain("error: MLFLOW_TRACKING_USERNAME is set, but MLFLOW_TRACKING_PASSWORD is not\nhint: set both, or neither");
  });

  test("with --json an error is on stdout too, whatever went wrong", async () => {
    const cwd = tempFolder();
    for (const [args, code] of [
      [["ls", "nope", "--json"], "LOCATION_UNKNOWN"],
      [["nope", "--json"], "USAGE"],
      [["ls", "./gone.tar", "--json"], "NOT_FOUND"],
    ] as const) {
      const ran = await mlferry(args, { cwd });
      const { error } = JSON.parse(ran.stdout) as { error: { code: string; message: string; exitCode: number } };
      expect({ code: error.code, exit: error.exitCode }).toEqual({ code, exit: ran.code });
      expect(ran.stderr).toContain(`error: ${error.message}`);
    }
  });

  test("refuses to copy a place onto itself", async () => {
    const cwd = tempFolder();
    await writeBundle(join(cwd, "b.tar"));
    const [code, error] = await refusal(cwd, "copy", "b.tar", "./b.tar");
    expect([code, error]).toEqual(["2", "error: source and target are the same bundle"]);
    const server = await refusal(cwd, "copy", "http://127.0.0.1:1/", "http://127.0.0.1:1");
    expect(server[1]).toBe("error: source and target are the same server");
  });

  test("export writes bundles and import reads them", async () => {
    const cwd = tempFolder();
    await writeBundle(join(cwd, "b.tar"));
    expect((await refusal(cwd, "export", "b.tar", "-o", "http://h"))[1]).toBe(
      "error: export writes bundles, and the output is a server's address",
    );
    expect((await refusal(cwd, "import", "http://h", "x"))[1]).toBe("error: import reads bundles, and the source is a server's address");
  });
});

describe("the mapping of a command", () => {
  const cases: [string, string, string][] = [
    [
      "an unknown key",
      "models:\n  - from: a\n    to: b\n    colour: red\n",
      'error: mapping map.yaml line 4 is not valid at models.0: unrecognized key: "colour"',
    ],
    [
      "a wrong type",
      "experiments:\n  - {from: 1, to: b}\n",
      "error: mapping map.yaml line 2 is not valid at experiments.0.from: invalid input: expected string",
    ],
    [
      "an unknown section",
      "# rules\nmodel:\n  - {from: a, to: b}\n",
      'error: mapping map.yaml line 3 is not valid: unrecognized key: "model"',
    ],
    ["bad YAML", "models:\n  - from: a\n   to: b\n", "error: map.yaml line 3 is not valid YAML:"],
    ["a bad expression", "models: [{from: '(', to: b, regex: true}]\n", "error: mapping rule models[0] is not a regular expression: ("],
    ["a file that is a list", "- a\n", "error: mapping map.yaml is not valid: invalid input: expected object"],
  ];
  test.each(cases)("names the line of %s", async (_what, text, expected) => {
    const cwd = tempFolder();
    await writeBundle(join(cwd, "b.tar"));
    writeFileSync(join(cwd, "map.yaml"), text);
    const [code, error] = await refusal(cwd, "plan", "b.tar", "c.tar", "--map", "map.yaml");
    expect(code).toBe("2");
    expect(error).toContain(expected);
  });

  test("tells that the file is missing", async () => {
    const cwd = tempFolder();
    await writeBundle(join(cwd, "b.tar"));
    const [code, error, hint] = await refusal(cwd, "plan", "b.tar", "c.tar", "--map", "map.yaml");
    expect([code, error, hint]).toEqual([
      "2",
      "error: the mapping file cannot be read: cannot open map.yaml: no such file or folder",
      "hint: check the path given with --map",
    ]);
  });

  test.each([
    [["--rename-model", "churn"], 'error: --rename-model "churn" is not of the form FROM=TO'],
    [["--stage-alias", "Prod=champion"], "error: mapping in the flags is not valid at stages"],
    [
      ["--stage-alias", "Production=a", "--stage-tag", "Production=b=c"],
      "error: stage Production has both a --stage-alias and a --stage-tag",
    ],
    [["--models", "[a"], 'error: pattern "[a" has an unclosed ['],
    [["--models", "gone*"], "gone*"],
    [["--experiments", "training", "--experiments", "nope"], "nope"],
    [["--rename-model", "*=one"], "would both become"],
  ])("refuses %j", async (flags, expected) => {
    const cwd = tempFolder();
    await writeBundle(join(cwd, "b.tar"));
    const ran = await mlferryHere(["copy", "b.tar", "c.tar", "--quiet", "--state", "state", ...flags], { cwd });
    expect([1, 2]).toContain(ran.code);
    expect(ran.stderr).toContain(expected);
    expect(ran.stderr).toMatch(/^error: .*\nhint: .*\n$/);
  });
});
