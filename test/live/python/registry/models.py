"""Reads registered models and their versions into plain dictionaries. Prompts are not among them."""

from typing import Any

from mlflow import MlflowClient

from registry.pages import pages

Record = dict[str, Any]


def read_models(client: MlflowClient) -> dict[str, Record]:
    found = pages(lambda token: client.search_registered_models(max_results=200, page_token=token))
    return {
        model.name: {
            "description": model.description or "",
            "tags": dict(model.tags),
            "aliases": {alias: str(version) for alias, version in model.aliases.items()},
            "updated": model.last_updated_timestamp,
        }
        for model in found
    }


def read_versions(client: MlflowClient) -> dict[str, Record]:
    """By `name/number`."""
    found = pages(lambda token: client.search_model_versions(max_results=1000, page_token=token))
    return {f"{version.name}/{version.version}": version_record(client, version) for version in found}


def version_record(client: MlflowClient, version: Any) -> Record:
    return {
        "model": version.name,
        "number": str(version.version),
        "description": version.description or "",
        "tags": dict(version.tags),
        "stage": version.current_stage,
        "run": version.run_id or None,
        "run_link": version.run_link or "",
        "source": version.source,
        "artifact_uri": client.get_model_version_download_uri(version.name, version.version),
        "updated": version.last_updated_timestamp,
    }
