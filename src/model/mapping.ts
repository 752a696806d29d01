// Mapping rules: how names, stages, aliases and tags change on the way. The file's schema, its reader's checks and the rules' effects.
import { z } from "zod";
import { MigrationError } from "../errors.ts";
import type { ChannelRules } from "./conda-channels.ts";
import type { Stage } from "./entities.ts";
import { digestOf } from "./keys.ts";
import { nameInSchema, SCHEMA } from "./schema-names.ts";
import { globToRegExp } from "./selection.ts";

const rename = z.strictObject({
  from: z
    .string()
    .min(1)
    .describe("a whole name, a glob (* ? [ab], \\ before a literal one) or, with regex, an expression over the whole name"),
  to: z.string().min(1).describe("the new name; each * takes what the n-th wildcard matched, $1 what the n-th group did"),
  regex: z.boolean().optional(),
});

/** Which version gets a stage's alias when several versions of one model are in that stage. */
export const STAGE_CONFLICTS = ["newest", "refuse", "number"] as const;
export type StageConflict = (typeof STAGE_CONFLICTS)[number];

const conflict = z.enum(STAGE_CONFLICTS).optional();

const stageRule = z.union([
  z.strictObject({ alias: z.string().regex(/^[\w-]{1,255}$/, "an alias is made of letters, digits, _ and -"), conflict }),
  z.strictObject({ tag: z.string().regex(/^[^=]+=/, "write tag: KEY=VALUE") }),
]);

/** What a mapping file may hold; docs/mapping.md explains it. Unknown keys are refused. */
export const mappingSchema = z.strictObject({
  models: z.array(rename).optional(),
  schema: z.string().regex(SCHEMA, "write CATALOG.SCHEMA, without spaces and slashes").optional(),
  experiments: z.array(rename).optional(),
  stages: z
    .strictObject({ Staging: stageRule.optional(), Production: stageRule.optional(), Archived: stageRule.optional(), conflict })
    .optional(),
  aliases: z.array(rename).optional(),
  workspaces: z.array(rename).optional(),
  tables: z.array(rename).optional(),
  conda_channels: z.record(z.string().min(1), z.string().regex(/^[\w.:/@~+-]+$/, "a channel is a name or an address")).optional(),
  tags: z.array(z.strictObject({ from: z.string().min(1), drop: z.literal(true), regex: z.boolean().optional() })).optional(),
});

/** A mapping as it stands in a file. Every list: first match wins. */
export type MappingFile = z.infer<typeof mappingSchema>;
type RenameRule = NonNullable<MappingFile["models"]>[number];

export interface Renamed {
  readonly name: string;
  /** For reports: which rule did it. Undefined: no rule matched, the name stays. */
  readonly rule?: string;
}

export type StageRule = (
  { readonly alias: string; readonly conflict: StageConflict } | { readonly tag: string; readonly value: string }
) & {
  readonly rule: string;
};

/** A compiled mapping. Pure; the same input always gives the same output. */
export interface Mapping {
  model(name: string): Renamed;
  experiment(name: string): Renamed;
  alias(name: string): Renamed;
  stage(stage: Stage): StageRule | undefined;
  /** For stages whose rule does not say it. */
  readonly stageConflict: StageConflict;
  /** What a table of a feature store is called at the target. */
  table(name: string): Renamed;
  /** By conda channel, the one that takes its place. */
  readonly channels: ChannelRules;
  /** Hexadecimal: the same rules for what is in files have the same. "" where there are none. */
  readonly contentId: string;
  /** The rule that drops a tag of this key, if one does. */
  dropsTag(key: string): string | undefined;
  /** Canonical text: equal mappings have equal texts. Without the rules for workspaces, which change no object. */
  readonly canonical: string;
}

/** Checks what a YAML or JSON reader gave. Throws MAPPING_INVALID naming the place in the file and what is allowed there. */
export function parseMapping(value: unknown, where: string): MappingFile {
  const parsed = mappingSchema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const issue = tellingIssue(parsed.error.issues[0]);
  const path = issue === undefined || issue.path.length === 0 ? "" : ` at ${issue.path.join(".")}`;
  throw new MigrationError("MAPPING_INVALID", `mapping ${where} is not valid${path}: ${issue?.message.toLowerCase() ?? "unknown reason"}`, {
    hint: "known keys: models, experiments, aliases, workspaces, tables (from, to, regex), schema, conda_channels (FROM: TO), stages (Production: {alias: …, conflict: newest|refuse|number} or {tag: KEY=VALUE}), tags (from, drop: true)",
  });
}

/** Of a value that fits none of several forms: the key that none of them knows, if that is what is wrong. */
function tellingIssue(issue: z.core.$ZodIssue | undefined): z.core.$ZodIssue | undefined {
  if (issue?.code !== "invalid_union") return issue;
  const unknown = issue.errors.flat().find(({ code }) => code === "unrecognized_keys");
  return unknown === undefined ? issue : { ...unknown, path: [...issue.path, ...unknown.path] };
}

/** Compiles a mapping; flags come as a second file whose rules go first. Throws MAPPING_INVALID on a bad expression. */
export function createMapping(file: MappingFile): Mapping {
  const models = compile("models", file.models ?? []);
  const experiments = compile("experiments", file.experiments ?? []);
  const aliases = compile("aliases", file.aliases ?? []);
  const tables = compile("tables", file.tables ?? []);
  const drops = (file.tags ?? []).map((rule, index) => ({
    expression: expressionOf(rule, `tags[${index}]`),
    rule: `tags[${index}]: drop ${rule.from}`,
  }));
  return {
    model: (name) => applyOr(models, name, file.schema),
    experiment: (name) => apply(experiments, name),
    alias: (name) => apply(aliases, name),
    stage: (stage) => stageOf(file, stage),
    stageConflict: file.stages?.conflict ?? "newest",
    table: (name) => apply(tables, name),
    channels: file.conda_channels ?? {},
    contentId: contentId(file),
    dropsTag: (key) => drops.find((drop) => drop.expression.test(key))?.rule,
    canonical: JSON.stringify([
      ...[file.models ?? [], file.experiments ?? [], file.aliases ?? [], stagesText(file), file.tags ?? []],
      ...(file.schema === undefined ? [] : [{ schema: file.schema }]),
      ...(file.tables === undefined || file.tables.length === 0 ? [] : [{ tables: file.tables }]),
      ...(file.conda_channels === undefined ? [] : [{ channels: Object.entries(file.conda_channels).sort() }]),
    ]),
  };
}

function contentId({ tables = [], conda_channels: channels = {} }: MappingFile): string {
  if (tables.length === 0 && Object.keys(channels).length === 0) return "";
  return digestOf([tables, Object.entries(channels).sort()]).slice(0, 8);
}

/** What workspaces of the source are called at the target: only commands that go through several ask. Throws MAPPING_INVALID. */
export function workspaceNames(file: MappingFile): (name: string) => string {
  const rules = compile("workspaces", file.workspaces ?? []);
  return (name) => apply(rules, name).name;
}

/** Two mappings as one: rules of the first are tried before those of the second. */
export function mergeMappings(first: MappingFile, second: MappingFile): MappingFile {
  const schema = first.schema ?? second.schema;
  const channels = { ...second.conda_channels, ...first.conda_channels };
  const tables = [...(first.tables ?? []), ...(second.tables ?? [])];
  return {
    ...(Object.keys(channels).length === 0 ? {} : { conda_channels: channels }),
    ...(tables.length === 0 ? {} : { tables }),
    ...(schema === undefined ? {} : { schema }),
    models: [...(first.models ?? []), ...(second.models ?? [])],
    experiments: [...(first.experiments ?? []), ...(second.experiments ?? [])],
    aliases: [...(first.aliases ?? []), ...(second.aliases ?? [])],
    workspaces: [...(first.workspaces ?? []), ...(second.workspaces ?? [])],
    stages: { ...second.stages, ...first.stages },
    tags: [...(first.tags ?? []), ...(second.tags ?? [])],
  };
}

interface CompiledRule {
  readonly expression: RegExp;
  readonly to: string;
  readonly rule: string;
}

function compile(list: string, rules: readonly RenameRule[]): readonly CompiledRule[] {
  return rules.map((rule, index) => ({
    expression: expressionOf(rule, `${list}[${index}]`),
    to: rule.regex === true ? rule.to : starsToGroups(rule.to),
    rule: `${list}[${index}]: ${rule.from} → ${rule.to}`,
  }));
}

/** Always anchored: a rule speaks of whole names, so `sales` never touches `salesforce`. */
function expressionOf(rule: { from: string; regex?: boolean | undefined }, where: string): RegExp {
  if (rule.regex !== true) return globToRegExp(rule.from);
  try {
    return new RegExp(`^(?:${rule.from})$`, "su");
  } catch (cause) {
    throw new MigrationError("MAPPING_INVALID", `mapping rule ${where} is not a regular expression: ${rule.from}`, {
      cause,
      hint: "leave out regex: true for an exact name or a glob",
    });
  }
}

/** In a glob rule the n-th `*` of `to` stands for what the n-th wildcard matched; `$` is literal unless a digit follows. */
function starsToGroups(to: string): string {
  let group = 0;
  return to.replace(/\\(.)|\*|\$(?!\d)/g, (text, escaped: string | undefined) => {
    if (escaped !== undefined) return escaped;
    return text === "*" ? `$${++group}` : "$$";
  });
}

function apply(rules: readonly CompiledRule[], name: string): Renamed {
  for (const { expression, to, rule } of rules) {
    if (expression.test(name)) return { name: name.replace(expression, to), rule };
  }
  return { name };
}

/** Where no rule matches, a schema takes the object up. */
function applyOr(rules: readonly CompiledRule[], name: string, schema: string | undefined): Renamed {
  const renamed = apply(rules, name);
  if (renamed.rule !== undefined || schema === undefined) return renamed;
  return { name: nameInSchema(schema, name), rule: `schema: ${schema}` };
}

function stageOf(file: MappingFile, stage: Stage): StageRule | undefined {
  const rule = stage === "None" ? undefined : file.stages?.[stage];
  if (rule === undefined) return undefined;
  if ("alias" in rule) {
    const conflict = rule.conflict ?? file.stages?.conflict ?? "newest";
    return { alias: rule.alias, conflict, rule: `stages.${stage} → alias ${rule.alias}` };
  }
  const [tag = ""] = rule.tag.split("=", 1);
  return { tag, value: rule.tag.slice(tag.length + 1), rule: `stages.${stage} → tag ${rule.tag}` };
}

function stagesText(file: MappingFile): string {
  const entries = Object.entries(file.stages ?? {}).filter(([, rule]) => rule !== undefined);
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** An exact-name pattern for a name that may hold wildcard characters. */
export function literalPattern(name: string): string {
  return name.replace(/[\\*?[]/g, "\\$&");
}
