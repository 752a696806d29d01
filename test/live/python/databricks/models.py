"""A model's way through a Databricks workspace, by MLflow's own client: run, files, workspace registry, Unity Catalog. Prints what came back."""

import argparse
import contextlib
import json
import os
import sys
import tempfile
import warnings

warnings.filterwarnings("ignore")
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"

import mlflow  # noqa: E402
import numpy as np  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.models import infer_signature  # noqa: E402
from mlflow.models.resources import DatabricksTable  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402

INPUT = np.array([[1.0], [2.0]])


class Doubling(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input * 2


def tracked():
    """An experiment with one run: values, a file, a model."""
    mlflow.set_tracking_uri("databricks")
    mlflow.set_experiment("/Shared/training")
    named = {"name": "model"} if mlflow.__version__ >= "3" else {"artifact_path": "model"}
    with mlflow.start_run(run_name="first") as run:
        mlflow.log_params({"depth": "3"})
        for step, value in enumerate([1.5, float("nan"), 2.5]):
            mlflow.log_metric("loss", value, step=step)
        mlflow.set_tag("team", "a")
        mlflow.log_text("hello", "notes/a b.txt")
        signature = infer_signature(INPUT, INPUT * 2)
        resources = [DatabricksTable(table_name="main.ml.customers")]
        info = mlflow.pyfunc.log_model(python_model=Doubling(), signature=signature, pip_requirements=[], resources=resources, **named)
    return run.info.run_id, info.model_uri


def run_as_read(run_id):
    client = MlflowClient()
    run = client.get_run(run_id)
    with tempfile.TemporaryDirectory() as folder:
        with open(client.download_artifacts(run_id, "notes/a b.txt", folder), encoding="utf8") as file:
            note = file.read()
    return {
        "params": run.data.params,
        "team": run.data.tags["team"],
        "history": [str(metric.value) for metric in client.get_metric_history(run_id, "loss")],
        "note": note,
        "found": len(client.search_runs([run.info.experiment_id], "tags.team = 'a'")),
    }


def in_workspace_registry(run_id, uri):
    mlflow.set_registry_uri("databricks")
    client = MlflowClient()
    client.create_registered_model("churn", tags={"owner": "team-a"}, description="who leaves")
    version = client.create_model_version("churn", uri, run_id)
    client.transition_model_version_stage("churn", version.version, "Production")
    client.set_model_version_tag("churn", version.version, "reviewed.by", "b")
    latest = client.get_latest_versions("churn")[0]
    return {
        "version": latest.version,
        "stage": latest.current_stage,
        "tags": client.get_model_version("churn", "1").tags,
        "predicts": mlflow.pyfunc.load_model("models:/churn/1").predict(INPUT).tolist(),
    }


def in_unity_catalog(uri):
    mlflow.set_registry_uri("databricks-uc")
    client = MlflowClient(registry_uri="databricks-uc")
    client.create_registered_model("main.ml.churn", tags={"owner": "a"}, description="who leaves")
    version = mlflow.register_model(uri, "main.ml.churn")
    client.set_registered_model_alias("main.ml.churn", "champion", version.version)
    client.set_model_version_tag("main.ml.churn", version.version, "source_stage", "Production")
    by_alias = client.get_model_version_by_alias("main.ml.churn", "champion")
    return {
        "version": by_alias.version,
        "status": by_alias.status,
        "tags": by_alias.tags,
        "predicts": mlflow.pyfunc.load_model("models:/main.ml.churn@champion").predict(INPUT).tolist(),
        "two_levels": refusal(lambda: client.create_registered_model("two.levels"), "message"),
        "refused": [
            refusal(lambda: client.create_registered_model("main.nowhere.churn")),
            refusal(lambda: client.create_registered_model("main.ml.CHURN")),
            refusal(lambda: client.set_model_version_tag("main.ml.churn", version.version, "reviewed.by", "b")),
            refusal(lambda: client.set_registered_model_alias("main.ml.churn", "v1", version.version)),
        ],
    }


def refusal(work, what="error_code"):
    try:
        work()
    except MlflowException as error:
        return getattr(error, what)
    return "not refused"


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    # The client prints links of its own.
    with contextlib.redirect_stdout(sys.stderr):
        seen = gone_through()
    print(json.dumps(seen))


def gone_through():
    run_id, uri = tracked()
    return {"run": run_as_read(run_id), "workspace": in_workspace_registry(run_id, uri), "catalog": in_unity_catalog(uri)}


if __name__ == "__main__":
    main()
