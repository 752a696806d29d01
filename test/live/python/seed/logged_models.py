"""Logged models of MLflow 3: several in one run, with params, tags, metrics and datasets; unfinished and deleted ones."""

import json
import tempfile
from pathlib import Path

import mlflow
import mlflow.sklearn
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelInput, LoggedModelOutput, Metric

from seed.models import REQUIREMENTS, linear, saved
from seed.texts import AWKWARD_TAGS, MARKDOWN
from seed.world import EPOCH, World

def fill(world: World) -> None:
    experiment = world.remember("experiment.models", world.experiment("logged models"))
    several(world, experiment)
    unfinished(world, experiment)
    world.remember("logged_model.without_run", place(world, experiment, "without a run", 50.0, None))
    maker = world.run(experiment, "makes a model that is deleted")
    world.remember("logged_model.doomed", place(world, experiment, "doomed", 55.0, maker))
    world.remember("logged_model.local", in_local_experiment(world))


def several(world: World, experiment: str) -> None:
    """Three real models from one run, two of one name; metrics on a dataset, at several steps, and from another run."""
    mlflow.set_tracking_uri(world.uri)
    run = world.remember("run.three_models", world.run(experiment, "makes three models", status=None))
    models = []
    with mlflow.start_run(run_id=run):
        for step, name in enumerate(["first", "twin", "twin"]):
            kind = {} if step == 0 else {"model_type": "regressor", "params": {"alpha": f"0.{step}", "empty": ""}, "step": step}
            registered = "from logged models" if step < 2 else None
            info = mlflow.sklearn.log_model(
                linear(step + 1.0), name=name, registered_model_name=registered, pip_requirements=REQUIREMENTS, **kind
            )
            models.append(world.remember(f"logged_model.{step + 1}", info.model_id))
    world.client.set_terminated(run, "FINISHED", EPOCH + 1)
    world.client.set_logged_model_tags(models[1], {**AWKWARD_TAGS, "note": MARKDOWN, "no limit here": "x" * 20_000})
    metrics(world, experiment, run, models)


def metrics(world: World, experiment: str, run: str, models: list[str]) -> None:
    data = Dataset("validation", "val-1", "local", json.dumps({"uri": "val.csv"}), None, '{"num_rows": 2}')
    judge = world.remember("run.uses_models", world.run(experiment, "evaluates the models"))
    world.client.log_inputs(judge, [DatasetInput(data, [InputTag("mlflow.data.context", "eval")])])
    world.client.log_inputs(judge, models=[LoggedModelInput(models[0]), LoggedModelInput(models[1])])

    def point(model: str, value: float, step: int, on: bool) -> Metric:
        where = {"dataset_name": data.name, "dataset_digest": data.digest} if on else {}
        return Metric("rmse", value, EPOCH + step, step, model_id=model, **where)

    for maker, factor in ((run, 1.0), (judge, 10.0)):
        points = [point(models[0], factor * 0.5, 0, maker == judge), point(models[0], factor * 0.25, 1, False)]
        world.log(maker, metrics=[*points, point(models[1], factor * 0.125, 2, False), Metric("of no model", 1.0, EPOCH, 0)])


def unfinished(world: World, experiment: str) -> None:
    client = world.client
    run = world.run(experiment, "leaves models unfinished", status="FAILED")
    pending = client.create_logged_model(experiment, "pending", source_run_id=run, params={"p": "1"})
    failed = client.create_logged_model(experiment, "failed", source_run_id=run, model_type="größe 模型")
    client.finalize_logged_model(failed.model_id, "FAILED")
    client.log_outputs(run, [LoggedModelOutput(pending.model_id, 0), LoggedModelOutput(failed.model_id, 2**40)])
    world.remember("logged_model.pending", pending.model_id)
    world.remember("logged_model.upload_failed", failed.model_id)
    client.delete_logged_model(client.create_logged_model(experiment, "deleted", source_run_id=run).model_id)


def in_local_experiment(world: World) -> str:
    experiment = world.experiment("logged models at a plain path", location=str(world.local_artifacts / "models"))
    run = world.run(experiment, "makes a local model")
    return place(world, experiment, "local", 60.0, run)


def place(world: World, experiment: str, name: str, factor: float, run: str | None) -> str:
    """A logged model that was uploaded by hand; its files hold an extra one with an odd name."""
    model = world.client.create_logged_model(experiment, name, source_run_id=run, tags={"by": "hand"})
    with tempfile.TemporaryDirectory() as folder:
        for path, content in {**saved(factor), "extra/größe + 1.txt": b"extra\n"}.items():
            file = Path(folder, path)
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(content)
        world.client.log_model_artifacts(model.model_id, folder)
    world.client.finalize_logged_model(model.model_id, "READY")
    return model.model_id
