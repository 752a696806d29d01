// Writes the generated parts of the docs: docs/errors.md and docs/capabilities.md whole, and in docs/cli.md what stands between the marks. `node scripts/write-docs.ts`
import { readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { EXIT_MEANINGS } from "../src/cli/exit-codes.ts";
import { buildProgram } from "../src/cli/program.ts";
import { createSecrets } from "../src/cli/secrets.ts";
import type { Terminal } from "../src/cli/terminal.ts";
import { capabilitiesPage } from "./capability-table.ts";
import { CODES } from "../src/errors.ts";
import { diffSchema } from "../src/report/diff-json.ts";
import { lookupSchema } from "../src/report/lookup-json.ts";
import { uriTableSchema } from "../src/report/uri-table-text.ts";
import { showSchema } from "../src/report/show-json.ts";
import { doctorSchema } from "../src/report/checklist.ts";
import { workspacesSchema } from "../src/report/workspaces-json.ts";
import { statusSchema } from "../src/report/status.ts";
import { bundleCheckSchema } from "../src/report/bundle-check-json.ts";
import { errorSchema, jobSchema, listingSchema, planSchema, verifySchema } from "../src/report/json.ts";

/** A page of the docs and what it is to hold. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

/** All pages that have generated parts, as they should be; what is written by hand is taken from the files as they are. */
export function pages(): Page[] {
  return [
    { path: "docs/errors.md", text: errorsPage() },
    { path: "docs/capabilities.md", text: capabilitiesPage() },
    { path: "docs/cli.md", text: filled("docs/cli.md", { "exit codes": exitCodes(), commands: commands(), "JSON forms": jsonForms() }) },
  ];
}

/** The text of a page as it stands. */
export function readPage(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
}

function errorsPage(): string {
  const rows = Object.entries(CODES).map(([code, { exit, meaning }]) => `| \`${code}\` | ${String(exit)} | ${meaning} |`);
  return `# Errors

Every error has a code, a message of one line that says what failed and on what, and mostly a hint that says what to do next. On the
command line the code appears in the log and, with \`--json\`, as \`error.code\` on stdout; the library throws a \`MigrationError\` with it.

An error that concerns one object fails that object and what needs it, and nothing else; it appears in the report with the same codes.
The exit code in the table is that of a command which the error ends as a whole. This page is generated from \`src/errors.ts\`.

| code | exit code | meaning |
|---|---|---|
${rows.join("\n")}
`;
}

/** Replaces what stands between `<!-- generated: NAME -->` and `<!-- end -->`. */
function filled(path: string, parts: Readonly<Record<string, string>>): string {
  return Object.entries(parts).reduce((text, [name, part]) => {
    const [begin, end] = [`<!-- generated: ${name} -->`, "<!-- end -->"];
    const from = text.indexOf(begin);
    const to = text.indexOf(end, from);
    if (from < 0 || to < 0) throw new Error(`${path} has no place for ${name}`);
    return `${text.slice(0, from)}${begin}\n${part}\n${text.slice(to)}`;
  }, readPage(path));
}

function exitCodes(): string {
  return ["| code | meaning |", "|---|---|", ...EXIT_MEANINGS.map(([code, meaning]) => `| ${String(code)} | ${meaning} |`)].join("\n");
}

const WIDTH = 100;

function commands(): string {
  let written = "";
  const output = { write: (text: string) => void (written += text), isTTY: false, columns: WIDTH };
  const signals = { on: () => signals, off: () => signals } as unknown as Terminal["signals"];
  const terminal = {
    bytes: {} as Terminal["bytes"],
    stdout: output,
    stderr: output,
    env: {},
    args: [],
    version: "",
    now: () => 0,
    signals,
    secrets: createSecrets({}),
    exitCode: 0,
  };
  return buildProgram(terminal)
    .commands.map((command) => {
      written = "";
      command.outputHelp();
      return `### mlferry ${command.name()}\n\n\`\`\`text\n${written.trimEnd()}\n\`\`\`\n`;
    })
    .join("\n");
}

const FORMS: readonly (readonly [string, z.ZodType])[] = [
  ["`copy`, `export`, `import`, `apply`", jobSchema],
  ["`plan`, and the above with `--dry-run`", planSchema],
  ["`verify SRC DST`", verifySchema],
  ["`verify BUNDLE`", bundleCheckSchema],
  ["`ls`", listingSchema],
  ["`diff`", diffSchema],
  ["`show`", showSchema],
  ["`lookup`", lookupSchema],
  ["`report --uris json`", uriTableSchema],
  ["`doctor`", doctorSchema],
  ["any of these with `--workspaces`", workspacesSchema],
  ["`status`", statusSchema],
  ["any command that ends with an error", errorSchema],
];

function jsonForms(): string {
  return FORMS.map(([title, schema]) => {
    const rows = fieldRows(z.toJSONSchema(schema) as JsonSchema, "");
    return `### ${title}\n\n| field | type |\n|---|---|\n${rows.join("\n")}\n`;
  }).join("\n");
}

interface JsonSchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly oneOf?: readonly JsonSchema[];
  readonly propertyNames?: JsonSchema;
  readonly additionalProperties?: JsonSchema | boolean;
}

/** One row for each field, nested ones by their path: `steps[].key`, `totals.by_kind.<kind>`. */
function fieldRows(schema: JsonSchema, path: string): string[] {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const at = path === "" ? name : `${path}.${name}`;
    const note = [...(required.has(name) ? [] : ["may be absent"]), ...(field.description === undefined ? [] : [field.description])];
    return [`| \`${at}\` | ${[typeText(field), ...note].join("; ")} |`, ...nestedRows(field, at)];
  });
}

function nestedRows(field: JsonSchema, at: string): string[] {
  // One form for each kind: fields that several have in common are told once.
  if (field.oneOf !== undefined) return [...new Set(field.oneOf.flatMap((form) => fieldRows(form, at)))];
  if (field.items?.properties !== undefined) return fieldRows(field.items, `${at}[]`);
  const { additionalProperties: values } = field;
  if (typeof values === "object") {
    if (values.properties !== undefined) return fieldRows(values, `${at}.*`);
    return typeof values.additionalProperties === "object" ? [`| \`${at}.*\` | ${typeText(values)} |`] : [];
  }
  return field.properties === undefined ? [] : fieldRows(field, at);
}

function typeText(schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((one) => `\`${String(one)}\``).join(", ");
  if (schema.items !== undefined) return `list of ${schema.items.type === "object" ? "objects" : `${schema.items.type ?? "value"}s`}`;
  if (typeof schema.additionalProperties === "object") {
    const keys = schema.propertyNames?.enum?.map((one) => `\`${String(one)}\``).join(", ");
    return `object, ${schema.additionalProperties.type ?? "value"} by ${keys ?? "name"}`;
  }
  return schema.type ?? "value";
}

if (import.meta.main) for (const { path, text } of pages()) writeFileSync(new URL(`../${path}`, import.meta.url), text);
