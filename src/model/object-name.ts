// The ways in which people write which object they mean: mlferry's keys, MLflow's URIs, bare ids.
import { KINDS } from "./entities.ts";
import type { EntityKey } from "./entities.ts";
import { aliasKey, idOf, isEntryKey, keyOf, kindOf, modelOf, versionKey } from "./keys.ts";

/** How an object was named. `write` names another object in the same form, such as `runs:/<its id>/model`. */
export type ObjectName =
  | { readonly by: "key"; readonly key: EntityKey; readonly write: (key: EntityKey) => string }
  /** `experiment:NAME-OR-ID`. */
  | { readonly by: "experiment"; readonly text: string; readonly write: (key: EntityKey) => string }
  /** `models:/NAME@ALIAS`: the version that the alias points to. */
  | { readonly by: "alias"; readonly key: EntityKey; readonly write: (key: EntityKey) => string }
  /** `models:/NAME/STAGE`, or `latest`: the highest version there. */
  | { readonly by: "stage"; readonly model: EntityKey; readonly stage: string };

/** For errors: every form that {@link parseObjectName} knows. */
export const OBJECT_FORMS =
  "known forms: run:ID, a run id, runs:/ID, experiment:NAME-OR-ID, models:/NAME, models:/NAME/3, models:/NAME@ALIAS, models:/NAME/STAGE, " +
  "models:/m-ID, registered-model:NAME, model-version:NAME/3, alias:NAME/ALIAS, logged-model:m-ID, or any other key that mlferry shows";

/** Reads a name; undefined where it has none of the forms. Names of models are taken literally, never as patterns. */
export function parseObjectName(text: string): ObjectName | undefined {
  if (/^[0-9a-f]{32}$/.test(text)) return { by: "key", key: keyOf("run", text), write: idOf };
  if (/^m-[0-9a-f]{32}$/.test(text)) return { by: "key", key: keyOf("logged-model", text), write: idOf };
  if (/^\d+$/.test(text)) return { by: "experiment", text, write: idOf };
  const [, scheme, rest = ""] = /^(runs|models):\/+(.+)$/s.exec(text) ?? [];
  if (scheme === "runs") return runUri(rest);
  return scheme === "models" ? modelUri(rest) : fromKey(text);
}

function fromKey(text: string): ObjectName | undefined {
  const [, kind, id = ""] = new RegExp(`^(${KINDS.join("|")}):(.+)$`, "s").exec(text) ?? [];
  if (kind === undefined) return undefined;
  if (kind === "experiment") return { by: "experiment", text: id, write: (key) => key };
  const key = text as EntityKey;
  const isWhole =
    (kind === "run" && !id.startsWith("/")) ||
    kind === "registered-model" ||
    kind === "logged-model" ||
    kind === "permission" ||
    kind === "webhook" ||
    (isEntryKey(key) && /.\/\d+\/\w+$/s.test(id)) ||
    (kind === "model-version" && /.\/\d+$/s.test(id)) ||
    (kind === "alias" && /.\/[^/]+$/s.test(id));
  return isWhole ? { by: "key", key, write: (other) => other } : undefined;
}

function runUri(rest: string): ObjectName {
  const end = rest.indexOf("/");
  const [id, path] = end < 0 ? [rest, ""] : [rest.slice(0, end), rest.slice(end)];
  return { by: "key", key: keyOf("run", id), write: (key) => `runs:/${idOf(key)}${path}` };
}

/** As MLflow reads it (mlflow/store/artifact/utils/models.py): the last slash or @ parts the name from what follows. */
function modelUri(rest: string): ObjectName {
  const write = (key: EntityKey): string => `models:/${kindOf(key) === "alias" ? aliasText(key) : idOf(key)}`;
  const [, logged, path = ""] = /^(m-[0-9a-f]{32})(\/.*)?$/s.exec(rest) ?? [];
  if (logged !== undefined) {
    return { by: "key", key: keyOf("logged-model", logged), write: (key) => `models:/${idOf(key)}${path}` };
  }
  const [, versioned, number] = /^(.+)\/(\d+)$/s.exec(rest) ?? [];
  if (versioned !== undefined) return { by: "key", key: versionKey(versioned, Number(number)), write };
  const [, staged, stage] = /^(.+)\/([^/@]+)$/s.exec(rest) ?? [];
  if (staged !== undefined && stage !== undefined) return { by: "stage", model: keyOf("registered-model", staged), stage };
  const [, aliased, alias] = /^(.+)@([^/@]+)$/s.exec(rest) ?? [];
  if (aliased !== undefined && alias !== undefined) return { by: "alias", key: aliasKey(aliased, alias), write };
  return { by: "key", key: keyOf("registered-model", rest), write };
}

function aliasText(key: EntityKey): string {
  const model = idOf(modelOf(key));
  return `${model}@${idOf(key).slice(model.length + 1)}`;
}

/** The URI by which MLflow's own client knows the object; undefined where it has none. */
export function uriOf(key: EntityKey): string | undefined {
  switch (kindOf(key)) {
    case "run":
      return `runs:/${idOf(key)}`;
    case "logged-model":
    case "registered-model":
    case "model-version":
      return `models:/${idOf(key)}`;
    case "alias":
      return `models:/${aliasText(key)}`;
    case "experiment":
    case "stage-transition":
    case "comment":
    case "transition-request":
    case "permission":
    case "webhook":
      return undefined;
  }
}
