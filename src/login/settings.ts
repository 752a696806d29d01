// What is known of a workspace and of who asks, each with where it was found: a profile that was named, or environment over file.
import { MigrationError } from "../errors.ts";
import { DEFAULT_PROFILE, readProfileFile, SETTINGS_SECTION } from "./databrickscfg.ts";
import type { ProfileFile } from "./databrickscfg.ts";

/** A setting's way of logging in, as Databricks' SDKs name them when two of them meet. */
export type SettingGroup = "pat" | "basic" | "oauth" | "env-oidc" | "file-oidc" | "azure" | "google" | "metadata-service";

/**
 * Every setting that has to do with a login, by its key in `.databrickscfg`: its variables, the first one wins, and the way of logging in
 * that it belongs to. From `Config` of databricks-sdk-py 0.162 (databricks/sdk/config.py).
 */
const SETTINGS = {
  host: { variables: ["DATABRICKS_HOST"] },
  account_id: { variables: ["DATABRICKS_ACCOUNT_ID"] },
  workspace_id: { variables: ["DATABRICKS_WORKSPACE_ID"] },
  auth_type: { variables: ["DATABRICKS_AUTH_TYPE"] },
  token: { variables: ["DATABRICKS_TOKEN"], group: "pat" },
  username: { variables: ["DATABRICKS_USERNAME"], group: "basic" },
  password: { variables: ["DATABRICKS_PASSWORD"], group: "basic" },
  client_id: { variables: ["DATABRICKS_CLIENT_ID"], group: "oauth" },
  client_secret: { variables: ["DATABRICKS_CLIENT_SECRET"], group: "oauth" },
  oidc_token: { variables: ["DATABRICKS_OIDC_TOKEN"] },
  oidc_token_env: { variables: ["DATABRICKS_OIDC_TOKEN_ENV"], group: "env-oidc" },
  oidc_token_filepath: { variables: ["DATABRICKS_OIDC_TOKEN_FILEPATH", "DATABRICKS_OIDC_TOKEN_FILE"], group: "file-oidc" },
  azure_workspace_resource_id: { variables: ["DATABRICKS_AZURE_RESOURCE_ID"], group: "azure" },
  azure_tenant_id: { variables: ["ARM_TENANT_ID"], group: "azure" },
  azure_client_id: { variables: ["ARM_CLIENT_ID"], group: "azure" },
  azure_client_secret: { variables: ["ARM_CLIENT_SECRET"], group: "azure" },
  azure_use_msi: { variables: ["ARM_USE_MSI"], group: "azure" },
  azure_environment: { variables: ["ARM_ENVIRONMENT"] },
  google_service_account: { variables: ["DATABRICKS_GOOGLE_SERVICE_ACCOUNT"], group: "google" },
  google_credentials: { variables: ["GOOGLE_CREDENTIALS"], group: "google" },
  metadata_service_url: { variables: ["DATABRICKS_METADATA_SERVICE_URL"], group: "metadata-service" },
} as const satisfies Readonly<Record<string, { readonly variables: readonly string[]; readonly group?: SettingGroup }>>;

export type SettingName = keyof typeof SETTINGS;

/** Which profile is read. */
const PROFILE_VARIABLE = "DATABRICKS_CONFIG_PROFILE";

/** Every variable that changes who asks or where: a program that is to work for a named profile must not see them. */
export const LOGIN_VARIABLES: ReadonlySet<string> = new Set([
  PROFILE_VARIABLE,
  ...Object.values(SETTINGS).flatMap(({ variables }): readonly string[] => variables),
]);

export interface Setting {
  readonly value: string;
  /** In words, such as `DATABRICKS_TOKEN` or `token of profile dev in ~/.databrickscfg`. */
  readonly from: string;
}

export interface Settings {
  /** In words, for messages: the profile, or the environment. */
  readonly whose: string;
  /** The profile that was read, unless it is DEFAULT because no other was named. */
  readonly profile?: string;
  /** Named by whoever wrote the command: then the environment has no say. */
  readonly named: boolean;
  readonly get: (name: SettingName) => Setting | undefined;
  /** The ways of logging in that something was found for, with the first setting of each. */
  readonly groups: ReadonlyMap<SettingGroup, Setting>;
}

export interface SettingsOptions {
  /** From the location. */
  readonly profile?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Stands before the name of each variable that is for one side of a command alone, such as `MLFERRY_SOURCE_`. */
  readonly prefix: string;
  /** Where `~/.databrickscfg` is. */
  readonly home: string;
}

/**
 * Reads what is set. A named profile is all there is. Otherwise the variables of this side of the command, if any is set, else the common
 * ones, over the profile that these name; the file is read without a name only if the environment holds neither host nor login. Throws
 * CONFIG_INVALID for a profile that is not there.
 */
export function readSettings({ profile, env, prefix, home }: SettingsOptions): Settings {
  const path = configFile(env, home);
  if (profile !== undefined) return settingsOf({ variables: new Map(), profile: namedProfile(profile, path), named: true });
  const own = fromEnvironment(env, prefix);
  const hasOwn = own.size > 0 || isSet(env[`${prefix}${PROFILE_VARIABLE}`]);
  const variables = hasOwn ? own : fromEnvironment(env, "");
  const chosen = env[`${hasOwn ? prefix : ""}${PROFILE_VARIABLE}`];
  const sets = `${hasOwn ? prefix : ""}DATABRICKS_…`;
  if (isSet(chosen)) return settingsOf({ variables, sets, profile: namedProfile(chosen, path), named: false });
  const isEnough = [...variables.keys()].some((name) => name === "host" || groupOf(name) !== undefined);
  const fallback = isEnough ? undefined : defaultProfile(path);
  return settingsOf({ variables, sets, ...(fallback === undefined ? {} : { profile: fallback }), named: false });
}

interface Profile {
  /** Absent: DEFAULT, which nobody named. */
  readonly name?: string;
  readonly path: string;
  readonly values: ReadonlyMap<string, string>;
}

function configFile(env: SettingsOptions["env"], home: string): string {
  const path = isSet(env["DATABRICKS_CONFIG_FILE"]) ? env["DATABRICKS_CONFIG_FILE"] : "~/.databrickscfg";
  return path.replace(/^~(?=\/|$)/, () => home);
}

function namedProfile(name: string, path: string): Profile {
  if (name === SETTINGS_SECTION) {
    throw new MigrationError("CONFIG_INVALID", `${SETTINGS_SECTION} is a section of settings and no profile`, { hint: "name a profile" });
  }
  const file = readProfileFile(path);
  const values = file?.profiles.get(name);
  if (values !== undefined) return { name, path, values };
  throw missingProfile(name, path, file);
}

function missingProfile(name: string, path: string, file: ProfileFile | undefined): MigrationError {
  const known = [...(file?.profiles.keys() ?? [])];
  const there = file === undefined ? "there is no such file" : `it holds ${known.length === 0 ? "none" : known.join(", ")}`;
  return new MigrationError("CONFIG_INVALID", `there is no profile ${name} in ${path}: ${there}`, {
    hint: `add it with databricks configure --profile ${name}, or name another file in DATABRICKS_CONFIG_FILE`,
  });
}

function defaultProfile(path: string): Profile | undefined {
  const file = readProfileFile(path);
  if (file?.defaultProfile !== undefined) return namedProfile(file.defaultProfile, path);
  const values = file?.profiles.get(DEFAULT_PROFILE);
  return values === undefined || values.size === 0 ? undefined : { path, values };
}

type Found = ReadonlyMap<SettingName, Setting>;

function fromEnvironment(env: SettingsOptions["env"], prefix: string): Found {
  const found = new Map<SettingName, Setting>();
  for (const name of NAMES) {
    const variable = SETTINGS[name].variables.map((one) => `${prefix}${one}`).find((one) => isSet(env[one]));
    const value = variable === undefined ? undefined : env[variable];
    if (variable !== undefined && isSet(value)) found.set(name, { value, from: variable });
  }
  return found;
}

function settingsOf(read: {
  readonly variables: Found;
  readonly sets?: string;
  readonly profile?: Profile;
  readonly named: boolean;
}): Settings {
  const { variables, profile, named, sets = "" } = read;
  const found = new Map(variables);
  const title = profile === undefined ? undefined : `profile ${profile.name ?? DEFAULT_PROFILE} in ${profile.path}`;
  for (const name of NAMES) {
    const value = profile?.values.get(name);
    if (!found.has(name) && isSet(value)) found.set(name, { value, from: `${name} of ${title ?? ""}` });
  }
  const groups = new Map<SettingGroup, Setting>();
  for (const [name, setting] of found) {
    const group = groupOf(name);
    if (group !== undefined && !groups.has(group)) groups.set(group, setting);
  }
  const whose = [
    ...(variables.size === 0 && title !== undefined ? [] : [`the variables ${sets}`]),
    ...(title === undefined ? [] : [title]),
  ];
  return {
    whose: whose.join(" over "),
    ...(profile?.name === undefined ? {} : { profile: profile.name }),
    named,
    get: (name) => found.get(name),
    groups,
  };
}

const NAMES = Object.keys(SETTINGS) as readonly SettingName[];

function groupOf(name: SettingName): SettingGroup | undefined {
  const setting = SETTINGS[name];
  return "group" in setting ? setting.group : undefined;
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}
