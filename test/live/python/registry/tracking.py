"""Reads experiments, runs and logged models into plain dictionaries, by id."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import ViewType

from registry.pages import pages

Record = dict[str, Any]
MODEL_VERSIONS_TAG = "mlflow.modelVersions"
RUNS_PER_PAGE = 200


def read_experiments(client: MlflowClient) -> dict[str, Record]:
    found = pages(lambda token: client.search_experiments(ViewType.ALL, max_results=1000, page_token=token))
    return {
        each.experiment_id: {
            "name": each.name,
            "tags": dict(each.tags),
            "deleted": each.lifecycle_stage == "deleted",
            "updated": each.last_update_time,
        }
        for each in found
    }


def read_runs(client: MlflowClient, experiments: list[str], pool: ThreadPoolExecutor) -> dict[str, Record]:
    runs = pages(
        lambda token: client.search_runs(
            experiments, run_view_type=ViewType.ALL, max_results=RUNS_PER_PAGE, order_by=["attributes.start_time ASC"], page_token=token
        )
    )
    records = {run.info.run_id: run_record(run) for run in runs}
    wanted = [(run_id, key) for run_id, record in records.items() for key in record["metrics"]]
    histories = pool.map(lambda pair: history(client, *pair), wanted)
    for (run_id, key), points in zip(wanted, histories, strict=True):
        records[run_id]["metrics"][key] = points
    return records


def run_record(run: Any) -> Record:
    # Clients before 3.0 know nothing of logged models.
    inputs, outputs = run.inputs, getattr(run, "outputs", None)
    return {
        "experiment": run.info.experiment_id,
        "name": run.info.run_name,
        "status": run.info.status,
        "start": run.info.start_time,
        "end": run.info.end_time,
        "user": run.info.user_id,
        "deleted": run.info.lifecycle_stage == "deleted",
        "artifact_uri": run.info.artifact_uri,
        "params": dict(run.data.params),
        "tags": dict(run.data.tags),
        "metrics": dict.fromkeys(run.data.metrics),
        "datasets": sorted((dataset_record(each) for each in inputs.dataset_inputs), key=lambda d: (d["name"], d["digest"])),
        "model_inputs": sorted(each.model_id for each in getattr(inputs, "model_inputs", None) or []),
        "model_outputs": sorted([each.model_id, each.step] for each in (outputs.model_outputs if outputs else [])),
    }


def dataset_record(used: Any) -> Record:
    fields = ("name", "digest", "source_type", "source", "schema", "profile")
    return {**{field: getattr(used.dataset, field) for field in fields}, "tags": {tag.key: tag.value for tag in used.tags}}


def history(client: MlflowClient, run_id: str, key: str) -> list[list[Any]]:
    """Every point as step, timestamp and the exact bits of the value, sorted; repeats stay."""
    points = client.get_metric_history(run_id, key)
    return sorted([point.step, point.timestamp, float(point.value).hex()] for point in points)


def read_logged_models(client: MlflowClient, experiments: list[str]) -> dict[str, Record]:
    """None where the client is from before 3.0."""
    if not hasattr(client, "search_logged_models"):
        return {}
    found = pages(lambda token: client.search_logged_models(experiments, max_results=RUNS_PER_PAGE, page_token=token))
    return {model.model_id: logged_model_record(model) for model in found}


def logged_model_record(model: Any) -> Record:
    return {
        "experiment": model.experiment_id,
        "name": model.name,
        "type": model.model_type,
        "status": str(model.status),
        "source_run": model.source_run_id,
        "artifact_uri": model.artifact_location,
        "params": dict(model.params),
        "tags": {key: value for key, value in model.tags.items() if key != MODEL_VERSIONS_TAG},
        "metrics": sorted(
            [each.key, each.step, each.timestamp, float(each.value).hex(), each.dataset_name or "", each.dataset_digest or "", each.run_id or ""]
            for each in model.metrics or []
        ),
        "updated": model.last_updated_timestamp,
    }
