// Stage transitions, comments and transition requests of the workspace registry. Only open requests can be listed.
import { compact, fields, invalid, missing, optional, Refused, required } from "./answer.ts";
import type { Call, Json } from "./answer.ts";
import { versionJson, versionOf } from "./registry.ts";
import type { Routes } from "./routes.ts";
import { there } from "./state.ts";
import type { Activity, State, Version } from "./state.ts";

const API = String.raw`\/api\/2\.0\/mlflow`;

export const activityRoutes: Routes = [
  [
    new RegExp(`^POST ${API}\\/model-versions\\/transition-stage$`),
    (state, call) => ({ model_version: versionJson(transition(state, call)) }),
  ],
  [new RegExp(`^POST ${API}\\/databricks\\/model-versions\\/transition-stage$`), transitionWithComment],
  [new RegExp(`^POST ${API}\\/comments\\/create$`), createComment],
  [new RegExp(`^PATCH ${API}\\/comments\\/update$`), updateComment],
  [new RegExp(`^DELETE ${API}\\/comments\\/delete$`), (state, call) => (state.activities.delete(commentOf(state, call).id), {})],
  [new RegExp(`^POST ${API}\\/transition-requests\\/create$`), createRequest],
  [new RegExp(`^GET ${API}\\/transition-requests\\/list$`), listRequests],
  [new RegExp(`^POST ${API}\\/transition-requests\\/(?<verdict>approve|reject)$`), answerRequest],
  [new RegExp(`^DELETE ${API}\\/transition-requests\\/delete$`), cancelRequest],
  [new RegExp(`^GET ${API}\\/activities\\/list$`), listActivities],
];

const STAGES = ["None", "Staging", "Production", "Archived"];

function stageIn(from: Json): string {
  const text = required(from, "stage");
  const stage = STAGES.find((one) => one.toLowerCase() === text.toLowerCase());
  if (stage === undefined) throw invalid(`Invalid Model Version stage: ${text}. Value must be one of ${STAGES.join(", ")}.`);
  return stage;
}

function transition(state: State, call: Call): Version {
  const version = versionOf(state, call);
  const stage = stageIn(call.body);
  if (call.body["archive_existing_versions"] === undefined)
    throw invalid("Missing value for required parameter 'archive_existing_versions'.");
  const archive = call.body["archive_existing_versions"] === true || call.body["archive_existing_versions"] === "true";
  move(state, version, { type: "APPLIED_TRANSITION", user: call.user, to: stage, comment: optional(call.body, "comment") ?? "" });
  if (!archive) return version;
  for (const other of state.model(version.model).versions.values()) {
    if (other === version || other.stage !== stage) continue;
    move(state, other, { type: "SYSTEM_TRANSITION", user: call.user, to: "Archived", comment: "" });
  }
  return version;
}

function move(
  state: State,
  version: Version,
  { type, user, to, comment }: Pick<Activity, "type" | "user" | "comment"> & { to: string },
): Activity {
  const activity = note(state, version, { type, user, comment, from: version.stage, to });
  version.stage = to;
  version.updated = activity.created;
  state.model(version.model).updated = activity.created;
  return activity;
}

function note(state: State, version: Version, draft: Pick<Activity, "type" | "user" | "comment" | "from" | "to" | "open">): Activity {
  const created = state.now();
  const activity: Activity = { ...draft, id: state.hex(), created, updated: created, model: version.model, version: version.number };
  state.activities.set(activity.id, activity);
  return activity;
}

function transitionWithComment(state: State, call: Call): Json {
  const version = transition(state, call);
  const requests = requestsFor(state, version).map(activityJson);
  return { model_version_databricks: compact({ ...versionJson(version), permission_level: "CAN_MANAGE", open_requests: requests }) };
}

function createComment(state: State, call: Call): Json {
  const comment = required(call.body, "comment");
  return { comment: commentJson(note(state, versionOf(state, call), { type: "NEW_COMMENT", user: call.user, comment })) };
}

function commentOf(state: State, call: Call): Activity {
  const comment = there(state.activities.get(required(fields(call), "id")), "No comment with this id.");
  if (comment.user !== call.user) throw new Refused(403, "PERMISSION_DENIED", "Only the author may change a comment.");
  return comment;
}

function updateComment(state: State, call: Call): Json {
  const comment = commentOf(state, call);
  comment.comment = required(call.body, "comment");
  comment.updated = state.now();
  return { comment: commentJson(comment) };
}

const requestsFor = (state: State, version: Version): Activity[] =>
  [...state.activities.values()].filter((one) => one.open === true && one.model === version.model && one.version === version.number);

function createRequest(state: State, call: Call): Json {
  const version = versionOf(state, call);
  const to = stageIn(call.body);
  if (requestsFor(state, version).some((one) => one.to === to && one.user === call.user)) {
    throw new Refused(400, "RESOURCE_ALREADY_EXISTS", `A request to ${to} by ${call.user} is open already.`);
  }
  const comment = optional(call.body, "comment") ?? "";
  const request = note(state, version, { type: "REQUESTED_TRANSITION", user: call.user, comment, from: version.stage, to, open: true });
  const { user, created } = request;
  return {
    request: compact({
      to_stage: to,
      user_id: user,
      creation_timestamp: created,
      comment,
      available_actions: ["CANCEL_TRANSITION_REQUEST"],
    }),
  };
}

function listRequests(state: State, call: Call): Json {
  return compact({ requests: requestsFor(state, versionOf(state, call)).map(activityJson) });
}

function answerRequest(state: State, call: Call): Json {
  const version = versionOf(state, call);
  const to = stageIn(call.body);
  const request = requestsFor(state, version).find((one) => one.to === to);
  if (request === undefined) throw missing(`No open request of ${version.model} version ${String(version.number)} to ${to}.`);
  request.open = false;
  const comment = optional(call.body, "comment") ?? "";
  if (call.parts["verdict"] === "reject") {
    return {
      activity: activityJson(note(state, version, { type: "REJECTED_REQUEST", user: call.user, comment, from: version.stage, to })),
    };
  }
  return { activity: activityJson(move(state, version, { type: "APPROVED_REQUEST", user: call.user, to, comment })) };
}

function cancelRequest(state: State, call: Call): Json {
  const from = fields(call);
  const version = versionOf(state, call);
  const [to, creator] = [stageIn(from), required(from, "creator")];
  const request = requestsFor(state, version).find((one) => one.to === to && one.user === creator);
  if (request === undefined) throw missing(`No open request by ${creator} to ${to}.`);
  request.open = false;
  return {
    activity: activityJson(note(state, version, { type: "CANCELLED_REQUEST", user: call.user, comment: "", from: version.stage, to })),
  };
}

/** No documented route lists what has passed; whether there is one at all is not known. */
function listActivities(state: State, call: Call): Json {
  if (!state.rules.listsActivities) throw new Refused(404, "ENDPOINT_NOT_FOUND", "No API found for 'GET /mlflow/activities/list'");
  const version = versionOf(state, call);
  const all = [...state.activities.values()].filter((one) => one.model === version.model && one.version === version.number);
  return compact({ activities: all.map(activityJson) });
}

function activityJson({ id, type, user, created, updated, comment, from, to }: Activity): Json {
  const times = { creation_timestamp: created, last_updated_timestamp: updated };
  return compact({ id, activity_type: type, user_id: user, ...times, comment, from_stage: from, to_stage: to });
}

function commentJson({ id, user, created, updated, comment }: Activity): Json {
  const times = { creation_timestamp: created, last_updated_timestamp: updated };
  return { id, comment, user_id: user, ...times, available_actions: ["EDIT_COMMENT", "DELETE_COMMENT"] };
}
