// What a Databricks workspace can hold, as its API's reference and its clients tell; no limit here was measured on a real one.
import type { Kind } from "../../model/entities.ts";
import type { Capabilities } from "../../ports/capabilities.ts";
import { MLFLOW_KINDS } from "../mlflow/capabilities.ts";

/** Keys of params, metrics and tags (databricks-sdk, service/ml.py). */
const KEYS = { keyChars: 250, keyRefuses: /[^A-Za-z0-9_.\-: /]/g } as const;
/** Notebooks, jobs, clusters and owners of one workspace mean nothing, or something else, in another. */
const OF_WORKSPACE = /^mlflow\.(databricks\.|ownerId$|experimentType$|experiment\.source(Name|Type)$)/;

const REGISTRY_TAGS = { ...KEYS, valueChars: 5000 } as const;

/** What a workspace with its own model registry holds: stages and no aliases. */
export function workspaceCapabilities({ paramValueChars }: { readonly paramValueChars: number }): Capabilities {
  return {
    place: "Databricks workspace",
    kinds: new Set<Kind>([...MLFLOW_KINDS.filter((kind) => kind !== "alias"), "stage-transition", "comment", "webhook"]),
    // One that is written is mailed to people.
    notes: new Set<Kind>(["transition-request"]),
    replaysTransitions: true,
    webhooks: "disabled",
    stages: true,
    versionNumbers: "assigned",
    creationTimes: "assigned",
    runUsers: "assigned",
    versionFiles: "by-free-reference",
    infinities: false,
    names: {
      experiment: {
        pattern: /^(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)+$/su,
        wording:
          "an absolute path in the workspace, such as /Shared/migrated/churn: map it, as in experiments: [{ from: '*', to: '/Shared/migrated/*' }]",
      },
      registeredModel: { pattern: /^[^/:.\0]+$/su, wording: "at least one character, none of / : ." },
      loggedModel: { pattern: /^[^/:.%"']+$/su, wording: "at least one character, none of / : . % \" '" },
    },
    notebookSuffix: " (runs)",
    tags: {
      experiment: { ...KEYS, keysOfPlace: OF_WORKSPACE, valueChars: 5000, count: 1000 },
      run: { ...KEYS, keysOfPlace: OF_WORKSPACE, valueChars: 65_535, count: 1600 },
      "logged-model": { ...KEYS, valueChars: 5000 },
      "registered-model": REGISTRY_TAGS,
      "model-version": REGISTRY_TAGS,
    },
    paramValueChars,
    filePathRefuses: {
      // eslint-disable-next-line no-control-regex -- control characters are what is looked for
      pattern: /[\u0000-\u001f\u007f]|\p{Surrogate}|^\/|\/$|\/\/|(^|\/)\.{1,2}(\/|$)/u,
      wording: "the workspace cannot store a path with control characters or with empty, . or .. parts",
    },
  };
}
