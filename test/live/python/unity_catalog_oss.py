"""A model's way through an open-source Unity Catalog, by MLflow's own client: register, load, search, and what it does not offer.

    unity_catalog_oss.py registry --uri uc:http://127.0.0.1:8080
    unity_catalog_oss.py predict --uri uc:http://127.0.0.1:8080 --model-uri models:/main.ml.churn/1
    unity_catalog_oss.py runs --uri uc:http://127.0.0.1:8080 --model-uri models:/main.ml.churn/1
"""

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
from mlflow.tracking import MlflowClient  # noqa: E402

NAME = "main.ml.churn"
INPUT = np.array([[1.0], [2.0]])
# What the models of the awkward registry take.
ROWS = np.array([[1.0, 2.0], [3.0, 4.0]])


class Doubling(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input * 2


def refusal(work):
    try:
        work()
    except NotImplementedError:
        return "not implemented"
    except MlflowException as error:
        return error.message
    except ValueError as error:
        return f"ValueError: {error}"
    return "done"


def registered(client, folder):
    model = os.path.join(folder, "model")
    mlflow.pyfunc.save_model(model, python_model=Doubling(), pip_requirements=[])
    client.create_registered_model(NAME, tags={"team": "a"}, description="who leaves")
    # A path and no `file:` URI: of one the client deletes the folder when it has registered it.
    versions = [mlflow.register_model(model, NAME, tags={"reviewed": "yes"}) for _ in range(2)]
    client.update_model_version(NAME, versions[0].version, "the first")
    return versions[0].version


def seen(client, number):
    version = client.get_model_version(NAME, number)
    return {
        "model": [client.get_registered_model(NAME).description, client.get_registered_model(NAME).tags],
        "version": [version.version, version.status, version.description, version.tags, version.run_id],
        "versions": [found.version for found in client.search_model_versions(f"name='{NAME}'")],
        "models": [found.name for found in client.search_registered_models()],
        "predicts": loaded(f"models:/{NAME}/{number}"),
    }


def loaded(uri, rows=INPUT):
    # A folder of our own: the client would otherwise write a file into the store.
    with tempfile.TemporaryDirectory() as folder:
        return mlflow.pyfunc.load_model(uri, dst_path=folder).predict(rows).round(6).tolist()


def refused(client, number):
    return {
        "alias": refusal(lambda: client.set_registered_model_alias(NAME, "champion", number)),
        "model tag": refusal(lambda: client.set_registered_model_tag(NAME, "team", "a")),
        "version tag": refusal(lambda: client.set_model_version_tag(NAME, number, "team", "a")),
        "stage": refusal(lambda: client.transition_model_version_stage(NAME, number, "Production")),
        "latest": refusal(lambda: client.get_latest_versions(NAME)),
        "rename": refusal(lambda: client.rename_registered_model(NAME, "main.ml.other")),
        "twice": refusal(lambda: client.create_registered_model(NAME)),
        "two levels": refusal(lambda: client.create_registered_model("ml.churn")),
        "no schema": refusal(lambda: client.create_registered_model("main.nowhere.churn")),
        "no model": refusal(lambda: client.get_registered_model("main.ml.nobody")),
    }


def removed(client, number):
    full = refusal(lambda: client.delete_registered_model(NAME))
    client.delete_model_version(NAME, number)
    return [full, [found.version for found in client.search_model_versions(f"name='{NAME}'")]]


def registry():
    client = MlflowClient()
    with tempfile.TemporaryDirectory() as folder:
        number = registered(client, folder)
        return {"seen": seen(client, number), "refused": refused(client, number), "removed": removed(client, number)}


def run_of(uri):
    """The run that a version names, as its tracking server has it."""
    name, version = uri.removeprefix("models:/").rsplit("/", 1)
    client = MlflowClient()
    run = client.get_run(client.get_model_version(name, version).run_id)
    return {"id": run.info.run_id, "name": run.info.run_name, "metrics": run.data.metrics, "params": run.data.params}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["registry", "predict", "runs"])
    parser.add_argument("--uri", required=True)
    parser.add_argument("--model-uri", nargs="*", default=[])
    options = parser.parse_args()
    mlflow.set_registry_uri(options.uri)
    # The client prints links of its own.
    with contextlib.redirect_stdout(sys.stderr):
        if options.what == "registry":
            result = registry()
        else:
            result = {uri: loaded(uri, ROWS) if options.what == "predict" else run_of(uri) for uri in options.model_uri}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
