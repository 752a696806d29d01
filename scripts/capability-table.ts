// The table of docs/capabilities.md: what each place can hold, taken from the very data that the engine decides by.
import { bundleCapabilities } from "../src/adapters/bundle/capabilities.ts";
import { workspaceCapabilities } from "../src/adapters/databricks/capabilities.ts";
import { mlflowCapabilities } from "../src/adapters/mlflow/capabilities.ts";
import { catalogCapabilities } from "../src/adapters/unity-catalog/capabilities.ts";
import { ossCapabilities } from "../src/adapters/unity-catalog-oss/capabilities.ts";
import { KINDS } from "../src/model/entities.ts";
import type { Kind } from "../src/model/entities.ts";
import type { Capabilities, NameRule } from "../src/ports/capabilities.ts";

/** The page as a whole. */
export function capabilitiesPage(): string {
  const rows = ROWS.map(([title, cell]) => line([title, ...PLACES.map((place) => cell(place.capabilities))]));
  return `# What each place can hold

The engine decides by these alone what moves as it is, what is translated and what is lost; \`mlferry plan\` tells it for every object. Reading
is not restricted by them. An MLflow server is asked for its features when it is opened, so another version may differ; the columns of
MLflow are what the tests run against. This page is generated from the code.

${line(["", ...PLACES.map(({ title }) => title)])}
${line(["---", ...PLACES.map(() => "---")])}
${rows.join("\n")}

Numbers of versions: \`assigned\` is the highest that was ever used + 1, so gaps are filled with placeholders that are removed again; \`kept\` is
the source's own. A note is a tag on the version, read back as what it stands for ([notes.md](notes.md)). Files of versions: \`by-reference\` puts files that lie in no run and no logged model into a carrier run, which becomes the
version's run; \`by-free-reference\` does so too, and the version keeps naming the run that it had.
`;
}

const sqlite = { loggedModels: true, stages: true, strictTexts: false };

const WORKSPACE = workspaceCapabilities({ paramValueChars: 500 });

const PLACES: readonly { readonly title: string; readonly capabilities: Capabilities }[] = [
  { title: "MLflow 3.17.2, SQLite", capabilities: mlflowCapabilities({ version: "3.17.2", features: sqlite }) },
  {
    title: "MLflow 3.17.2, PostgreSQL",
    capabilities: mlflowCapabilities({ version: "3.17.2", features: { ...sqlite, strictTexts: true } }),
  },
  { title: "MLflow 2.22.5, SQLite", capabilities: mlflowCapabilities({ version: "2.22.5", features: { ...sqlite, loggedModels: false } }) },
  { title: "Databricks workspace", capabilities: workspaceCapabilities({ paramValueChars: 500 }) },
  { title: "bundle", capabilities: bundleCapabilities() },
  { title: "Databricks workspace", capabilities: WORKSPACE },
  { title: "open-source Unity Catalog", capabilities: ossCapabilities },
  { title: "Unity Catalog on Databricks", capabilities: catalogCapabilities(WORKSPACE) },
];

type Row = readonly [title: string, cell: (capabilities: Capabilities) => string];

const ROWS: readonly Row[] = [
  ...KINDS.map((kind): Row => [
    `${kind}s`.replace("aliass", "aliases"),
    ({ kinds, notes }) => (notes?.has(kind) === true ? "as a note" : yesNo(kinds.has(kind))),
  ]),
  ["stages", ({ stages }) => yesNo(stages)],
  ["version numbers", ({ versionNumbers }) => versionNumbers],
  ["creation times", ({ creationTimes }) => creationTimes],
  ["users of runs", ({ runUsers = "chosen" }) => runUsers],
  ["files of versions", ({ versionFiles }) => versionFiles],
  [
    "which logged model own files are copies of",
    ({ versionModels = false, tags }) => (versionModels ? "yes" : tags["model-version"]?.count === 0 ? "no" : "as a tag"),
  ],
  ["run links of versions", ({ runLinks = true }) => yesNo(runLinks)],
  ["±Infinity as a metric value", ({ infinities }) => yesNo(infinities)],
  ["name of an experiment", ({ names }) => nameText(names.experiment)],
  ["name of a registered model", ({ names }) => nameText(names.registeredModel)],
  ["name of a logged model", ({ names }) => nameText(names.loggedModel)],
  ["alias", ({ names }) => nameText(names.alias)],
  ...(["experiment", "run", "logged-model", "registered-model", "model-version"] as const).map((kind): Row => [
    `tags of a ${kind}`.replace("a experiment", "an experiment"),
    (capabilities) => tagText(capabilities, kind),
  ]),
  ["longest run parameter", ({ paramValueChars }) => charsText(paramValueChars)],
  ["longest description", ({ descriptionChars }) => charsText(descriptionChars)],
  ["file paths refused everywhere", ({ filePathRefuses }) => filePathRefuses?.wording ?? "none"],
];

const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
const yesNo = (value: boolean): string => (value ? "yes" : "no");
const charsText = (chars: number | undefined): string => (chars === undefined ? "no limit" : `${String(chars)} characters`);
const nameText = (rule: NameRule | undefined): string => rule?.wording ?? "anything";

function tagText({ tags }: Capabilities, kind: Kind): string {
  const limits = tags[kind];
  if (limits === undefined) return "no limits";
  const parts = [
    ...(limits.count === 0 ? ["none"] : []),
    ...(limits.keyChars === undefined ? [] : [`keys of ${String(limits.keyChars)}`]),
    ...(limits.valueChars === undefined ? [] : [`values of ${String(limits.valueChars)} characters`]),
    ...((limits.count ?? 0) === 0 ? [] : [`${String(limits.count)} at most`]),
    ...(limits.keyRefuses === undefined ? [] : ["some characters of keys become _"]),
  ];
  return parts.join(", ");
}
