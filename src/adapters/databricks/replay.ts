// Writes a version's past into the workspace registry: each transition is made once more, and each comment written anew, with their author
// and time in the text, since the workspace gives them its own. A note on the version keeps what was meant, and says that it is there.
import { MigrationError } from "../../errors.ts";
import type { Comment, ModelVersion, PlacedKey, StageTransition } from "../../model/entities.ts";
import { entryId, PROVENANCE_PREFIX } from "../../model/keys.ts";
import type { PutContext } from "../../ports/target.ts";
import type { RegistryWriting } from "../mlflow/registry-half.ts";
import type { Calls } from "../mlflow/target-calls.ts";
import type { VersionThere } from "../mlflow/target-registry-reads.ts";

export interface ReplayParts {
  readonly calls: Calls;
  /** Writes and finds notes. */
  readonly notes: RegistryWriting;
  readonly version: (name: string, number: number, signal: AbortSignal) => Promise<VersionThere>;
}

/** Ends the text of everything that was written anew: readers know by it what has a note. */
export const REPLAYED = "(brought here by mlferry)";

/** Moves the version on. Nothing is archived by it: what that did at the source is a transition of its own. */
export async function putTransition(parts: ReplayParts, transition: StageTransition, context: PutContext): Promise<PlacedKey> {
  const { calls, notes } = parts;
  const { model: name, version, to } = transition;
  const { signal } = context;
  const body = { name, version: String(version), stage: to, archive_existing_versions: false, comment: transitionText(transition) };
  const isThere = async (): Promise<boolean> => (await parts.version(name, version, signal)).stage === to;
  // A job that was cut off after the call, and before the note, has moved it already.
  if (context.isPast !== true && !(await isThere())) {
    try {
      await calls.create("databricks/model-versions/transition-stage", body, signal);
    } catch (thrown) {
      if (!(thrown instanceof MigrationError) || thrown.code !== "OUTCOME_UNKNOWN" || !(await isThere())) throw thrown;
    }
  }
  return notes.put(transition, context);
}

/** Gives a version the stage that its transitions did not bring it to. */
export async function setStage(
  { calls, version: read }: ReplayParts,
  { model: name, version, stage }: Pick<ModelVersion, "model" | "version" | "stage">,
  signal: AbortSignal,
): Promise<void> {
  if ((await read(name, version, signal)).stage === stage) return;
  const body = { name, version: String(version), stage, archive_existing_versions: false };
  await calls.post("model-versions/transition-stage", body, signal);
}

/**
 * Writes the comment. No route lists comments, so a tag says beforehand that one is on its way: where it is still there the answer was lost,
 * and the comment is not sent again. Throws OUTCOME_UNKNOWN.
 */
export async function putComment(parts: ReplayParts, comment: Comment, context: PutContext): Promise<PlacedKey> {
  const { calls, notes } = parts;
  const { model: name, version } = comment;
  const { signal } = context;
  const id = { name, version: String(version) };
  const tag = `${PROVENANCE_PREFIX}sending_comment_${entryId(comment.key)}`;
  if (!(await isNoted(parts, comment, context))) {
    if ((await parts.version(name, version, signal)).allTags.has(tag)) throw unknown(comment, tag);
    await calls.post("model-versions/set-tag", { ...id, key: tag, value: "on its way" }, signal);
    try {
      await calls.create("comments/create", { ...id, comment: commentText(comment) }, signal);
    } catch (thrown) {
      if (thrown instanceof MigrationError && thrown.code === "OUTCOME_UNKNOWN") throw unknown(comment, tag, thrown);
      if (!(thrown instanceof MigrationError) || thrown.code !== "INTERRUPTED") {
        await calls.remove("DELETE", "model-versions/delete-tag", { ...id, key: tag }, signal);
      }
      throw thrown;
    }
  }
  const key = await notes.put(comment, context);
  await calls.remove("DELETE", "model-versions/delete-tag", { ...id, key: tag }, signal);
  return key;
}

async function isNoted({ notes }: ReplayParts, comment: Comment, context: PutContext): Promise<boolean> {
  return (await notes.find(comment, context)) !== undefined;
}

function transitionText({ comment, user, at, from, to, bySystem }: StageTransition): string {
  const who = bySystem ? "by the registry" : `by ${user ?? "somebody"}`;
  return [...(comment === undefined ? [] : [comment]), `${from} → ${to} ${who}, ${timeText(at)} ${REPLAYED}`].join("\n\n");
}

function commentText({ text, user, createdAt }: Comment): string {
  return `${text}\n\n${user ?? "somebody"}, ${timeText(createdAt)} ${REPLAYED}`;
}

function timeText(ms: bigint): string {
  return new Date(Number(ms)).toISOString();
}

function unknown({ model, version, key }: Comment, tag: string, cause?: MigrationError): MigrationError {
  return new MigrationError(
    "OUTCOME_UNKNOWN",
    `it is not known whether a comment reached version ${String(version)} of ${JSON.stringify(model)}`,
    {
      key,
      hint: `look at the version in the workspace: where the comment is missing, delete the version's tag ${tag} and run the same command again`,
      ...(cause === undefined ? {} : { cause }),
    },
  );
}
