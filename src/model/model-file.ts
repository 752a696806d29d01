// What the files of a model say of it: its signature, who loads it, and from where its environment comes. Pure; nothing is trusted.
import { z } from "zod";
import { isDefaults } from "./conda-channels.ts";
import { yamlValue } from "./yaml-value.ts";

/** The path of a model's description below its folder, and of its environment. */
export const MODEL_FILE = "MLmodel";
export const CONDA_FILE = "conda.yaml";

/** What a file `MLmodel` says (https://mlflow.org/docs/latest/ml/model/). */
export interface ModelFile {
  readonly hasInputs: boolean;
  readonly hasOutputs: boolean;
  /** The model looks up features in tables of a Databricks feature store when it predicts. */
  readonly usesFeatureStore: boolean;
}

/** Undefined for a text that is no `MLmodel`. */
export function parseModelFile(text: string): ModelFile | undefined {
  const parsed = modelFileSchema.safeParse(yamlValue(text));
  if (!parsed.success) return undefined;
  const { signature, flavors } = parsed.data;
  return {
    hasInputs: isGiven(signature?.inputs),
    hasOutputs: isGiven(signature?.outputs),
    usesFeatureStore: FEATURE_STORE.test(flavors?.python_function?.loader_module ?? ""),
  };
}

/**
 * Whether an environment takes packages from the channel `defaults`, which an organisation may need a licence for; conda does so also where
 * no channel is named, unless `nodefaults` is. Undefined for a text that is no conda environment.
 */
export function usesDefaultChannel(text: string): boolean | undefined {
  const parsed = condaSchema.safeParse(yamlValue(text));
  if (!parsed.success) return undefined;
  const channels = parsed.data.channels ?? [];
  if (channels.includes("nodefaults")) return false;
  const dependencies = parsed.data.dependencies ?? [];
  // A package may name its channel by itself, whatever the list says.
  return (
    channels.length === 0 || channels.some(isDefaults) || dependencies.some((one) => typeof one === "string" && /^defaults::/.test(one))
  );
}

/** The loaders of models that Databricks' feature store packages, of its three client libraries. */
const FEATURE_STORE = /^databricks\.(feature_store|feature_engineering|ml_features)\b/;

const modelFileSchema = z.object({
  signature: z.object({ inputs: z.unknown(), outputs: z.unknown() }).partial().nullish(),
  flavors: z.object({ python_function: z.object({ loader_module: z.string().optional() }).optional() }).nullish(),
});

const condaSchema = z.object({ channels: z.array(z.string()).nullish(), dependencies: z.array(z.unknown()).nullish() });

/** A signature's parts are JSON texts; `null` and empty ones say nothing. */
function isGiven(part: unknown): boolean {
  return typeof part === "string" && !["", "null", "[]"].includes(part.trim());
}
