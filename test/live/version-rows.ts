// How copies between servers of two generations differ from their sources: as data, with the reason of each difference.
import type { MlflowVersion } from "./python-env.ts";
import { LOST_FILES } from "./source.ts";
import type { Allowances } from "./source.ts";

export interface VersionRow {
  readonly from: MlflowVersion;
  readonly to: MlflowVersion;
  /** Further arguments of every command. */
  readonly flags: readonly string[];
  /** Names at the target where they differ. */
  readonly models: Readonly<Record<string, string>>;
  /** Differences with a reason; each must occur. */
  readonly allow: Allowances;
  /** How many these are, with the files and without them. */
  readonly allowed: { readonly withFiles: number; readonly withoutFiles: number };
  /** Runs that only hold files of versions. */
  readonly carriers: number;
  /** Versions to predict with: by the source's names and by the target's. */
  readonly predict: readonly (readonly [string, string])[];
}

/** Names that 2.22.5 takes and 3.17.2 refuses. */
export const REFUSED_NAMES = { "team/churn": "team.churn", "c:churn": "c.churn", "../churn": "churn" } as const;

/** What no copy of the registry of 2.22.5 has. */
const OF_2_22: Allowances = [
  ...LOST_FILES,
  { key: "model-version:sources/5", field: "files.unreadable" },
  // The alias of a deleted version, which every server refuses to set.
  { key: "registered-model:alias points nowhere", field: "aliases.alias-2" },
];

/** 3.17.2 wants a version's files in the run that it names; another run stands in a tag. */
const RUNS_OF_FILES: Allowances = [
  { key: "model-version:run is purged/1", field: "run" },
  { key: "model-version:sources/[1234]", field: "run" },
  { key: "model-version:sources/[23]", field: "tags.source_run" },
];

/** 2.22.5 has no logged models: versions of theirs have the files as their own, in carrier runs. */
const NO_LOGGED_MODELS: Allowances = [
  { key: "logged-model:*", field: "missing" },
  { key: "run:logged models/*", field: "model_outputs" },
  { key: "model-version:of logged models/?", field: "origin" },
  { key: "model-version:from logged models/?", field: "origin" },
  { key: "model-version:by run and model name/2", field: "origin" },
];

/** 2.22.5 takes 5,000 characters. */
const LONG_TAGS: Allowances = [
  "experiment:tags of an experiment",
  "registered-model:tags at the limits",
  "model-version:tags at the limits/1",
].map((key) => ({ key, field: "tags.at the limit" }));

export const ROWS: readonly VersionRow[] = [
  {
    from: "2.22.5",
    to: "3.17.2",
    flags: Object.entries(REFUSED_NAMES).flatMap(([from, to]) => ["--rename-model", `${from}=${to}`]),
    models: REFUSED_NAMES,
    allow: [...OF_2_22, ...RUNS_OF_FILES],
    allowed: { withFiles: 21, withoutFiles: 8 },
    carriers: 3,
    predict: [
      ["models:/many@Champion_1-a", "models:/many@Champion_1-a"],
      ["models:/from logged models/2", "models:/from logged models/2"],
      ["models:/c:churn@champion", "models:/c.churn@champion"],
      ["models:/run is purged/1", "models:/run is purged/1"],
    ],
  },
  {
    from: "2.22.5",
    to: "2.22.5",
    flags: [],
    models: {},
    allow: OF_2_22,
    allowed: { withFiles: 14, withoutFiles: 1 },
    carriers: 3,
    predict: [
      ["models:/promoted twice/1", "models:/promoted twice/1"],
      ["models:/sources/2", "models:/sources/2"],
    ],
  },
  {
    from: "3.17.2",
    to: "2.22.5",
    flags: ["--on-loss", "drop"],
    models: {},
    allow: [...LOST_FILES, ...NO_LOGGED_MODELS, ...LONG_TAGS],
    allowed: { withFiles: 29, withoutFiles: 17 },
    carriers: 9,
    predict: [
      ["models:/many@Champion_1-a", "models:/many@Champion_1-a"],
      ["models:/from logged models/2", "models:/from logged models/2"],
      ["models:/promoted from a logged model/1", "models:/promoted from a logged model/1"],
    ],
  },
];
