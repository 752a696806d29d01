// The mapping of a command: flags first, then the rules of a YAML file, whose mistakes are told with their line.
import { Option } from "commander";
import type { Command } from "commander";
import { MigrationError } from "../errors.ts";
import { mappingSchema, mergeMappings, parseMapping, STAGE_CONFLICTS } from "../model/mapping.ts";
import type { MappingFile, StageConflict } from "../model/mapping.ts";
import { repeatable } from "./flags.ts";
import { readYamlFile } from "./yaml-file.ts";
import type { YamlWords } from "./yaml-file.ts";

export interface MappingFlags {
  readonly map?: string;
  readonly renameModel?: readonly string[];
  readonly renameExperiment?: readonly string[];
  readonly renameAlias?: readonly string[];
  readonly renameWorkspace?: readonly string[];
  readonly toSchema?: string;
  readonly stageConflict?: StageConflict;
  readonly stageAlias?: readonly string[];
  readonly stageTag?: readonly string[];
  readonly dropTag?: readonly string[];
  readonly renameTable?: readonly string[];
  readonly condaChannels?: readonly string[];
}

export function addMappingFlags(command: Command): Command {
  return command
    .option("--map <file>", "rules for names, stages, aliases and tags (YAML, see docs/mapping.md)")
    .addOption(repeatable("--rename-model <from=to>", "rename models; * in TO stands for what * in FROM matched (repeatable)"))
    .addOption(repeatable("--rename-experiment <from=to>", "rename experiments (repeatable)"))
    .addOption(repeatable("--rename-alias <from=to>", "rename aliases (repeatable)"))
    .addOption(repeatable("--rename-workspace <from=to>", "with --workspaces: what a workspace is called at the target (repeatable)"))
    .option("--to-schema <catalog.schema>", "put models that no other rule renames into this schema, under names that are legal there")
    .addOption(repeatable("--stage-alias <stage=alias>", "turn a stage into an alias, such as Production=champion (repeatable)"))
    .addOption(repeatable("--stage-tag <stage=key=value>", "turn a stage into a tag, such as Archived=lifecycle=archived (repeatable)"))
    .addOption(
      new Option("--stage-conflict <rule>", "which of several versions in one stage gets its alias (default: newest)").choices(
        STAGE_CONFLICTS,
      ),
    )
    .addOption(repeatable("--rename-table <from=to>", "rename tables in the specifications of feature-store models (repeatable)"))
    .addOption(repeatable("--conda-channels <from=to>", "exchange channels in conda.yaml, such as defaults=conda-forge (repeatable)"))
    .addOption(repeatable("--drop-tag <glob>", "leave tags out whose key matches (repeatable)"));
}

/** Whether a command gave any rule that changes objects, in flags or as a file. */
export function hasMapping(flags: MappingFlags): boolean {
  return CHANGING.some((flag) => flags[flag] !== undefined);
}

/** All but those for workspaces, which change no object. */
const CHANGING = [
  "map",
  "toSchema",
  "renameModel",
  "renameExperiment",
  "renameAlias",
  "renameTable",
  "stageAlias",
  "stageTag",
  "stageConflict",
  "condaChannels",
  "dropTag",
] as const satisfies readonly (keyof MappingFlags)[];

/** The rules of a command, flags before those of the file. Throws MAPPING_INVALID. */
export function mappingOf(flags: MappingFlags): MappingFile {
  const rules = flagRules(flags);
  return flags.map === undefined ? rules : mergeMappings(rules, readMappingFile(flags.map));
}

/** Reads and checks a mapping file. Throws MAPPING_INVALID with the line of the first mistake. */
export function readMappingFile(path: string): MappingFile {
  const file = readYamlFile(path, WORDS);
  const issue = mappingSchema.safeParse(file.value ?? {}).error?.issues[0];
  const keys = issue !== undefined && "keys" in issue ? issue.keys.slice(0, 1) : [];
  return parseMapping(file.value, issue === undefined ? path : file.where([...issue.path, ...keys]));
}

const WORDS: YamlWords = {
  code: "MAPPING_INVALID",
  what: "mapping file",
  pathHint: "check the path given with --map",
  syntaxHint: "docs/mapping.md has an example of a mapping file",
};

function flagRules(flags: MappingFlags): MappingFile {
  const stages: Record<string, { alias: string } | { tag: string }> = {};
  for (const flag of flags.stageTag ?? []) {
    const [stage, tag] = splitRule("--stage-tag", flag, "Archived=lifecycle=archived");
    stages[stage] = { tag };
  }
  for (const flag of flags.stageAlias ?? []) {
    const [stage, alias] = splitRule("--stage-alias", flag, "Production=champion");
    if (stage in stages) throw invalidFlag(`stage ${stage} has both a --stage-alias and a --stage-tag`, "give one of the two");
    stages[stage] = { alias };
  }
  const channels = Object.fromEntries(
    (flags.condaChannels ?? []).map((flag) => splitRule("--conda-channels", flag, "defaults=conda-forge")),
  );
  const rules = {
    models: renames("--rename-model", flags.renameModel),
    experiments: renames("--rename-experiment", flags.renameExperiment),
    aliases: renames("--rename-alias", flags.renameAlias),
    workspaces: renames("--rename-workspace", flags.renameWorkspace),
    stages: { ...stages, ...(flags.stageConflict === undefined ? {} : { conflict: flags.stageConflict }) },
    ...(flags.toSchema === undefined ? {} : { schema: flags.toSchema }),
    ...(flags.renameTable === undefined ? {} : { tables: renames("--rename-table", flags.renameTable) }),
    ...(flags.condaChannels === undefined ? {} : { conda_channels: channels }),
    tags: (flags.dropTag ?? []).map((from) => ({ from, drop: true })),
  };
  return parseMapping(rules, "in the flags");
}

function renames(flag: string, rules: readonly string[] | undefined): { from: string; to: string }[] {
  return (rules ?? []).map((rule) => {
    const [from, to] = splitRule(flag, rule, "old=new");
    return { from, to };
  });
}

/** Splits at the first `=` that has no backslash before it. */
function splitRule(flag: string, rule: string, example: string): [string, string] {
  const match = /^((?:[^=\\]|\\.)+)=(.+)$/s.exec(rule);
  const [, from, to] = match ?? [];
  if (from === undefined || to === undefined) {
    throw invalidFlag(`${flag} ${JSON.stringify(rule)} is not of the form FROM=TO`, `write it as in ${flag} ${example}`);
  }
  return [from, to];
}

function invalidFlag(message: string, hint: string): MigrationError {
  return new MigrationError("MAPPING_INVALID", message, { hint });
}
