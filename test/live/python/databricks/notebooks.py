"""`seed`: a run that a notebook made, by the Databricks SDK and MLflow's client, and a version of all its files. `read`: what lies beside each run."""

import argparse
import base64
import json
import os
import tempfile

import mlflow
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.workspace import ImportFormat, Language
from mlflow.tracking import MlflowClient

PATH = "/Shared/team/train churn"
TEXT = "print('trained')"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["seed", "read"])
    mlflow.set_tracking_uri("databricks")
    mlflow.set_registry_uri("databricks")
    print(json.dumps(seed() if parser.parse_args().what == "seed" else read()))


def seed():
    workspace = WorkspaceClient()
    workspace.workspace.mkdirs("/Shared/team")
    content = base64.b64encode(TEXT.encode()).decode()
    workspace.workspace.import_(PATH, format=ImportFormat.SOURCE, language=Language.PYTHON, content=content)
    client = MlflowClient()
    tags = {
        "mlflow.source.type": "NOTEBOOK",
        "mlflow.source.name": PATH,
        "mlflow.databricks.notebookPath": PATH,
        "mlflow.databricks.notebookRevisionID": "1767225600000",
    }
    run = client.create_run(client.create_experiment("/Shared/training"), tags=tags)
    client.log_text(run.info.run_id, "flavors: {}", "MLmodel")
    client.create_registered_model("churn")
    client.create_model_version("churn", run.info.artifact_uri, run.info.run_id)
    return {}


def read():
    client = MlflowClient()
    [experiment] = [found for found in client.search_experiments() if found.name == "/Shared/training"]
    [run] = client.search_runs([experiment.experiment_id])
    [folder] = [entry.path for entry in client.list_artifacts(run.info.run_id) if entry.is_dir]
    [notebook] = [entry.path for entry in client.list_artifacts(run.info.run_id, folder)]
    with tempfile.TemporaryDirectory() as to, open(client.download_artifacts(run.info.run_id, notebook, to), encoding="utf8") as file:
        cells = json.load(file)["cells"]
    return {"notebook": notebook, "text": "".join(cells[0]["source"])}


if __name__ == "__main__":
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
    main()
