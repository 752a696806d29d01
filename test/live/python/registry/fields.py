"""Records as flat fields, ready to be compared: the source's with the ids that the target should have."""

from typing import Any

from registry.matching import OWN_TAGS, Matching, Record, Registry, canonical

Fields = dict[str, Any]
# Tags that hold ids of runs or logged models.
REFERENCES = {"mlflow.parentRunId", "mlflow.log-model.history", "mlflow.sourceRun", "mlflow.modelId"}
SELF = Matching()


def flat(prefix: str, values: dict[str, Any]) -> Fields:
    return {f"{prefix}.{key}": value for key, value in values.items()}


def tags(record: Record, ids: Matching) -> Fields:
    kept = {key: value for key, value in record["tags"].items() if not key.startswith(OWN_TAGS)}
    return flat("tags", {key: canonical(ids.translate(value)) if key in REFERENCES else value for key, value in kept.items()})


def experiment(record: Record) -> Fields:
    return {"deleted": record["deleted"], **tags(record, SELF)}


def run(record: Record, ids: Matching) -> Fields:
    plain = {field: record[field] for field in ("name", "status", "start", "end", "user", "deleted")}
    used = {f"{data['name']}@{data['digest']}": data for data in record["datasets"]}
    return {
        **plain,
        "experiment": ids.experiments.get(record["experiment"], record["experiment"]),
        **flat("params", record["params"]),
        **tags(record, ids),
        **flat("metrics", record["metrics"]),
        **{f"datasets.{name}.{field}": value or "" for name, data in used.items() for field, value in data.items() if field != "tags"},
        **{f"datasets.{name}.tags.{key}": value for name, data in used.items() for key, value in data["tags"].items()},
        "model_inputs": sorted(ids.logged_models.get(each, each) for each in record["model_inputs"]),
        "model_outputs": sorted([ids.logged_models.get(each, each), step] for each, step in record["model_outputs"]),
        **flat("files", record.get("files", {})),
    }


def logged_model(record: Record, ids: Matching) -> Fields:
    metrics: dict[str, list[Any]] = {}
    for key, *point, made_by in record["metrics"]:
        metrics.setdefault(key, []).append([*point, ids.runs.get(made_by, made_by)])
    return {
        "name": record["name"],
        "type": record["type"] or "",
        "status": record["status"],
        "experiment": ids.experiments.get(record["experiment"], record["experiment"]),
        "source_run": ids.runs.get(record["source_run"], record["source_run"]) or "",
        **flat("params", record["params"]),
        **tags(record, ids),
        **flat("metrics", {key: sorted(points) for key, points in metrics.items()}),
        **flat("files", record.get("files", {})),
    }


def model(record: Record) -> Fields:
    return {"description": record["description"], **tags(record, SELF), **flat("aliases", record["aliases"])}


def version(record: Record, ids: Matching, registry: Registry) -> Fields:
    made_by = record["run"]
    if made_by in ids.carriers or made_by not in registry["runs"]:
        made_by = None
    return {
        **{field: record[field] for field in ("description", "stage", "run_link")},
        "run": ids.runs.get(made_by, made_by) if made_by else "",
        "origin": origin(record["source"], ids, registry),
        **tags(record, ids),
        **flat("files", record.get("files", {})),
    }


def origin(source: str, ids: Matching, registry: Registry) -> str:
    """The logged model or version that a version points at; `files` where it points at files, or at what is gone."""
    kind, _, rest = source.partition(":/")
    if kind != "models":
        return "files"
    if rest in registry["logged_models"]:
        return f"logged model {ids.logged_models.get(rest, rest)}"
    name, _, number = rest.rpartition("/")
    return f"version {ids.models.get(name, name)}/{number}" if rest in registry["versions"] else "files"
