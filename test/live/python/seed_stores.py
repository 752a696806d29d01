"""Fills a server whose files lie in object stores, and prints the ids of its runs as JSON.

    seed_stores.py --uri URL --roots '{"s3": "s3://bucket", …}'

For each store: an experiment with two runs, awkward file names, a logged model, and a registered model whose versions lie below
a run, below the logged model, and in a folder that belongs to neither.
"""

import argparse
import json
import random
import tempfile
from pathlib import Path

from connection import prepare

BIG = 20 * 1024 * 1024 + 17
NAMES = {
    "plain.txt": b"plain\n",
    "empty": b"",
    "hash#tag.txt": b"hash\n",
    "escaped%20space.txt": b"escaped\n",
    "deep/er/größe 模型.txt": b"deep\n",
    "model/MLmodel": b"flavors: {}\n",
    "model/weights.bin": bytes(range(256)) * 40,
}


def folder_of(files: dict[str, bytes]) -> tempfile.TemporaryDirectory:
    folder = tempfile.TemporaryDirectory()
    for path, content in files.items():
        file = Path(folder.name, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder


def fill(client, cloud: str, root: str) -> str:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    experiment = client.create_experiment(f"in {cloud}", artifact_location=f"{root}/seed")
    run = client.create_run(experiment, run_name=f"run in {cloud}", start_time=1_700_000_000_000).info.run_id
    big = {"big.bin": random.Random(1).randbytes(BIG)}
    with folder_of({**NAMES, **big}) as folder:
        client.log_artifacts(run, folder)
    client.log_param(run, "where", cloud)
    client.set_terminated(run, "FINISHED", 1_700_000_001_000)
    model = client.create_logged_model(experiment, f"logged in {cloud}", source_run_id=run)
    model_files = {path.removeprefix("model/"): content for path, content in NAMES.items() if path.startswith("model/")}
    with folder_of({**model_files, "extra/a b.txt": b"x"}) as folder:
        client.log_model_artifacts(model.model_id, folder)
        client.finalize_logged_model(model.model_id, "READY")
        get_artifact_repository(f"{root}/loose/model").log_artifacts(folder)
    name = f"model in {cloud}"
    client.create_registered_model(name)
    client.create_model_version(name, f"{client.get_run(run).info.artifact_uri}/model", run_id=run)
    client.create_model_version(name, f"models:/{model.model_id}", run_id=run, model_id=model.model_id)
    client.create_model_version(name, f"{root}/loose/model")
    client.set_registered_model_alias(name, "champion", "2")
    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uri", required=True)
    parser.add_argument("--roots", required=True, type=json.loads)
    options = parser.parse_args()
    prepare(options.uri)
    from mlflow import MlflowClient

    client = MlflowClient()
    print(json.dumps({cloud: fill(client, cloud, root) for cloud, root in options.roots.items()}))


if __name__ == "__main__":
    main()
