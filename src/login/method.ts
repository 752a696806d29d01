// Which way of logging in is meant, from what is set: the one that auth_type names, or the one whose settings are there.
import { MigrationError } from "../errors.ts";
import type { SettingName, Settings } from "./settings.ts";

/** As `auth_type` and the user agent name them, in the order in which Databricks' SDKs try them (databricks/sdk/credentials_provider.py). */
const METHODS = ["pat", "basic", "oauth-m2m", "env-oidc", "file-oidc", "azure-client-secret", "azure-cli", "databricks-cli"] as const;

export type Method = (typeof METHODS)[number];

/** What has to be set for each: all of one row. The last two ask another program, which knows who is logged in. */
const NEEDS: Readonly<Record<Method, readonly (readonly SettingName[])[]>> = {
  pat: [["token"]],
  basic: [["username", "password"]],
  "oauth-m2m": [["client_id", "client_secret"]],
  "env-oidc": [["oidc_token_env"], ["oidc_token"]],
  "file-oidc": [["oidc_token_filepath"]],
  "azure-client-secret": [["azure_client_id", "azure_client_secret", "azure_tenant_id"]],
  "azure-cli": [[]],
  "databricks-cli": [[]],
};

/**
 * The methods to be tried, in this order. Throws USAGE where two different ones are set and `auth_type` does not choose, where the chosen
 * one lacks a setting, and where what is set is not enough for any: the login of another program would be a surprise then.
 */
export function methodsOf(settings: Settings): readonly Method[] {
  const forced = settings.get("auth_type");
  if (forced !== undefined) {
    const method = METHODS.find((one) => one === forced.value);
    if (method === undefined) throw unknownMethod(forced.value, forced.from);
    requireSettings(settings, method);
    return [method];
  }
  refuseSeveral(settings);
  const found = METHODS.filter((method) => isSet(settings, method));
  refuseHalf(settings, found);
  return found;
}

/** Whether a row of its needs is there; of a program that may know a login, whether the host is one that it is for is seen later. */
function isSet(settings: Settings, method: Method): boolean {
  return NEEDS[method].some((row) => missingOf(settings, row).length === 0);
}

function missingOf(settings: Settings, row: readonly SettingName[]): readonly SettingName[] {
  return row.filter((name) => settings.get(name) === undefined);
}

function requireSettings(settings: Settings, method: Method): void {
  if (isSet(settings, method)) return;
  const missing = missingOf(settings, NEEDS[method][0] ?? []).join(" and ");
  throw new MigrationError("USAGE", `the login ${method} needs ${missing}, which ${settings.whose} does not set`, {
    hint: `set ${missing}, or choose another login with auth_type`,
  });
}

function refuseSeveral({ groups }: Settings): void {
  if (groups.size <= 1) return;
  const found = [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([group, { from }]) => `${group} (${from})`);
  throw new MigrationError("USAGE", `more than one way to log in to Databricks is set: ${found.join(" and ")}`, {
    hint: `remove one, or say which one is meant with auth_type in the profile, or DATABRICKS_AUTH_TYPE: ${METHODS.join(", ")}`,
  });
}

function refuseHalf(settings: Settings, found: readonly Method[]): void {
  const [first] = found;
  const [group] = settings.groups.keys();
  // What is set for Azure may also be for its command line, which is asked then.
  const isHalf = group !== undefined && first !== undefined && NEEDS[first][0]?.length === 0;
  if (!isHalf || (group === "azure" && settings.get("azure_client_secret") === undefined)) return;
  const whole = METHODS.map((method) => NEEDS[method][0] ?? []).find((row) => row.some((name) => settings.get(name) !== undefined));
  if (whole === undefined) throw unknownMethod(group, settings.groups.get(group)?.from ?? settings.whose);
  const missing = missingOf(settings, whole).join(" and ");
  throw new MigrationError("USAGE", `half a login for Databricks is set: ${settings.groups.get(group)?.from ?? ""}, without ${missing}`, {
    hint: `set ${missing} too, or neither`,
  });
}

function unknownMethod(value: string, from: string): MigrationError {
  return new MigrationError("USAGE", `mlferry has no login of the kind ${JSON.stringify(value)}, which ${from} asks for`, {
    hint: `it has ${METHODS.join(", ")}; for any other give a token_command in mlferry.yaml`,
  });
}
