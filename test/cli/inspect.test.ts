// show, diff and lookup, as their users see them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import { diffSchema } from "../../src/report/diff-json.ts";
import { lookupSchema } from "../../src/report/lookup-json.ts";
import { showSchema } from "../../src/report/show-json.ts";
import { experiment, model, ORIGIN, run, version } from "../engine/registry.ts";
import { smallSource, writeBundle } from "./bundles.ts";
import { mlferry, mlferryHere, tempFolder } from "./program.ts";
import { serve } from "./servers.ts";
import { start } from "./start.ts";

const RUN = "a".repeat(32);
/** A name and a tag that would break lines, colours and reading direction. */
const NASTY = "line\nbreak\t\u001b[31mred\u0007 \u202Etfel 🚢 模型";

async function bundles(): Promise<string> {
  const cwd = tempFolder();
  await writeBundle(join(cwd, "a.tar"));
  return cwd;
}

describe("mlferry show", () => {
  test("shows a run with its params, metrics, links and files", async () => {
    const cwd = await bundles();
    const { code, stdout, stderr } = await mlferryHere(["show", "a.tar", `runs:/${RUN}`, "--files", "--points", "--quiet"], { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(new RegExp(`^run:${RUN}  run ${RUN}\n  in  +a\\.tar\n  uri  +runs:/${RUN}\n  experiment  training \\(1\\)\n`));
    for (const line of [
      "  lr  0.1\n",
      "3 points",
      "  child         run:bbbb",
      "  logged model  logged-model:m-dddd",
      "model-version:churn/1",
    ])
      expect(stdout).toContain(line);
    expect(stdout).toContain("files (2, 11 bytes)\n  empty.txt      0 bytes\n  model/MLmodel  11 bytes");
  });

  test.each([
    [`run:${RUN}`, `run:${RUN}`],
    [RUN, `run:${RUN}`],
    [`runs:/${RUN}/model`, `run:${RUN}`],
    ["experiment:1", "experiment:1"],
    ["experiment:training", "experiment:1"],
    ["models:/churn", "registered-model:churn"],
    ["models:/churn/3", "model-version:churn/3"],
    ["models:/churn@prod", "model-version:churn/4"],
    ["models:/churn/Production", "model-version:churn/4"],
    ["models:/churn/archived", "model-version:churn/3"],
    ["models:/churn/latest", "model-version:churn/7"],
    [`models:/m-${"d".repeat(32)}`, `logged-model:m-${"d".repeat(32)}`],
    ["registered-model:churn", "registered-model:churn"],
    ["model-version:live/1", "model-version:live/1"],
    ["alias:churn/prod", "alias:churn/prod"],
  ])("understands %s, and gives %s as JSON", async (text, key) => {
    const cwd = await bundles();
    const { code, stdout } = await mlferryHere(["show", "a.tar", text, "--json", "--files"], { cwd });
    expect(code).toBe(0);
    const shown = showSchema.parse(JSON.parse(stdout));
    expect(shown.entity.key).toBe(key);
    expect(shown.notes).toEqual(text.endsWith("Production") ? ["2 versions have the stage Production: this is the highest; also 1"] : []);
  });

  test.each([
    ["models:/chrun", 'error: there is no registered-model "chrun" in a.tar\nhint: did you mean "churn"?\n'],
    ["models:/chur*", 'error: there is no registered-model "chur*" in a.tar\nhint: did you mean "churn"?\n'],
    ["models:/churn/2", 'error: there is no model-version "churn/2" in a.tar\nhint: versions that it has: 1, 3, 4, 7\n'],
    ["models:/churn@best", "hint: aliases that it has: prod\n"],
    ["models:/live@best", "hint: the model has no aliases\n"],
    ["models:/live/Production", "hint: stages that versions of it have: Staging\n"],
    ["experiment:trainin", 'hint: did you mean "training"?\n'],
    ["0".repeat(32), "hint: check the id: it may be one of another registry"],
    ["models:/two\nlines", 'error: there is no registered-model "two\\nlines" in a.tar\n'],
  ])("says of %j what may have been meant", async (key, expected) => {
    const { code, stdout, stderr } = await mlferryHere(["show", "a.tar", key, "--quiet"], { cwd: await bundles() });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(expected);
    expect(stderr.trimEnd().split("\n")).toHaveLength(2);
  });

  test("refuses what names no object, before anything is opened", async () => {
    const { code, stderr } = await mlferryHere(["show", "http://127.0.0.1:1", "junk"], { cwd: tempFolder() });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: "junk" names no object\nhint: known forms: run:ID, /);
  });

  test("lets no name or value out of its line", async () => {
    const cwd = tempFolder();
    const place = createMemory({ origin: ORIGIN, uri: "memory:", newIds: false });
    place.load(experiment("1", { name: NASTY }));
    place.load(run(RUN, { name: NASTY, tags: new Map([[NASTY, NASTY]]), params: new Map([["p", NASTY]]) }), { files: { [NASTY]: "x" } });
    place.load(model("m", { description: NASTY }));
    await writeBundle(join(cwd, "n.tar"), place);
    for (const key of [RUN, "experiment:1", "models:/m"]) {
      const { code, stdout } = await mlferryHere(["show", "n.tar", key, "--files", "--quiet"], { cwd });
      expect(code).toBe(0);
      // eslint-disable-next-line no-control-regex -- that is what must not be there
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202a-\u202e]/);
      expect(stdout).toContain("🚢 模型");
    }
  });
});

describe("mlferry diff", () => {
  test("prints fields as a unified diff does, and exits with 4", async () => {
    const cwd = tempFolder();
    await writeBundle(join(cwd, "a.tar"), smallSource());
    const changed = smallSource({ description: "who stays", tag: NASTY });
    changed.load(version("churn", 2));
    await writeBundle(join(cwd, "b.tar"), changed);
    const { code, stdout } = await mlferryHere(["diff", "a.tar", "b.tar"], { cwd });
    expect(code).toBe(4);
    expect(stdout.replace(/in [\d.]+ s/, "in 0 s")).toBe(
      `--- a.tar
+++ b.tar
~ run:${RUN} "run ${RUN}"
    ~ tags.note: "first" -> "line\\nbreak\\t\\u001b[31mred\\u0007 \\u202etfel 🚢 模型"
~ registered-model:churn
    ~ description: "who leaves" -> "who stays"
+ model-version:churn/2

matched 4 by key, since both places are one registry
compared 4 objects, 20 facts, 0 metric points, 2 files at level sizes in 0 s
3 differences: 0 only in the first, 1 only in the second, 2 objects differ, 2 equal
`,
    );
    const json = await mlferryHere(["diff", "b.tar", "a.tar", "--json"], { cwd });
    const report = diffSchema.parse(JSON.parse(json.stdout));
    expect(report).toMatchObject({ only_a: ["model-version:churn/2"], only_b: [], exit_code: 4 });
    expect(report.different[1]).toMatchObject({ differences: [{ field: "description", a: "who stays", b: "who leaves" }] });
  });

  test("finds a place equal to itself", async () => {
    const cwd = await bundles();
    const { code, stdout } = await mlferryHere(["diff", "a.tar", "./a.tar", "--level", "bytes", "--include-deleted"], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^matched 14 by key.*\n.*\nno differences\n$/);
  });

  test("shows of long values the part that differs, and all of it with --verbose", async () => {
    const cwd = tempFolder();
    const long = "x".repeat(3000);
    await writeBundle(join(cwd, "a.tar"), smallSource({ tag: `${long}A` }));
    await writeBundle(join(cwd, "b.tar"), smallSource({ tag: `${long}B` }));
    const { stdout } = await mlferryHere(["diff", "a.tar", "b.tar"], { cwd });
    expect(stdout).toContain(`tags.note: …"${"x".repeat(20)}A" -> …"${"x".repeat(20)}B"`);
    expect((await mlferryHere(["diff", "a.tar", "b.tar", "--verbose"], { cwd })).stdout).toContain(`"${long}A"`);
  });

  test("writes ten thousand differences as they are found, though the reader leaves", async () => {
    const cwd = tempFolder();
    for (const mark of ["a", "b"]) {
      const place = createMemory({ origin: ORIGIN, uri: "memory:", newIds: false });
      place.load(experiment("1"));
      for (let index = 0; index < 1000; index++) {
        const params = Array.from({ length: 10 }, (_, param) => [`p${String(param)}`, mark] as const);
        place.load(run(String(index).padStart(32, "0"), { params: new Map(params) }));
      }
      await writeBundle(join(cwd, `${mark}.tar`), place);
    }
    const whole = await mlferry(["diff", "a.tar", "b.tar", "--level", "metadata"], { cwd });
    expect(whole.code).toBe(4);
    expect(whole.stdout.match(/^ {4}~ params/gm)).toHaveLength(10_000);
    expect(whole.stdout).toContain("10,000 differences: 0 only in the first, 0 only in the second, 1,000 objects differ, 1 equal\n");
    const left = await mlferry(["diff", "a.tar", "b.tar", "--level", "metadata"], { cwd, onOutput: (child) => child.stdout?.destroy() });
    expect(left).toMatchObject({ code: 4, stderr: "" });
  }, 60_000);

  test("tells which place it cannot read", async () => {
    const cwd = await bundles();
    const ran = await mlferryHere(["diff", "a.tar", "http://127.0.0.1:1"], { cwd });
    expect(ran).toMatchObject({ code: 1, stdout: "" });
    expect(ran.stderr).toContain("error: cannot reach http://127.0.0.1:1");
    expect((await mlferryHere(["diff", "a.tar", "gone.tar"], { cwd })).stderr).toContain("there is no bundle at gone.tar");
    const login = await serve((_request, response) => void response.writeHead(401).end("no"));
    expect((await mlferryHere(["diff", "a.tar", login], { cwd })).code).toBe(5);
  });
});

describe("mlferry lookup", () => {
  /** A state folder that remembers an export of a.tar into b.tar under a mapping. */
  async function exported(): Promise<string> {
    const cwd = await bundles();
    const ran = await mlferryHere(["copy", "a.tar", "b.tar", "--rename-model", "churn=kept", "--include-deleted", "--quiet"], { cwd });
    expect(ran.code, ran.stderr).toBe(0);
    return cwd;
  }

  test("answers from the journal, in the form of the question, and tells what it does not know", async () => {
    const cwd = await exported();
    const args = [
      "lookup",
      "--to",
      "b.tar",
      RUN,
      `runs:/${RUN}/model`,
      "models:/gone/1",
      "junk",
      "models:/live/Staging",
      "experiment:training",
    ];
    const ran = await mlferryHere(args, { cwd });
    expect(ran.code).toBe(3);
    expect(ran.stdout).toBe(`${RUN}\t${RUN}\nruns:/${RUN}/model\truns:/${RUN}/model\n`);
    expect(ran.stderr).toBe(
      [
        "no answer for models:/gone/1: nothing is known of it",
        "no answer for junk: it has no form that names an object",
        "no answer for models:/live/Staging: a stage is no object: ask for the version or an alias",
        "no answer for experiment:training: an experiment is looked up by its id\n",
      ].join("\n"),
    );
    const json = await mlferryHere(["lookup", "--to", "b.tar", "junk", RUN, "--json", "--quiet"], { cwd });
    expect(lookupSchema.parse(JSON.parse(json.stdout)).answers).toMatchObject([{ question: "junk" }, { answer: RUN, key: `run:${RUN}` }]);
  });

  test("reads questions from stdin, a line each", async () => {
    const cwd = await exported();
    const lines = [RUN, "", "experiment:1", "two\tparts", `m-${"d".repeat(32)}`];
    const ran = await piped(["lookup", "--to", "b.tar", "-"], `${lines.join("\r\n")}\n`, cwd);
    expect(ran.code).toBe(3);
    expect(ran.stdout).toBe(`${RUN}\t${RUN}\nexperiment:1\texperiment:1\nm-${"d".repeat(32)}\tm-${"d".repeat(32)}\n`);
  });

  test("asks a bundle what it holds, without any journal", async () => {
    const cwd = await bundles();
    const state = ["--state", join(cwd, "nothing")];
    const ran = await mlferryHere(["lookup", "--in", "a.tar", "models:/churn@prod", "models:/churn/3", ...state], { cwd });
    expect(ran).toMatchObject({ code: 0, stdout: "models:/churn@prod\tmodels:/churn@prod\nmodels:/churn/3\tmodels:/churn/3\n" });
    expect(() => readFileSync(join(cwd, "nothing", "journal.sqlite"))).toThrow("ENOENT");
  });

  test("refuses what contradicts itself, and says which jobs it knows", async () => {
    const cwd = await exported();
    const refusal = async (...args: string[]): Promise<string> => (await mlferryHere(["lookup", RUN, ...args], { cwd })).stderr;
    expect(await refusal("--in", "a.tar", "--to", "b.tar")).toContain(
      "error: --in asks a place, while --from and --to choose among journals",
    );
    expect(await refusal("--reverse")).toContain("hint: add --in DST");
    expect(await refusal("--to", "http://other:5000")).toMatch(/hold no such job\nhint: they hold: a\.tar to .*b\.tar/);
    expect(await refusal("--state", join(cwd, "empty"))).toContain("hint: on a machine that ran no job, ask the target: --in DST");
  });
});

function piped(args: readonly string[], input: string, cwd: string): Promise<{ code: number | null; stdout: string }> {
  const main = join(import.meta.dirname, "../../src/cli/main.ts");
  return start(process.execPath, [main, ...args, "--state", join(cwd, "state", "mlferry")], cwd, input);
}
