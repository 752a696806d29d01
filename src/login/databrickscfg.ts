// The file in which people keep their workspaces, `.databrickscfg`: an INI file with a section for each profile.
import { readFileSync } from "node:fs";
import { asMigrationError, MigrationError } from "../errors.ts";

/** What the file holds. */
export interface ProfileFile {
  readonly path: string;
  /** Keys in lower case. Sections inherit nothing from each other, from DEFAULT neither. */
  readonly profiles: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Named by `default_profile` of the section `__settings__`. */
  readonly defaultProfile?: string;
}

/** Says of the Databricks CLI which profile it takes by default; never a profile itself. */
export const SETTINGS_SECTION = "__settings__";

/** The profile that counts where none is named, and that may be missing. */
export const DEFAULT_PROFILE = "DEFAULT";

/** Undefined where there is no such file. Throws CONFIG_INVALID for one that cannot be read, with the line of its first mistake. */
export function readProfileFile(path: string): ProfileFile | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  const profiles = parseSections(text, path);
  const named = profiles.get(SETTINGS_SECTION)?.get("default_profile") ?? "";
  profiles.delete(SETTINGS_SECTION);
  if (named === SETTINGS_SECTION) throw invalid(`${path}: default_profile names ${SETTINGS_SECTION}, which is no profile`);
  return { path, profiles, ...(named === "" ? {} : { defaultProfile: named }) };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").replace(/^\ufeff/, "");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return undefined;
    throw new MigrationError("CONFIG_INVALID", `the profiles of Databricks cannot be read: ${asMigrationError(thrown).message}`, {
      cause: thrown,
      hint: "DATABRICKS_CONFIG_FILE says which file is read; the default is ~/.databrickscfg",
    });
  }
}

/** As Python's configparser reads it, which Databricks' SDK for Python uses: no comments behind values, indented lines go on with a value. */
function parseSections(text: string, path: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | undefined;
  let last: string | undefined;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const where = `${path}:${String(index + 1)}`;
    const content = line.trim();
    if (content === "" || /^[#;]/.test(content)) continue;
    const header = /^\[(.+)\]/.exec(content)?.[1]?.trim();
    if (header !== undefined) {
      if (header !== DEFAULT_PROFILE && sections.has(header)) throw invalid(`${where}: the profile ${header} is there twice`);
      section = sections.get(header) ?? new Map<string, string>();
      sections.set(header, section);
      last = undefined;
    } else if (section === undefined) {
      throw invalid(`${where}: a line stands before the first [PROFILE]`);
    } else if (/^\s/.test(line) && last !== undefined) {
      section.set(last, `${section.get(last) ?? ""}\n${content}`.trim());
    } else {
      // The line itself is not repeated: it may hold a secret.
      const [, key = "", value = ""] = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(content) ?? [];
      if (key === "") throw invalid(`${where}: this line is neither [PROFILE] nor key = value`);
      last = key.toLowerCase();
      if (section.has(last)) throw invalid(`${where}: the profile has ${last} twice`);
      section.set(last, value);
    }
  }
  return sections;
}

function invalid(message: string): MigrationError {
  return new MigrationError("CONFIG_INVALID", message, { hint: "correct the file, or name another one in DATABRICKS_CONFIG_FILE" });
}
