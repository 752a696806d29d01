// What hangs on versions of the workspace registry: open requests, and where the workspace lets them be read, past transitions and comments.
import { z } from "zod";
import type { HttpClient, Query } from "../../http/client.ts";
import { MigrationError } from "../../errors.ts";
import type { Stage, StageHistory, StageTransition, VersionEntry } from "../../model/entities.ts";
import { entryKey, PROVENANCE_PREFIX, versionKey } from "../../model/keys.ts";
import { isNote } from "../../model/notes.ts";
import { byVersionAndTime, timeOf } from "../../model/order.ts";
import { stageOf } from "../mlflow/convert.ts";
import { parseWire } from "../mlflow/wire.ts";
import type { WireModelVersion } from "../mlflow/wire.ts";
import { REPLAYED } from "./replay.ts";

const API = "/api/2.0/mlflow";

/** No documented route lists past activities; whether this one is there is found out by asking. */
export const ACTIVITIES_ROUTE = `${API}/activities/list`;

const int64 = z.union([z.number(), z.string()]).transform((value) => BigInt(value));
const text = z.string().default("");
const activity = z.object({
  id: text,
  activity_type: text,
  user_id: text,
  creation_timestamp: int64,
  last_updated_timestamp: int64.optional(),
  comment: text,
  system_comment: text,
  from_stage: text,
  to_stage: text,
});
type Activity = z.infer<typeof activity>;
const listedActivities = z.object({ activities: z.array(activity).default([]), next_page_token: z.string().optional() });
const listedRequests = z.object({ requests: z.array(activity).default([]) });

export interface Entries {
  readonly entries: readonly VersionEntry[];
  readonly history: StageHistory;
}

export interface EntryReader {
  of(version: WireModelVersion, signal: AbortSignal): Promise<Entries>;
  /** Whether past activities can be read; unknown before the first version. */
  readonly listsPast: boolean | undefined;
}

/** The route for past activities is tried once. */
export function createEntryReader(http: HttpClient, route: string = ACTIVITIES_ROUTE): EntryReader {
  let probe: Promise<boolean> | undefined;
  let listsPast: boolean | undefined;
  const pastOf = async (version: WireModelVersion, signal: AbortSignal): Promise<readonly Activity[] | undefined> => {
    if (listsPast === false) return undefined;
    const asked = activities(http, route, { version, signal });
    probe ??= asked.then((found) => (listsPast = found !== undefined));
    // A probe that failed for another reason is made again.
    probe.catch(() => (probe = undefined));
    return asked;
  };
  return {
    async of(version, signal) {
      const [all, open] = await Promise.all([pastOf(version, signal), openRequests(http, version, signal)]);
      const past = all?.flatMap((one) => entryOf(version, one)).sort(inOrder);
      const entries = [...(past ?? []).filter((entry) => !isNoted(version, entry)), ...open.flatMap((one) => requestOf(version, one))];
      return { entries: entries.sort(inOrder), history: historyOf(version, past) };
    },
    get listsPast() {
      return listsPast;
    },
  };
}

function inOrder(a: VersionEntry, b: VersionEntry): number {
  return byVersionAndTime({ key: a.key, time: timeOf(a) }, { key: b.key, time: timeOf(b) });
}

/** Whether mlferry wrote it, and a note on the version tells what it stands for. */
function isNoted({ tags }: WireModelVersion, entry: VersionEntry): boolean {
  const written = entry.kind === "comment" ? entry.text : entry.kind === "stage-transition" ? (entry.comment ?? "") : "";
  return (
    written.endsWith(REPLAYED) &&
    [...tags.keys()].some((key) => key.startsWith(PROVENANCE_PREFIX) && isNote(key.slice(PROVENANCE_PREFIX.length)))
  );
}

/** Undefined where there is no such route, or none for this login. */
async function activities(
  http: HttpClient,
  path: string,
  { version, signal }: { readonly version: WireModelVersion; readonly signal: AbortSignal },
): Promise<readonly Activity[] | undefined> {
  const found: Activity[] = [];
  let token: string | undefined;
  try {
    do {
      const query: Query = [...idOf(version), ...(token === undefined ? [] : [["page_token", token] as const])];
      const page = parseWire(listedActivities, await http.json({ method: "GET", path, query, repeat: "safe" }, signal), path);
      found.push(...page.activities);
      token = page.next_page_token === "" ? undefined : page.next_page_token;
    } while (token !== undefined);
  } catch (thrown) {
    const status = thrown instanceof MigrationError ? thrown.request?.status : undefined;
    if (status === 404 || status === 403 || status === 405 || status === 501) return undefined;
    throw thrown;
  }
  return found;
}

async function openRequests(http: HttpClient, version: WireModelVersion, signal: AbortSignal): Promise<readonly Activity[]> {
  const path = `${API}/transition-requests/list`;
  const answer = await http.json({ method: "GET", path, query: idOf(version), repeat: "safe" }, signal);
  return parseWire(listedRequests, answer, path).requests;
}

function idOf({ name, version }: WireModelVersion): Query {
  return [
    ["name", name],
    ["version", String(version)],
  ];
}

/** Requests and refusals that are over left no trace on the version. */
function entryOf(version: WireModelVersion, one: Activity): VersionEntry[] {
  switch (one.activity_type) {
    case "APPLIED_TRANSITION":
    case "APPROVED_REQUEST":
    case "SYSTEM_TRANSITION": {
      const bySystem = one.activity_type === "SYSTEM_TRANSITION";
      const said = one.comment === "" ? one.system_comment : one.comment;
      const comment = said === "" ? {} : { comment: said };
      const stages = { from: stageOf(one.from_stage), to: stageOf(one.to_stage) };
      return [{ ...base("stage-transition", version, one), ...stages, at: one.creation_timestamp, bySystem, ...comment }];
    }
    case "NEW_COMMENT": {
      const { creation_timestamp: createdAt, last_updated_timestamp: updatedAt = createdAt } = one;
      const edited = updatedAt === createdAt ? {} : { updatedAt };
      return [{ ...base("comment", version, one), text: one.comment, createdAt, ...edited }];
    }
    default:
      return [];
  }
}

function requestOf(version: WireModelVersion, one: Activity): VersionEntry[] {
  const comment = one.comment === "" ? {} : { comment: one.comment };
  return [{ ...base("transition-request", version, one), to: stageOf(one.to_stage), createdAt: one.creation_timestamp, ...comment }];
}

function base<K extends VersionEntry["kind"]>(
  kind: K,
  { name, version }: WireModelVersion,
  { id, user_id: user, creation_timestamp: at }: Activity,
) {
  const native = /^\w+$/.test(id) ? id : String(at);
  return {
    kind,
    key: entryKey(kind, { model: name, version }, native),
    needs: [versionKey(name, version)],
    mayReference: [],
    provenance: new Map<string, string>(),
    model: name,
    version,
    ...(user === "" ? {} : { user }),
  };
}

/** `entries`: all that is known of the past; undefined where nothing can be. */
function historyOf(version: WireModelVersion, entries: readonly VersionEntry[] | undefined): StageHistory {
  const since = version.creation_timestamp === undefined ? {} : { since: version.creation_timestamp };
  if (entries === undefined)
    return { state: "unavailable", reason: "the workspace offers no route that lists past transitions and comments" };
  const transitions = entries.filter((entry): entry is StageTransition => entry.kind === "stage-transition");
  if (isWhole(transitions, stageOf(version.current_stage))) return { state: "complete", ...since };
  return { state: "partial", reason: "the activities that the workspace lists do not lead to the version's stage" };
}

/** From None on, each transition begins where the one before ended, and the last ends in the version's stage. */
function isWhole(transitions: readonly StageTransition[], last: Stage): boolean {
  let stage: Stage = "None";
  for (const { from, to } of transitions) {
    if (from !== stage) return false;
    stage = to;
  }
  return stage === last;
}
