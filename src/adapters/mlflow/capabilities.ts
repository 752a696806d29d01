// What an MLflow server can hold: limits measured on 3.17.2 and 2.22.5, and read in the releases between for when they came.
import { ENTRY_KINDS } from "../../model/entities.ts";
import type { Kind } from "../../model/entities.ts";
import type { Capabilities, NameRule, TagLimits } from "../../ports/capabilities.ts";
import type { OpenSourceServer } from "./server.ts";

/**
 * What can be asked is (`features`). The lengths that a server checks, or cuts at in silence, no route tells: they go by its version,
 * and one that is not known yet has the newest. Infinities count as refused: SQL stores turn them into ±1.7976931348623157e308.
 */
export function mlflowCapabilities({ version, features }: Pick<OpenSourceServer, "version" | "features">): Capabilities {
  const { loggedModels, stages, strictTexts } = features;
  const since = (release: string): boolean => isSince(version, release);
  return {
    place: `MLflow ${version}`,
    kinds: new Set<Kind>(MLFLOW_KINDS.filter((kind) => loggedModels || kind !== "logged-model")),
    notes: new Set<Kind>(ENTRY_KINDS),
    stages,
    versionNumbers: "assigned",
    creationTimes: "assigned",
    // Since 3.0 a version's source is held against the run that it names. What suits that suits earlier servers too, but tells less.
    versionFiles: loggedModels || since("3.0") ? "by-reference" : "by-free-reference",
    infinities: false,
    names: {
      experiment: strictTexts ? COLUMN_NAME : { pattern: /^.{1,500}$/su, wording: "1 to 500 characters" },
      ...(since("3.11") ? { registeredModel: registeredModelName(strictTexts) } : strictTexts ? { registeredModel: COLUMN_NAME } : {}),
      loggedModel: { pattern: /^[^/:.%"']+$/su, wording: "at least one character, none of / : . % \" '" },
      alias: ALIAS_NAME,
    },
    tags: tagLimits(since, strictTexts),
    paramValueChars: since("2.8") ? 6000 : 500,
    ...(strictTexts ? { descriptionChars: COLUMN_CHARS.description, textRefuses: NUL } : {}),
  };
}

/** What MLflow itself has: all but what only Databricks workspaces have beside it. */
export const MLFLOW_KINDS: readonly Kind[] = ["experiment", "run", "logged-model", "registered-model", "model-version", "alias"];

/** By major and minor number; what does not begin with them counts as newer. */
function isSince(version: string, release: string): boolean {
  const [major = Infinity, minor = Infinity] = (/^(\d+)\.(\d+)/.exec(version)?.slice(1) ?? []).map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = release.split(".").map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/**
 * Columns narrower than what the server lets through: SQLite does not care, other databases refuse (mlflow/store, dbmodels/models.py,
 * the same in 2.22.5 and 3.17.2).
 */
const COLUMN_CHARS = { name: 256, description: 5000, registeredModelTag: 5000 } as const;

const COLUMN_NAME: NameRule = { pattern: /^[^\0]{1,256}$/su, wording: `1 to ${COLUMN_CHARS.name} characters, no NUL` };

const NUL = { pattern: /\0/, wording: "a NUL character, which the target's database refuses" } as const;

/**
 * Paths that the artifact proxy refuses or stores under another name: it decodes percent signs again and again (`a%20b` becomes
 * `a b`), refuses `#`, and drops or rewrites control characters (mlflow/utils/uri.py, validate_path_is_safe; all tried).
 */
export const FILE_PATH_REFUSES = {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  pattern: /#|%[0-9a-f]{2}|[\u0000-\u001f\u007f]|\p{Surrogate}|^\/|\/$|\/\/|(^|\/)\.{1,2}(\/|$)/iu,
  wording: "MLflow's artifact proxy cannot store a path with #, with % before two hexadecimal digits or with control characters",
} as const;

/** `latest` and `v<digits>` are reserved in any letter case (mlflow/utils/validation.py). */
const ALIAS_NAME = {
  pattern: /^(?!latest$)(?!v\p{Nd}+$)[\p{L}\p{N}_-]{1,255}$/iu,
  wording: "1 to 255 letters, digits, - and _; neither latest nor v followed by digits",
};

/** Since 3.11 (mlflow/utils/validation.py, _validate_model_name). */
function registeredModelName(strictTexts: boolean): NameRule {
  const wording = "not blank, without / and :, not beginning with ..";
  if (!strictTexts) return { pattern: /^(?!\.\.)(?!\.$)(?!\s*$)[^/:]+$/su, wording };
  return { pattern: /^(?!\.\.)(?!\.$)(?!\s*$)[^/:\0]{1,256}$/su, wording: `${wording}, at most ${COLUMN_CHARS.name} characters` };
}

/**
 * Letters, digits and `_ - . : / space`, and nothing that a file system would take for another path: no empty, `.` or `..` part,
 * none of `/` at either end, no `..` at the beginning (mlflow/utils/validation.py, path_not_unique).
 */
const KEY_REFUSES = /[^\p{L}\p{N}_.\-:/ ]|^\/|\/(?=\/|$)|^\.\.|(?<=^|\/)\.{1,2}(?=\/|$)/gu;

/** mlflow/utils/validation.py of the releases, MAX_*TAG_VAL*_LENGTH. */
function tagLimits(since: (release: string) => boolean, strictTexts: boolean): Readonly<Partial<Record<Kind, TagLimits>>> {
  const keys = { keyChars: 250, keyRefuses: KEY_REFUSES };
  const registryChars = since("3.2") ? 100_000 : 5000;
  return {
    experiment: { ...keys, valueChars: since("3.16") ? 20_000 : 5000 },
    // Longer values are cut in silence.
    run: { ...keys, valueChars: since("2.17") ? 8000 : 5000 },
    // The routes check nothing; 255 is the width of the key's column, which other databases than SQLite enforce.
    "logged-model": { keyChars: 255 },
    "registered-model": { ...keys, valueChars: strictTexts ? COLUMN_CHARS.registeredModelTag : registryChars },
    "model-version": { ...keys, valueChars: registryChars },
  };
}
