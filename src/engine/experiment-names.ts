// What an experiment is called at the target: by the mapping, and where no rule names it, by what the place has of such names already.
import type { Experiment } from "../model/entities.ts";
import type { Mapping, Renamed } from "../model/mapping.ts";
import type { Capabilities } from "../ports/capabilities.ts";

/** Marks an experiment that is a notebook's, with the notebook's path for a name (mlflow/utils/mlflow_tags.py). */
const TYPE_TAG = "mlflow.experimentType";

/** `rule` says why it is another name. */
export function experimentName(
  { name, tags }: Pick<Experiment, "name" | "tags">,
  { mapping, capabilities }: { readonly mapping: Pick<Mapping, "experiment">; readonly capabilities: Pick<Capabilities, "notebookSuffix"> },
): Renamed {
  const renamed = mapping.experiment(name);
  const suffix = capabilities.notebookSuffix;
  if (renamed.rule !== undefined || suffix === undefined || tags.get(TYPE_TAG) !== "NOTEBOOK") return renamed;
  return { name: `${name}${suffix}`, rule: "the name is a notebook's, beside which the experiment stands by itself" };
}
