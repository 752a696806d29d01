// What a Databricks workspace whose models live in Unity Catalog can hold. Experiments, runs and logged models are the
// workspace's own MLflow; registered models, versions and aliases have Unity Catalog's limits.
import { ENTRY_KINDS } from "../../model/entities.ts";
import type { Capabilities, TagLimits } from "../../ports/capabilities.ts";

/** https://docs.databricks.com/en/database-objects/tags.html: at most 50 tags on one object, and a key alphabet of its own. */
export const CATALOG_TAGS: TagLimits = {
  keyChars: 255,
  valueChars: 1000,
  count: 50,
  // The listed characters anywhere, and spaces at either end.
  keyRefuses: /[.,\-=/:]|(?<=^ *) | (?= *$)/gu,
  packs: true,
};

/** mlflow/utils/validation.py: letters, digits, `_ / - . :` and spaces, at most 250 characters. */
const KEY_REFUSES = /[^\p{L}\p{N}_/.\- :]/gu;

/**
 * A memory place with these capabilities refuses what Unity Catalog refuses. Part rules:
 * https://docs.databricks.com/en/sql/language-manual/sql-ref-names.html; aliases: mlflow/utils/validation.py.
 */
export const unityCatalogCapabilities: Capabilities = {
  place: "Unity Catalog",
  kinds: new Set(["experiment", "run", "logged-model", "registered-model", "model-version", "alias"]),
  notes: new Set(ENTRY_KINDS),
  stages: false,
  versionNumbers: "assigned",
  creationTimes: "assigned",
  versionFiles: "own-copy",
  versionModels: true,
  // MLflow's client refuses the argument, and the messages have no such field.
  runLinks: false,
  // MLflow's client registers nothing without one there (mlflow/store/_unity_catalog/registry/rest_store.py).
  versionSignatures: true,
  // MLflow's client registers none outside of a workspace (mlflow/store/_unity_catalog/registry/rest_store.py).
  tablesMustBeMapped: true,
  infinities: false,
  names: {
    registeredModel: {
      pattern: /^[^./ \p{Cc}\p{CWL}]{1,255}(\.[^./ \p{Cc}\p{CWL}]{1,255}){2}$/u,
      wording: "catalog.schema.model in lower case, each part without dots, spaces, slashes and control characters and at most 255 long",
    },
    loggedModel: { pattern: /^[^/:.%"']+$/u, wording: "no / : . % \" or '" },
    alias: {
      pattern: /^(?!latest$|v\d+$)[\w-]{1,255}$/i,
      wording: "letters, digits, _ and -, at most 255 long, neither latest nor v and a number",
    },
  },
  tags: {
    experiment: { keyChars: 250, valueChars: 20_000, keyRefuses: KEY_REFUSES },
    run: { keyChars: 250, valueChars: 8000, keyRefuses: KEY_REFUSES },
    "logged-model": { keyChars: 250, valueChars: 8000, keyRefuses: KEY_REFUSES },
    "registered-model": CATALOG_TAGS,
    "model-version": CATALOG_TAGS,
  },
  paramValueChars: 6000,
};

/** The same of a workspace, with what its own MLflow can hold. */
export function catalogCapabilities(workspace: Capabilities): Capabilities {
  const { stages, versionFiles, versionModels, names, tags } = unityCatalogCapabilities;
  const { registeredModel, alias } = names;
  return {
    ...workspace,
    place: "Unity Catalog on Databricks",
    kinds: unityCatalogCapabilities.kinds,
    notes: new Set(ENTRY_KINDS),
    stages,
    versionFiles,
    ...(versionModels === undefined ? {} : { versionModels }),
    runLinks: false,
    versionSignatures: true,
    tablesMustBeMapped: true,
    names: { ...workspace.names, ...(registeredModel && { registeredModel }), ...(alias && { alias }) },
    tags: { ...workspace.tags, "registered-model": tags["registered-model"] ?? {}, "model-version": tags["model-version"] ?? {} },
    descriptionChars: 65_536,
  };
}
