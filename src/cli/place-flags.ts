// The flags that say which places a command means beside its arguments, and how its words become locations.
import type { Command } from "commander";
import { Option } from "commander";
import { MigrationError } from "../errors.ts";
import { readConfig } from "./config.ts";
import type { Config } from "./config.ts";
import { repeatable } from "./flags.ts";
import { workspaceUrlIn } from "./databricks-login.ts";
import { isServer, parseLocation, trackingOf } from "./location.ts";
import type { ChosenWorkspace, Location, LocationOptions, Role } from "./location.ts";
import { addTrackingFlags, withTracking } from "./pairing.ts";
import type { TrackingFlags } from "./pairing.ts";
import type { Environment, Terminal } from "./terminal.ts";

export interface PlaceFlags extends TrackingFlags {
  readonly config?: string;
  readonly sourceWorkspace?: string;
  readonly targetWorkspace?: string;
  readonly workspaces?: readonly string[];
}

/** Adds what says where to read and, with `target`, where to write; `each` (default true): whether the command may go through workspaces. */
export function addPlaceFlags(command: Command, { target, each = true }: { readonly target: boolean; readonly each?: boolean }): Command {
  command.addOption(new Option("--source-workspace <name>", "which workspace of the source server to read").conflicts("workspaces"));
  if (target) {
    command.addOption(new Option("--target-workspace <name>", "which workspace of the target server to write").conflicts("workspaces"));
  }
  if (each) command.addOption(repeatable("--workspaces <glob>", "each workspace of this name by itself; '*' for all (repeatable)"));
  addTrackingFlags(command, { target });
  return command.option("--config <file>", "names of registries (default: mlferry.yaml here, or in ~/.config/mlferry)");
}

/** Reads the words of one command line as places. */
export interface Locator {
  readonly config: Config;
  readonly locate: (text: string, options: Omit<LocationOptions, "config">) => Location;
}

/** Throws CONFIG_INVALID. */
export function createLocator(terminal: Pick<Terminal, "env">, flags: PlaceFlags): Locator {
  const config = readConfig(flags.config, terminal.env);
  return {
    config,
    locate(text, options) {
      const { role } = options;
      const parse = (one: string, how: Omit<LocationOptions, "config">): Location =>
        parseLocation(one, { ...how, config, workspaceUrl: workspaceUrlIn(terminal.env) });
      const location = withTracking(parse(text, options), { role, flags, parse: (server) => parse(server, { role, use: "write" }) });
      return withWorkspace(location, { role, flags, env: terminal.env });
    },
  };
}

/** Flags win over mlferry.yaml, which wins over MLFLOW_WORKSPACE, as MLflow's own client has it. Throws USAGE for a workspace of what has none. */
function withWorkspace(
  location: Location,
  given: { readonly role: Role; readonly flags: PlaceFlags; readonly env: Environment },
): Location {
  const { role, flags, env } = given;
  const flag = role === "source" ? flags.sourceWorkspace : flags.targetWorkspace;
  const mlflow = trackingOf(location);
  if (mlflow === undefined) {
    if (flag === undefined) return location;
    const what = isServer(location) ? location.place : "a bundle";
    throw new MigrationError("USAGE", `--${role}-workspace is given, and the ${role} is ${what}, which has no workspaces`, {
      hint: "leave the flag out",
    });
  }
  const chosen = flag === undefined ? (mlflow.workspace ?? ambientWorkspace(env)) : { name: flag };
  if (chosen === undefined) return location;
  const tracking = { ...mlflow, workspace: chosen };
  return location.place === "uc" ? { ...location, tracking } : tracking;
}

function ambientWorkspace(env: Environment): ChosenWorkspace | undefined {
  const name = (env["MLFLOW_WORKSPACE"] ?? "").trim();
  return name === "" ? undefined : { name, ambient: true };
}
