// Holds src to the table of its layers.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { posix, sep } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { LAYERS } from "./layers.ts";
import type { Layer } from "./layers.ts";

/** Single files that may import more than their layer. */
const FILE_MODULES: Readonly<Record<string, { readonly modules: readonly string[]; readonly reason: string }>> = {
  "src/engine/schedule.ts": { modules: ["p-limit"], reason: "the engine's only concurrency" },
};

/** Words that say nothing of what is inside; a file is named for its subject. */
const EMPTY_NAMES = /(^|[-./])(utils?|helpers?|common|misc|shared|types)(?=[-./]|$)/;

/** Members of `process` that belong to the command line: everything else gets them passed in. */
const CLI_ONLY = new Set(["exit", "env"]);

/** Path from the project's root, with its text. */
type Sources = ReadonlyMap<string, string>;

interface Import {
  readonly from: string;
  readonly specifier: string;
  /** Path from the project's root; undefined for packages and Node's modules. */
  readonly file?: string;
  readonly typeOnly: boolean;
}

function read(...folders: readonly string[]): Sources {
  const paths = folders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) => posix.join(folder, path.split(sep).join("/"))),
    );
  return new Map(paths.filter((path) => path.endsWith(".ts")).map((path) => [path, readFileSync(path, "utf8")]));
}

/** The layer of a file: its folder below src, for adapters with the place, for files directly in src their name. */
function layerOf(path: string): string {
  const [first = "", second = ""] = path.replace(/^src\//, "").split("/");
  return first === "adapters" ? `adapters/${second}` : first.replace(/\.ts$/, "");
}

function rulesOf(layer: string): Layer | undefined {
  return LAYERS[layer] ?? (layer.startsWith("adapters/") ? LAYERS["adapters/*"] : undefined);
}

function visit(path: string, text: string, onNode: (node: ts.Node) => void): void {
  const walk = (node: ts.Node): void => {
    onNode(node);
    ts.forEachChild(node, walk);
  };
  walk(ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true));
}

function importsOf(path: string, text: string): readonly Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, typeOnly: boolean): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const file = specifier.text.startsWith(".") ? { file: posix.join(posix.dirname(path), specifier.text) } : {};
    found.push({ from: path, specifier: specifier.text, typeOnly, ...file });
  };
  visit(path, text, (node) => {
    // Only a whole `import type` vanishes: `import { type X }` still loads the file.
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword);
    if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], false);
  });
  return found;
}

const allImports = (sources: Sources): readonly Import[] => [...sources].flatMap(([path, text]) => importsOf(path, text));

function wrongEdges(sources: Sources): readonly string[] {
  const unknown = [...sources.keys()].filter((path) => rulesOf(layerOf(path)) === undefined);
  const wrong = allImports(sources).filter(({ from, file, typeOnly }) => {
    const rules = rulesOf(layerOf(from));
    if (rules === undefined || file === undefined || layerOf(file) === layerOf(from)) return false;
    if (!file.startsWith("src/")) return true;
    const allowed = [...rules.imports, ...(typeOnly ? (rules.importsTypes ?? []) : [])];
    return !allowed.includes("*") && !allowed.includes(layerOf(file));
  });
  return [
    ...unknown.map((path) => `${path} is in no layer`),
    ...wrong.map(({ from, file = "" }) => `${from} imports ${file}: ${rulesOf(layerOf(from))?.reason ?? ""}`),
  ];
}

function wrongModules(sources: Sources): readonly string[] {
  const wrong = allImports(sources).filter(({ from, file, specifier }) => {
    const allowed = [...(rulesOf(layerOf(from))?.modules ?? []), ...(FILE_MODULES[from]?.modules ?? [])];
    return file === undefined && !allowed.includes(specifier) && !(specifier.startsWith("node:") && allowed.includes("node:*"));
  });
  return wrong.map(({ from, specifier }) => `${from} imports ${specifier}: not a module of its layer`);
}

/** Every cycle between files that a walk meets, types included: two files that need each other are one idea. */
function cycles(sources: Sources): readonly string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) found.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
    if (done.has(path) || trail.includes(path)) return;
    for (const { file } of importsOf(path, sources.get(path) ?? "")) if (file !== undefined) walk(file, [...trail, path]);
    done.add(path);
  };
  for (const path of sources.keys()) walk(path, []);
  return found;
}

function emptyNames(sources: Sources): readonly string[] {
  return [...sources.keys()].filter((path) => EMPTY_NAMES.test(path)).map((path) => `${path}: the name says nothing of what is inside`);
}

function processUses(sources: Sources): readonly string[] {
  const found: string[] = [];
  for (const [path, text] of sources) {
    if (layerOf(path) === "cli") continue;
    visit(path, text, (node) => {
      if (!ts.isIdentifier(node) || node.text !== "process" || isMemberName(node)) return;
      // `globalThis.process` is the global one too.
      const { parent } = ts.isPropertyAccessExpression(node.parent) && node.parent.name === node ? node.parent : node;
      const member = ts.isPropertyAccessExpression(parent) ? parent.name.text : undefined;
      if (member === undefined || CLI_ONLY.has(member))
        found.push(`${path} uses process${member === undefined ? "" : `.${member}`}: only cli may`);
    });
  }
  return found;
}

/** True for a `process` that is only a member of something else, declared or used. */
function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node && parent.expression.getText() !== "globalThis";
  const declares = ts.isMethodDeclaration(parent) || ts.isMethodSignature(parent) || ts.isPropertySignature(parent);
  return declares || ts.isPropertyAssignment(parent) || ts.isPropertyDeclaration(parent);
}

describe("src", () => {
  const sources = read("src");

  it("imports only along the layers", () => expect(wrongEdges(sources)).toEqual([]));
  it("imports only the packages and modules that its layers declare", () => expect(wrongModules(sources)).toEqual([]));
  it("has no cycle between files", () => expect(cycles(sources)).toEqual([]));
  it("reads the environment and exits in cli alone", () => expect(processUses(sources)).toEqual([]));
  it("has files named for their subject, as have the tests", () =>
    expect(emptyNames(new Map([...sources, ...read("test", "scripts", "bench")]))).toEqual([]));
  it("was really read", () => expect(importsOf("src/ports/target.ts", sources.get("src/ports/target.ts") ?? "")).not.toEqual([]));
});

describe("the architecture check", () => {
  const check = (rule: (sources: Sources) => readonly string[], files: Record<string, string>): readonly string[] =>
    rule(new Map(Object.entries(files))).map((line) => line.replace(/:.*/, ""));

  it.each([
    ["an import against the layers", "src/model/keys.ts", `import { x } from "../engine/plan.ts";`, "src/engine/plan.ts"],
    ["an adapter that knows another", "src/adapters/memory/source.ts", `export * from "../bundle/read.ts";`, "src/adapters/bundle/read.ts"],
    ["an adapter that knows the engine", "src/adapters/memory/source.ts", `await import("../../engine/plan.ts");`, "src/engine/plan.ts"],
    ["code where only types may be imported", "src/report/text.ts", `import { type X } from "../engine/plan.ts";`, "src/engine/plan.ts"],
    ["an import from outside src", "src/cli/main.ts", `import { x } from "../../test/fakes/server.ts";`, "test/fakes/server.ts"],
    ["a type taken in passing", "src/errors.ts", `let x: import("./model/keys.ts").X;`, "src/model/keys.ts"],
  ])("finds %s", (_what, from, text, file) => expect(check(wrongEdges, { [from]: text })).toEqual([`${from} imports ${file}`]));

  it("allows imports along the layers", () => {
    const report = `import type { X } from "../engine/plan.ts"; import { y } from "./html.ts";`;
    expect(check(wrongEdges, { "src/report/text.ts": report, "src/cli/main.ts": `import { z } from "../engine/plan.ts";` })).toEqual([]);
  });

  it("finds a folder that is in no layer", () =>
    expect(check(wrongEdges, { "src/extra/a.ts": "" })).toEqual(["src/extra/a.ts is in no layer"]));

  it.each([
    ["src/engine/plan.ts", "p-limit"],
    ["src/adapters/mlflow/source.ts", "tar"],
    ["src/http/client.ts", "node:fs"],
    ["src/index.ts", "zod"],
  ])("finds that %s imports %s", (from, specifier) =>
    expect(check(wrongModules, { [from]: `import x from "${specifier}";` })[0]).toContain(`imports ${specifier.split(":")[0] ?? ""}`),
  );

  it("allows a module that a layer or a file declares", () => {
    const files = { "src/engine/schedule.ts": `import p from "p-limit";`, "src/cli/main.ts": `import x from "node:tty";` };
    expect(check(wrongModules, files)).toEqual([]);
  });

  it("finds a cycle, of types too", () => {
    const files = { "src/a.ts": `import "./b.ts";`, "src/b.ts": `import type { C } from "./c.ts";`, "src/c.ts": `export * from "./a.ts";` };
    expect(check(cycles, files)).toEqual(["src/a.ts -> src/b.ts -> src/c.ts -> src/a.ts"]);
  });

  it.each([`process.exit(1);`, `const { env } = process;`, `use(globalThis.process.env.HOME);`, `process["exit"]();`])("finds %s", (text) =>
    expect(check(processUses, { "src/http/client.ts": text })).toHaveLength(1),
  );

  it("allows the process in cli, its other members everywhere, and the word as a member", () => {
    const files = { "src/cli/main.ts": `process.exit(process.env.X);`, "src/http/client.ts": `process.hrtime(); queue.process(x);` };
    expect(check(processUses, files)).toEqual([]);
  });

  it("finds names that say nothing, and only whole words", () => {
    const files = { "src/model/utils.ts": "", "src/http/string-helper.ts": "", "src/common/a.ts": "", "src/model/sharing.ts": "" };
    expect(check(emptyNames, files)).toEqual(Object.keys(files).slice(0, 3));
  });
});
