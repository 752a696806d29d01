// What an MLflow server can hold: limits measured on 3.17.2 and 2.22.5 (SQLite), which check them before the database does.
import { KINDS } from "../../model/entities.ts";
import type { Kind } from "../../model/entities.ts";
import type { Capabilities, TagLimits } from "../../ports/capabilities.ts";

/**
 * The capabilities of a server of this version, as `/version` tells it. Servers before 3.0 know no logged models and only shorter
 * tags. Infinities count as refused: SQL stores turn them into ±1.7976931348623157e308.
 */
export function mlflowCapabilities(version: string): Capabilities {
  const modern = Number.parseInt(version, 10) >= 3;
  return {
    place: `MLflow ${version}`,
    kinds: new Set<Kind>(KINDS.filter((kind) => modern || kind !== "logged-model")),
    stages: true,
    versionNumbers: "assigned",
    creationTimes: "assigned",
    versionFiles: "by-reference",
    infinities: false,
    names: {
      experiment: { pattern: /^.{1,500}$/su, wording: "1 to 500 characters" },
      ...(modern ? { registeredModel: REGISTERED_MODEL_NAME } : {}),
      loggedModel: { pattern: /^[^/:.%"']+$/su, wording: "at least one character, none of / : . % \" '" },
      alias: ALIAS_NAME,
    },
    tags: tagLimits(modern),
    paramValueChars: 6000,
  };
}

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

const REGISTERED_MODEL_NAME = {
  pattern: /^(?!\.\.)(?!\.$)(?!\s*$)[^/:]+$/su,
  wording: "not blank, without / and :, not beginning with ..",
};

/**
 * Letters, digits and `_ - . : / space`, and nothing that a file system would take for another path: no empty, `.` or `..` part,
 * none of `/` at either end, no `..` at the beginning (mlflow/utils/validation.py, path_not_unique).
 */
const KEY_REFUSES = /[^\p{L}\p{N}_.\-:/ ]|^\/|\/(?=\/|$)|^\.\.|(?<=^|\/)\.{1,2}(?=\/|$)/gu;

function tagLimits(modern: boolean): Readonly<Partial<Record<Kind, TagLimits>>> {
  const keys = { keyChars: 250, keyRefuses: KEY_REFUSES };
  const registry = { ...keys, valueChars: modern ? 100_000 : 5000 };
  return {
    experiment: { ...keys, valueChars: modern ? 20_000 : 5000 },
    // Longer values are cut in silence.
    run: { ...keys, valueChars: 8000 },
    // The routes check nothing; 255 is the width of the key's column, which other databases than SQLite enforce.
    "logged-model": { keyChars: 255 },
    "registered-model": registry,
    "model-version": registry,
  };
}
