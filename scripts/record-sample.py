"""Fills an empty MLflow 3.17 server with the registry of a small team, through MLflow's own client.

How examples/sample-registry was made, from the project's folder (Python with mlflow==3.17.2 and scikit-learn):

    mlflow server --port 5402 --workers 1 --backend-store-uri sqlite:////tmp/sample.db --artifacts-destination /tmp/sample-files
    python scripts/record-sample.py http://127.0.0.1:5402
    node src/cli/main.ts export http://127.0.0.1:5402 -o examples/sample-registry --include-deleted
"""

import hashlib
import math
import os
import random
import sys
import tempfile
from pathlib import Path

import mlflow
import mlflow.sklearn
import numpy
from mlflow import MlflowClient
from mlflow.data.meta_dataset import MetaDataset
from mlflow.data.http_dataset_source import HTTPDatasetSource
from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunTag
from sklearn.linear_model import LogisticRegression, Ridge

DAY = 86_400_000
# 2026-03-02 08:00 UTC, a Monday.
FIRST_DAY = 1_772_438_400_000
REQUIREMENTS = ["mlflow==3.17.2", "scikit-learn==1.9.1"]
CONTEXT_TAGS = ("mlflow.user", "mlflow.source.type", "mlflow.source.name", "mlflow.source.git.commit")
TEAM = ("aylin.kaya", "jörg.weiß", "mei.chen")

chance = random.Random(7)
client: MlflowClient


def start_run(experiment: str, name: str, day: float, user: str, **options) -> str:
    tags = {"mlflow.user": user, "mlflow.source.type": "JOB", "mlflow.source.name": f"train_{experiment_name(experiment)}.py"}
    tags |= {"mlflow.source.git.commit": hashlib.sha1(name.encode()).hexdigest()} | options.get("tags", {})
    if parent := options.get("parent"):
        tags["mlflow.parentRunId"] = parent
    run = client.create_run(experiment, start_time=int(FIRST_DAY + day * DAY), tags=tags, run_name=name)
    return run.info.run_id


def experiment_name(experiment: str) -> str:
    return client.get_experiment(experiment).name.split("/")[0].replace("-", "_")


def log(run: str, params: dict, metrics: dict, tags: dict | None = None) -> None:
    client.log_batch(
        run,
        params=[Param(key, str(value)) for key, value in params.items()],
        tags=[RunTag(key, value) for key, value in (tags or {}).items()],
        metrics=[Metric(key, float(value), started(run) + 600_000, 0) for key, value in metrics.items()],
    )


def log_curve(run: str, key: str, count: int, curve) -> None:
    points = [Metric(key, curve(step) + chance.gauss(0, 0.004), started(run) + step * 2000, step) for step in range(count)]
    for begin in range(0, count, 500):
        client.log_batch(run, metrics=points[begin : begin + 500])


def started(run: str) -> int:
    return client.get_run(run).info.start_time


def finish(run: str, minutes: float, status: str = "FINISHED") -> str:
    client.set_terminated(run, status, end_time=started(run) + int(minutes * 60_000))
    return run


def use_dataset(run: str, name: str, url: str, context: str) -> None:
    dataset = MetaDataset(HTTPDatasetSource(url), name=name)
    client.log_inputs(run, datasets=[DatasetInput(dataset._to_mlflow_entity(), [InputTag("mlflow.data.context", context)])])


def classifier(seed: int) -> LogisticRegression:
    data = numpy.random.default_rng(seed)
    features = data.normal(size=(80, 4))
    return LogisticRegression(C=1 / seed).fit(features, (features @ [1.0, -2.0, 0.5, 0.0] > 0).astype(int))


def regressor(seed: int) -> Ridge:
    data = numpy.random.default_rng(seed)
    features = data.normal(size=(60, 3))
    return Ridge(alpha=seed).fit(features, features @ [3.0, 1.0, -1.0] + 10)


def log_logged_model(run: str, model, name: str, params: dict) -> str:
    """A model as MLflow 3 keeps it: an object of its own, with its files. Gives its URI."""
    with mlflow.start_run(run_id=run):
        logged = mlflow.sklearn.log_model(model, name=name, pip_requirements=REQUIREMENTS, params=params, serialization_format="cloudpickle")
    # The client writes who runs this script, and from where.
    made_by = {key: value for key, value in client.get_run(run).data.tags.items() if key in CONTEXT_TAGS}
    client.set_logged_model_tags(logged.model_id, made_by)
    return logged.model_uri


def log_run_model(run: str, model) -> str:
    """A model among the run's own files, as before MLflow 3. Gives its URI."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model")
        mlflow.sklearn.save_model(model, str(path), pip_requirements=REQUIREMENTS, serialization_format="cloudpickle")
        client.log_artifacts(run, str(path), "model")
    return f"{client.get_run(run).info.artifact_uri}/model"


def log_files(run: str, files: dict[str, str]) -> None:
    for path, content in files.items():
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder, path.rsplit("/", 1)[-1])
            local.write_text(content, encoding="utf-8")
            client.log_artifact(run, str(local), path.rsplit("/", 1)[0] if "/" in path else None)


def churn() -> dict[str, str]:
    """A baseline, a search with its tries below it, and the model that won."""
    note = "# Churn\n\nWho leaves within 30 days? Owner: **Aylin**. Daten: CRM-Auszug, jeden Montag."
    experiment = client.create_experiment("churn", tags={"mlflow.note.content": note, "team": "growth"})
    versions = {}
    baseline = start_run(experiment, "baseline", 0, TEAM[0])
    log(baseline, {"penalty": "l2", "C": 1.0}, {"auc": 0.712, "log_loss": 0.544})
    use_dataset(baseline, "crm-extract", "https://data.example.com/crm/2026-02.csv", "training")
    versions["baseline"] = log_run_model(baseline, classifier(1))
    finish(baseline, 4)
    search = start_run(experiment, "search over C", 2, TEAM[0], tags={"mlflow.note.content": "grid of four, 5-fold"})
    log(search, {"grid": "C=0.01,0.1,1,10", "folds": 5}, {"best_auc": 0.781})
    for index, strength in enumerate([0.01, 0.1, 1, 10]):
        attempt = start_run(experiment, f"C={strength}", 2.01 + index / 100, TEAM[0], parent=search)
        log(attempt, {"C": strength, "fold_seed": 17}, {"auc": round(0.70 + 0.027 * index, 3)})
        log_curve(attempt, "loss", 120, lambda step, rate=index: 0.3 + 0.4 * math.exp(-step / (40 - 8 * rate)))
        if strength in (1, 10):
            versions[f"C={strength}"] = log_logged_model(attempt, classifier(index + 1), "churn-model", {"C": strength})
        finish(attempt, 9)
    finish(search, 45)
    return versions


def fraud() -> dict[str, str]:
    """Three trainings with long curves, and one that crashed."""
    experiment = client.create_experiment("fraud/card-payments", tags={"team": "risk", "cost.centre": "4711"})
    versions = {}
    for number, trees in enumerate([200, 400, 800], start=1):
        run = start_run(experiment, f"boosting-{trees}", 7 * number, TEAM[1], tags={"release-candidate": str(number)})
        log(run, {"trees": trees, "learning_rate": 0.05, "größe": "1,2 Mio. Zeilen"}, {"recall_at_1pct": round(0.55 + number / 20, 2)})
        use_dataset(run, "card-payments", f"https://data.example.com/payments/week-{number}.parquet", "training")
        use_dataset(run, "card-payments-holdout", "https://data.example.com/payments/holdout.parquet", "evaluation")
        log_curve(run, "train/auc", 300, lambda step, top=number: 0.8 + 0.03 * top - 0.25 * math.exp(-step / 60))
        log_curve(run, "valid/auc", 300, lambda step, top=number: 0.78 + 0.03 * top - 0.25 * math.exp(-step / 70))
        client.log_metric(run, "valid/calibration", float("nan"), timestamp=started(run), step=0)
        log_files(run, {"plots/ROC Kurve (März).svg": svg(number), "notes/größe & Maße.md": "# Maße\n\nalles in €\n", "notes/empty.txt": ""})
        versions[str(trees)] = log_run_model(run, classifier(number + 4))
        finish(run, 30 * number)
    crashed = start_run(experiment, "boosting-1600", 29, TEAM[1])
    log(crashed, {"trees": 1600, "learning_rate": 0.05}, {})
    log_curve(crashed, "train/auc", 40, lambda step: 0.6 + step / 400)
    log_files(crashed, {"logs/stderr.log": "MemoryError: Unable to allocate 11.9 GiB\n"})
    finish(crashed, 3, "FAILED")
    return versions


def demand() -> dict[str, str]:
    """Two forecasts, one that is still running, one that was thrown away."""
    experiment = client.create_experiment("demand-forecast", tags={"mlflow.note.content": "每周需求预测 – weekly demand per depot", "team": "supply"})
    versions = {}
    for number, name in enumerate(["seasonal", "seasonal+holidays"], start=1):
        run = start_run(experiment, name, 10 + number, TEAM[2])
        log(run, {"horizon_weeks": 6, "holidays": number == 2}, {"mape": round(0.14 - number / 50, 2)})
        use_dataset(run, "depot-orders", "https://data.example.com/orders.parquet", "training")
        log_curve(run, "mape_by_week", 52, lambda step, better=number: 0.2 - better / 50 + 0.02 * math.sin(step / 8))
        versions[name] = log_logged_model(run, regressor(number), "forecaster", {"horizon_weeks": 6})
        finish(run, 12)
    running = start_run(experiment, "nightly", 30, TEAM[2])
    log_curve(running, "mape_by_week", 7, lambda step: 0.15)
    thrown_away = finish(start_run(experiment, "wrong depot", 9, TEAM[2]), 1, "KILLED")
    client.delete_run(thrown_away)
    return versions


def svg(seed: int) -> str:
    line = " ".join(f"{x},{100 - int(100 * (x / 100) ** (0.5 / seed))}" for x in range(0, 101, 10))
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><polyline fill="none" stroke="teal" points="{line}"/></svg>\n'


def register(name: str, sources: list[str | None], description: str, tags: dict[str, str]) -> None:
    """Versions in this order; for None a version that is deleted at once, so that its number is missing."""
    client.create_registered_model(name, description=description, tags=tags)
    for source in sources:
        version = create_version(name, source or next(one for one in sources if one))
        if source is None:
            client.delete_model_version(name, version)


def create_version(name: str, source: str, **options) -> str:
    if source.startswith("models:/m-"):
        model = client.get_logged_model(source.removeprefix("models:/"))
        options |= {"model_id": model.model_id, "run_id": model.source_run_id}
    else:
        options |= {"run_id": source.split("/")[-3]}
    return client.create_model_version(name, source, **options).version


def registry(churn_models: dict[str, str], fraud_models: dict[str, str], demand_models: dict[str, str]) -> None:
    register("churn-classifier", [churn_models["baseline"], churn_models["C=1"], None, churn_models["C=10"]], "Who is about to leave", {"team": "growth", "tmp_board": "x17"})
    register("Fraud Scorer (EU)", [fraud_models["200"], fraud_models["400"], fraud_models["800"]], "Kartenzahlungen, EU – nicht für UK", {"team": "risk", "cost.centre": "4711"})
    register("demand-forecast", [demand_models["seasonal"], None, demand_models["seasonal+holidays"]], "需求预测", {"team": "supply"})
    stages = {
        "churn-classifier": {1: "Archived", 2: "Production", 4: "Production"},
        "Fraud Scorer (EU)": {1: "Archived", 2: "Staging", 3: "Production"},
        "demand-forecast": {3: "Staging"},
    }
    for name, by_version in stages.items():
        for version, stage in by_version.items():
            client.transition_model_version_stage(name, str(version), stage)
    client.set_registered_model_alias("churn-classifier", "previous", "2")
    client.set_registered_model_alias("Fraud Scorer (EU)", "eu-live", "3")
    client.set_model_version_tag("Fraud Scorer (EU)", "3", "approved.by", "jörg.weiß")
    client.set_model_version_tag("Fraud Scorer (EU)", "3", "audit", "Segment für Segment geprüft. " * 45)
    client.set_model_version_tag("demand-forecast", "3", "tmp_notes", "scratch/forecast-3")
    client.update_model_version("churn-classifier", "4", "Stärker regularisiert; siehe «search over C»")
    for version in ("2", "4"):
        client.copy_model_version(f"models:/churn-classifier/{version}", "churn-classifier-prod")
    client.set_registered_model_alias("churn-classifier-prod", "blue", "1")
    client.set_registered_model_alias("churn-classifier-prod", "green", "2")


def not_carried() -> None:
    """Kinds that mlferry does not move yet, so that there is something to be told about."""
    client.register_prompt("summarise-claim", "Summarise the claim {{claim}} in two sentences.", commit_message="first")
    mlflow.set_experiment("demand-forecast")
    with mlflow.start_span("explain forecast") as span:
        span.set_inputs({"depot": "Köln"})
        span.set_outputs({"text": "holidays"})
    mlflow.flush_trace_async_logging()


def main(uri: str) -> None:
    global client
    # Nothing of the machine that records belongs into the sample.
    os.environ["LOGNAME"] = TEAM[2]
    os.chdir(tempfile.gettempdir())
    mlflow.set_tracking_uri(uri)
    client = MlflowClient(uri)
    registry(churn(), fraud(), demand())
    not_carried()


if __name__ == "__main__":
    main(sys.argv[1])
