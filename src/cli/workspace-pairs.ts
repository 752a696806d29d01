// Which workspaces a command goes through, and what each becomes at the target: a server holds them itself, a folder holds a bundle for each.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { WORKSPACE_NAME } from "../adapters/mlflow/workspaces.ts";
import { MigrationError } from "../errors.ts";
import { workspaceNames } from "../model/mapping.ts";
import type { MappingFile } from "../model/mapping.ts";
import { matcher, unmatched } from "../model/selection.ts";
import type { Config } from "./config.ts";
import { isServer } from "./location.ts";
import type { Location, MlflowLocation, Role } from "./location.ts";
import { refusePipe } from "./pipe.ts";
import type { Session } from "./session.ts";

type SetLocation = MlflowLocation | Extract<Location, { readonly place: "bundle" }>;

/** A bundle's location stands for the folder that holds a bundle for each workspace. */
export interface WorkspaceSets {
  readonly source: SetLocation;
  readonly target?: SetLocation;
  /** Over the names at the source. */
  readonly globs: readonly string[];
  readonly mapping?: MappingFile;
  /** Whether workspaces that are missing at the target are created. */
  readonly writes?: boolean;
}

/** One workspace to go through. */
export interface WorkspacePair {
  readonly name: string;
  /** Its name at the target. */
  readonly to: string;
  readonly source: Location;
  readonly target?: Location;
}

/** A place that holds several workspaces. `locate` reads what is no folder of bundles. Throws USAGE for a single bundle. */
export function locateSet(text: string, config: Config, locate: () => Location): SetLocation {
  const isFolder = !config.registries.has(text) && statSync(text, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isFolder && !existsSync(join(text, "header.json"))) return { place: "bundle", path: text };
  const location = refusePipe(locate());
  if (isServer(location) && location.place !== "mlflow") {
    throw new MigrationError("USAGE", `${text} is no MLflow server, and --workspaces goes through the workspaces of one`, {
      hint: "leave --workspaces out: a Databricks workspace is one place",
    });
  }
  if (location.place === "mlflow" || !(isFolder || /\.tar$/.test(text) || existsSync(text))) return location;
  throw new MigrationError("USAGE", `${text} is a single bundle, and --workspaces makes one of each workspace`, {
    hint: "give a folder, in which each workspace is NAME.tar",
  });
}

/**
 * Lists both sides and says what becomes what. Throws NOTHING_SELECTED for a pattern that matches none, MAPPING_COLLISION and NAME_ILLEGAL
 * for what the rules make of the names. Writes nothing.
 */
export async function pairWorkspaces(session: Session, sets: WorkspaceSets): Promise<{ pairs: WorkspacePair[]; unread: string[] }> {
  const known = await listed(session, sets.source, "source");
  const isChosen = matcher(sets.globs);
  const missing = unmatched(sets.globs, [...known.keys()]);
  if (missing !== undefined) {
    throw new MigrationError("NOTHING_SELECTED", `no workspace of the source matches ${JSON.stringify(missing)}`, {
      hint: known.size === 0 ? "none is visible with these credentials" : `there are: ${[...known.keys()].join(", ")}`,
    });
  }
  const chosen = [...known].filter(([name]) => isChosen(name));
  const newName = workspaceNames(sets.mapping ?? {});
  const renamed = chosen.map(([name, one]) => ({ name, to: newName(name), ...one }));
  refuseCollisions(renamed);
  const there = sets.target?.place === "mlflow" ? await listed(session, sets.target, "target") : undefined;
  const pairs = renamed.map(({ name, to, location, description }): WorkspacePair => {
    const target = sets.target === undefined ? undefined : targetOf(sets.target, to, there?.has(to) === false ? description : undefined);
    return { name, to, source: location, ...(target === undefined ? {} : { target }) };
  });
  return { pairs, unread: [...known.keys()].filter((name) => !isChosen(name)) };
}

interface Listed {
  readonly location: Location;
  readonly description: string;
}

async function listed(session: Session, set: SetLocation, role: Role): Promise<Map<string, Listed>> {
  if (set.place === "bundle")
    return new Map(bundlesIn(set.path).map((name) => [name, { location: bundleOf(set.path, name), description: "" }]));
  const { places, display, interruption } = session;
  const workspaces = await places.workspaces(set, role, interruption.signal);
  for (const { name, artifactRoot } of role === "source" ? workspaces : []) {
    if (artifactRoot !== undefined)
      display.say(`note: the artifact root of workspace ${name}, ${artifactRoot}, stays its own and is not copied`);
  }
  return new Map(
    workspaces.map(({ name, description }) => [name, { location: { ...set, workspace: { name, among: true } }, description }] as const),
  );
}

/** Also those whose export has not ended, so that they are told as missing. */
function bundlesIn(folder: string): string[] {
  const names = readdirSync(folder).flatMap((file) => /^(.+)\.tar(?:\.partial)?$/.exec(file)?.[1] ?? []);
  return [...new Set(names)].sort();
}

function bundleOf(folder: string, name: string): Location {
  return { place: "bundle", path: join(folder, `${name}.tar`) };
}

/** `description`: of a workspace that the target lacks. */
function targetOf(set: SetLocation, name: string, description: string | undefined): Location {
  if (set.place === "bundle") return bundleOf(set.path, name);
  return { ...set, workspace: { name, among: true, ...(description === undefined ? {} : { missing: { description } }) } };
}

function refuseCollisions(renamed: readonly { readonly name: string; readonly to: string }[]): void {
  const holders = new Map<string, string>();
  for (const { name, to } of renamed) {
    if (!WORKSPACE_NAME.pattern.test(to)) {
      throw new MigrationError(
        "NAME_ILLEGAL",
        `workspace ${JSON.stringify(name)} would become ${JSON.stringify(to)}: ${WORKSPACE_NAME.wording}`,
        {
          hint: "change --rename-workspace or the rule in the mapping file",
        },
      );
    }
    const holder = holders.get(to);
    if (holder !== undefined) {
      throw new MigrationError("MAPPING_COLLISION", `workspaces ${holder} and ${name} would both become ${to}`, {
        hint: "change the rules so that every name is used once; nothing was written",
      });
    }
    holders.set(to, name);
  }
}
