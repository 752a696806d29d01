// What a server of either generation holds, as measured on 3.17.2 and 2.22.5.
import { describe, expect, it } from "vitest";
import { FILE_PATH_REFUSES, mlflowCapabilities } from "../../src/adapters/mlflow/capabilities.ts";

const all = { loggedModels: true, stages: true, strictTexts: false };
const modern = mlflowCapabilities({ version: "3.17.2", features: all });
const old = mlflowCapabilities({ version: "2.22.5", features: { ...all, loggedModels: false } });

/** The texts of which the pattern is true. */
const allowed = (pattern: RegExp | undefined, texts: readonly string[]): string[] => texts.filter((text) => pattern?.test(text));

describe("an MLflow server's capabilities", () => {
  it("leave out logged models, name rules and long tags before 3.0", () => {
    expect([modern.kinds.has("logged-model"), old.kinds.has("logged-model")]).toEqual([true, false]);
    expect(old.names.registeredModel).toBeUndefined();
    expect([modern, old].map(({ tags }) => [tags.experiment?.valueChars, tags["model-version"]?.valueChars])).toEqual([
      [20_000, 100_000],
      [5000, 5000],
    ]);
  });

  it.each([
    ["2.7.0", [5000, 5000, 5000, 500]],
    ["2.16.0", [5000, 5000, 5000, 6000]],
    ["2.22.5", [5000, 5000, 8000, 6000]],
    ["3.1.4", [5000, 5000, 8000, 6000]],
    ["3.2.0rc0", [5000, 100_000, 8000, 6000]],
    ["3.15.0", [5000, 100_000, 8000, 6000]],
    ["3.16.0", [20_000, 100_000, 8000, 6000]],
    ["4.1.0", [20_000, 100_000, 8000, 6000]],
    ["3.99.0.dev0", [20_000, 100_000, 8000, 6000]],
  ])("of %s have the lengths that its release checks", (version, expected) => {
    const { tags, paramValueChars } = mlflowCapabilities({ version, features: all });
    const values = (["experiment", "registered-model", "run"] as const).map((kind) => tags[kind]?.valueChars);
    expect([...values, paramValueChars]).toEqual(expected);
  });

  it("go by what the server offers, whatever it calls itself", () => {
    const lacking = mlflowCapabilities({ version: "4.1.0", features: { loggedModels: false, stages: false, strictTexts: false } });
    expect([lacking.kinds.has("logged-model"), lacking.stages, lacking.versionFiles]).toEqual([false, false, "by-reference"]);
    expect([modern.kinds.has("logged-model"), modern.stages, modern.versionFiles]).toEqual([true, true, "by-reference"]);
    expect([old.stages, old.versionFiles]).toEqual([true, "by-free-reference"]);
  });

  it("have the widths of the database's columns where it holds texts to them", () => {
    const strict = mlflowCapabilities({ version: "3.17.2", features: { ...all, strictTexts: true } });
    const { names, tags } = strict;
    expect([strict.descriptionChars, tags["registered-model"]?.valueChars, tags["model-version"]?.valueChars]).toEqual([
      5000, 5000, 100_000,
    ]);
    expect([modern.descriptionChars, modern.textRefuses]).toEqual([undefined, undefined]);
    expect(strict.textRefuses?.pattern.test("a\0b")).toBe(true);
    for (const { pattern } of [names.experiment, names.registeredModel].flatMap((rule) => rule ?? [])) {
      expect(allowed(pattern, ["n".repeat(256), "\u{1f680}".repeat(256), "n".repeat(257), "a\0b"])).toHaveLength(2);
    }
    expect(names.registeredModel?.pattern.test("a/b")).toBe(false);
  });

  it("know names that the server refuses", () => {
    const { experiment, registeredModel, loggedModel, alias } = modern.names;
    expect(allowed(experiment?.pattern, ["", " ", "a/b:c\n", "n".repeat(500), "n".repeat(501)])).toEqual([" ", "a/b:c\n", "n".repeat(500)]);
    const models = ["", "  ", "a b", "a.b", "a/b", "a:b", "a%b#", "..", "..a", ".", "a..", "a\nb"];
    expect(allowed(registeredModel?.pattern, models)).toEqual(["a b", "a.b", "a%b#", "a..", "a\nb"]);
    expect(allowed(loggedModel?.pattern, ["", "a b", "a.b", "a/b", "a:b", "a%b", "a'b", 'a"b', "a\\b"])).toEqual(["a b", "a\\b"]);
    const aliases = ["champion", "a.b", "a b", "Latest", "v1", "V2", "v1a", "1", "ü", "-", "", "a".repeat(255), "a".repeat(256)];
    expect(allowed(alias?.pattern, aliases)).toEqual(["champion", "v1a", "1", "ü", "-", "a".repeat(255)]);
  });

  it("rewrite what a tag key must not hold", () => {
    const refuses = modern.tags.run?.keyRefuses ?? /(?!)/g;
    const rewritten = (key: string): string => key.replace(refuses, "_");
    expect(["mlflow.note.content", "ä ö", "a:b", "a/b", ".a", "a.", " a"].filter((key) => rewritten(key) !== key)).toEqual([]);
    const changed = {
      "a@b": "a_b",
      "a,(b": "a__b",
      "a\\b": "a_b",
      "a//b": "a_/b",
      "/a": "_a",
      "a/": "a_",
      "..": "_",
      "a/../b": "a/_/b",
      "a/./b": "a/_/b",
      "..a": "_a",
    };
    for (const [key, expected] of Object.entries(changed)) expect(rewritten(key)).toBe(expected);
  });

  it("refuse file paths that the artifact proxy would store under another name", () => {
    const pattern = FILE_PATH_REFUSES.pattern;
    const fine = ["a b", "q?x", "back\\slash", "ünï/日本", "100%", "a%b", "a%zz", "..dots", "trail.", "...", "C:", "sp "];
    expect(allowed(pattern, fine)).toEqual([]);
    const refused = [
      "a#b",
      "d#/x",
      "per%cent",
      "a%20b",
      "%41",
      "..%2f",
      "new\nline",
      "tab\tx",
      "del\x7f",
      "\ud800",
      "a/../b",
      "./a",
      "/a",
      "a//b",
    ];
    expect(allowed(pattern, refused)).toEqual(refused);
  });
});
