// Where the files of a version go at the target, whose run it names there, and which logged model. A part of reconcile.ts, and as pure.
import type { EntityKey, ModelVersion, VersionFiles } from "../model/entities.ts";
import { idOf } from "../model/keys.ts";
import { filesText } from "../model/facts.ts";
import type { Capabilities } from "../ports/capabilities.ts";
import type { Change } from "./change.ts";
import { hasNoTags } from "./tag-limits.ts";
import { NOT_HELD } from "./not-held.ts";

/** Where a version's run is kept when its files had to go to a carrier run, which then is the version's run. */
export const RUN_TAG = "source_run";

/** Where the logged model is kept that a version was made from, where versions cannot name one. */
export const LOGGED_MODEL_TAG = "source_logged_model";

export interface FilesContext {
  readonly capabilities: Capabilities;
  readonly changes: Change[];
}

type Placed = Pick<ModelVersion, "files" | "needs"> & { readonly run?: EntityKey };

/** Files and run of a version, as the target's way of keeping them wants; see Capabilities.versionFiles. Facts for tags go to `extra`. */
export function placeFiles(version: ModelVersion, context: FilesContext, extra: Map<string, string>): Placed {
  const { files } = version;
  if ((files.owner === "logged-model" || files.owner === "run") && !context.capabilities.kinds.has(files.owner)) {
    const rule = `the target has no ${NOT_HELD[files.owner]}: the version gets their files as its own`;
    translate(context, files, { owner: "own" }, rule);
    const own: ModelVersion = { ...version, files: { owner: "own" }, needs: version.needs.filter((key) => key !== files.key) };
    return placeFiles(own, context, extra);
  }
  switch (context.capabilities.versionFiles) {
    case "any":
    case "by-free-reference":
      return namingModel(version, context, extra);
    case "own-copy":
      return files.owner === "own" ? namingModel(version, context, extra) : ownCopy(version, files, context);
    case "by-reference":
      return referToFiles(namingModel(version, context, extra), version.run, { context, extra });
  }
}

/** The logged model of a version with its own files, where the target can tell it: else it becomes a tag. */
function namingModel(version: ModelVersion, context: FilesContext, extra: Map<string, string>): Pick<ModelVersion, "files" | "needs"> {
  const { files, needs } = version;
  const { capabilities, changes } = context;
  if (files.owner !== "own" || files.loggedModel === undefined) return { files, needs };
  const { loggedModel } = files;
  // One that is not there cannot be named.
  if (capabilities.versionModels === true && needs.includes(loggedModel)) return { files, needs };
  const rule = "versions of the target name no logged model that is not there";
  const change = { field: "files", from: filesText(files), rule };
  const isLost = hasNoTags(capabilities.tags["model-version"]);
  if (!isLost) extra.set(LOGGED_MODEL_TAG, idOf(loggedModel));
  changes.push(isLost ? { ...change, class: "lost" } : { ...change, class: "translated", to: `own, tag ${LOGGED_MODEL_TAG}` });
  return { files: { owner: "own" }, needs: needs.filter((key) => key !== loggedModel) };
}

function ownCopy(version: ModelVersion, files: Exclude<VersionFiles, { owner: "own" }>, context: FilesContext): Placed {
  const isModel = files.owner === "logged-model" && files.path === "" && context.capabilities.versionModels === true;
  const own: VersionFiles = isModel ? { owner: "own", loggedModel: files.key } : { owner: "own" };
  translate(context, files, own, "the target keeps a copy of each version's files");
  return { files: own, needs: files.owner === "version" ? version.needs.filter((key) => key !== files.key) : version.needs };
}

/** The run that holds the files is the version's run, at such a target; another run is kept as a tag. */
function referToFiles(
  { files, needs }: Pick<ModelVersion, "files" | "needs">,
  run: EntityKey | undefined,
  { context, extra }: { readonly context: FilesContext; readonly extra: Map<string, string> },
): Placed {
  const holder = files.owner === "run" ? { run: files.key } : {};
  if (run !== undefined && (files.owner === "own" || (files.owner === "run" && files.key !== run))) {
    extra.set(RUN_TAG, idOf(run));
    const rule = files.owner === "own" ? "files outside the run go to a carrier run" : "the run that holds the files is the version's run";
    context.changes.push({ field: "run", class: "translated", from: run, to: `tag ${RUN_TAG}`, rule });
  }
  return { files, needs, ...holder };
}

function translate({ changes }: FilesContext, from: VersionFiles, to: VersionFiles, rule: string): void {
  changes.push({ field: "files", class: "translated", from: filesText(from), to: filesText(to), rule });
}
