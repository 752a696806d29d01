"""A whole server as one dictionary that JSON can hold: what compare.py and snapshot.py work on."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mlflow import MlflowClient

from registry.files import files_below
from registry.models import read_models, read_versions
from registry.tracking import read_experiments, read_logged_models, read_runs

THREADS = 8


def read_registry(uri: str, with_files: bool = True) -> dict[str, dict[str, Any]]:
    """Kinds (`experiments`, `runs`, `logged_models`, `models`, `versions`) to records by id. Prompts and traces are left out."""
    client = MlflowClient(uri, uri)
    with ThreadPoolExecutor(THREADS) as pool:
        experiments = read_experiments(client)
        registry = {
            "experiments": experiments,
            "runs": read_runs(client, list(experiments), pool),
            "logged_models": read_logged_models(client, list(experiments)),
            "models": read_models(client),
            "versions": read_versions(client),
        }
        if with_files:
            add_files(registry, pool)
    return registry


def add_files(registry: dict[str, dict[str, Any]], pool: ThreadPoolExecutor) -> None:
    owners = [(record, None) for kind in ("runs", "logged_models") for record in registry[kind].values()]
    # The client takes the part before a slash for the whole name.
    owners += [(record, None if "/" in record["model"] else f"models:/{key}") for key, record in registry["versions"].items()]
    found = pool.map(lambda owner: files_below(owner[0]["artifact_uri"], owner[1]), owners)
    for (record, _), files in zip(owners, found, strict=True):
        record["files"] = files
