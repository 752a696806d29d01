"""Reads models of Unity Catalog by MLflow's own client, and lets the versions that are asked for predict. Prints what it found.

    read_catalog.py --schema main.ml --predict main.ml.churn/4 main.ml.churn@champion
"""

import argparse
import contextlib
import json
import os
import sys
import warnings

warnings.filterwarnings("ignore")
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"

import mlflow  # noqa: E402
import numpy as np  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402

INPUT = np.array([[1.0]])


def models_of(client, schema):
    found = {}
    for listed in client.search_registered_models(max_results=100):
        if not listed.name.startswith(f"{schema}."):
            continue
        # Listings have neither tags nor aliases.
        model = client.get_registered_model(listed.name)
        versions = [client.get_model_version(listed.name, version.version) for version in client.search_model_versions(f"name='{listed.name}'")]
        found[listed.name] = {
            "description": model.description,
            "tags": dict(model.tags),
            "aliases": {alias: str(version) for alias, version in model.aliases.items()},
            "versions": {
                str(version.version): {
                    "status": version.status,
                    "description": version.description,
                    "run": bool(version.run_id),
                    "logged_model": mlflow.get_logged_model(version.model_id).name if version.model_id else None,
                    "tags": dict(version.tags),
                }
                for version in versions
            },
        }
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schema", required=True)
    parser.add_argument("--predict", nargs="*", default=[], metavar="NAME/VERSION")
    options = parser.parse_args()
    # The client prints links of its own.
    with contextlib.redirect_stdout(sys.stderr):
        mlflow.set_tracking_uri("databricks")
        mlflow.set_registry_uri("databricks-uc")
        found = models_of(MlflowClient(), options.schema)
        predictions = {name: float(mlflow.pyfunc.load_model(f"models:/{name}").predict(INPUT)[0][0]) for name in options.predict}
    print(json.dumps({"models": found, "predictions": predictions}))


if __name__ == "__main__":
    main()
