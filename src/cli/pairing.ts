// Which server holds the runs of a registry that has none itself, as flags and mlferry.yaml say.
import type { Command } from "commander";
import { MigrationError } from "../errors.ts";
import { isServer } from "./location.ts";
import type { Location, Role } from "./location.ts";

export interface TrackingFlags {
  readonly fromTracking?: string;
  readonly toTracking?: string;
}

export function addTrackingFlags(command: Command, { target }: { readonly target: boolean }): void {
  command.option("--from-tracking <server>", "the MLflow server with the runs of a uc: source: an address or a name in mlferry.yaml");
  if (target) command.option("--to-tracking <server>", "the MLflow server that gets the runs of a uc: target");
}

export interface Pairing {
  readonly role: Role;
  readonly flags: TrackingFlags;
  /** Reads what names the server. */
  readonly parse: (text: string) => Location;
}

/** Flags win over mlferry.yaml. Throws USAGE for a place that has runs itself, and for what is no MLflow server. */
export function withTracking<L extends Location>(location: L, { role, flags, parse }: Pairing): L {
  refuseTracking(location, role, flags);
  if (location.place !== "uc") return location;
  const flag = flagOf(role, flags);
  const text = flag ?? location.registry?.tracking;
  if (text === undefined) return location;
  const tracking = parse(text);
  if (tracking.place === "mlflow") return { ...location, tracking, ...(flag === undefined ? {} : { trackingFlag: flag }) };
  const by = flag === undefined ? `tracking of registry ${location.registry?.name ?? ""}` : nameOf(role);
  throw new MigrationError("USAGE", `${by} names ${JSON.stringify(text)}, which is no MLflow server`, {
    hint: "give the http(s) address of an MLflow server, or the name of one in mlferry.yaml",
  });
}

/** Throws USAGE where the flag is given for another place than a uc: one. */
export function refuseTracking(location: Location, role: Role, flags: TrackingFlags): void {
  if (location.place === "uc" || flagOf(role, flags) === undefined) return;
  const what = isServer(location) ? "a server that has its runs itself" : "a bundle, which has its runs itself";
  throw new MigrationError("USAGE", `${nameOf(role)} is given, and the ${role} is ${what}`, {
    hint: "leave the flag out: it is for uc: places, which have models alone",
  });
}

function flagOf(role: Role, { fromTracking, toTracking }: TrackingFlags): string | undefined {
  return role === "source" ? fromTracking : toTracking;
}

function nameOf(role: Role): string {
  return role === "source" ? "--from-tracking" : "--to-tracking";
}
