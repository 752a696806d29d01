// Where credentials come from: the environment, in MLflow's own names, or in mlferry's where two servers have a login each.
import { MigrationError } from "../errors.ts";
import type { Auth } from "../http/client.ts";
import type { Role } from "./location.ts";
import type { Environment } from "./terminal.ts";

/**
 * The credentials for a server. MLFERRY_SOURCE_… or MLFERRY_TARGET_… win as a set; else MLFLOW_TRACKING_…. User name and
 * password win over a token, as in mlflow/utils/rest_utils.py. Undefined: none are set. Throws USAGE for half a login.
 */
export function credentialsFor(role: Role, env: Environment): Auth | undefined {
  const own = loginOf(`MLFERRY_${role.toUpperCase()}_TRACKING_`, env);
  return own ?? loginOf("MLFLOW_TRACKING_", env);
}

function loginOf(prefix: string, env: Environment): Auth | undefined {
  const [username, password, token] = ["USERNAME", "PASSWORD", "TOKEN"].map((name) => env[`${prefix}${name}`] ?? "");
  if (username && password) return { kind: "basic", username, password };
  if (token) return { kind: "bearer", token };
  if (!username && !password) return undefined;
  const [there, missing] = username ? ["USERNAME", "PASSWORD"] : ["PASSWORD", "USERNAME"];
  throw new MigrationError("USAGE", `${prefix}${there} is set, but ${prefix}${missing} is not`, { hint: "set both, or neither" });
}
