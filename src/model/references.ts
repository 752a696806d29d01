// Which tags hold ids of other objects.

/**
 * Tags whose values are, or hold, ids of runs and logged models: rewritten when those are placed (model/localise.ts).
 * `mlflow.parentRunId` is an id; `mlflow.log-model.history` a JSON list with run_id and model_uuid; `source_run` is
 * mlferry's own (engine/reconcile.ts). Source: mlflow/utils/mlflow_tags.py.
 */
export const REFERENCE_TAGS: readonly string[] = ["mlflow.parentRunId", "mlflow.log-model.history", "mlflow.sourceRun", "source_run"];
