"""Runs: states, times, sizes of params and tags, datasets, and every kind of nesting."""

import json

from mlflow.entities import Dataset, DatasetInput, InputTag

from seed.texts import AWKWARD_TAGS, MARKDOWN
from seed.world import EPOCH, MINUTE, World

RUN_TAG_CHARS = 8000
PARAM_CHARS = 6000
KEY_CHARS = 250
PROFILE_CHARS = 200_000


def fill(world: World) -> None:
    experiment = world.remember("experiment.runs", world.experiment("runs"))
    states(world, experiment)
    values(world, experiment)
    datasets(world, experiment)
    nesting(world, experiment)
    history_tag(world, experiment)


def states(world: World, experiment: str) -> None:
    world.remember("run.running", world.run(experiment, "running", status=None))
    world.run(experiment, "failed", status="FAILED")
    world.run(experiment, "killed", {"mlflow.user": "bob@example.org"}, status="KILLED")
    world.client.update_run(world.run(experiment, "scheduled", status=None), status="SCHEDULED")
    world.remember("run.ends_before_start", world.run(experiment, "ends before it starts", start=EPOCH, end_time=EPOCH - MINUTE))
    world.run(experiment, "running with an end", status="RUNNING", end_time=EPOCH + 1)
    world.run(experiment, "in the year 2286", start=9_999_999_999_999, end_time=9_999_999_999_999)
    for _ in range(2):
        world.run(experiment, "same name, same time")
    # The client replaces a start of 0 by the present and a missing user by "unknown".
    bare = world.rest("runs/create", {"experiment_id": experiment, "run_name": "without start or user"})
    world.remember("run.without_start", bare["run"]["info"]["run_id"])


def values(world: World, experiment: str) -> None:
    run = world.remember("run.values", world.run(experiment, "awkward values", {"mlflow.user": "Ünï çode"}))
    tags = {**AWKWARD_TAGS, "at the limit": "x" * RUN_TAG_CHARS, "ü" * KEY_CHARS: "longest key"}
    world.log(run, {**AWKWARD_TAGS, "at the limit": "p" * PARAM_CHARS, "k" * KEY_CHARS: "longest key"}, tags=tags)
    world.log(run, tags={"mlflow.note.content": MARKDOWN, "mlflow.source.git.commit": "0" * 40, "mlflow.source.type": "PROJECT"})
    many = world.remember("run.250_params", world.run(experiment, "250 params"))
    world.log(many, {f"param/{i:03}": f"value {i}" for i in range(250)})
    tagged = world.remember("run.150_tags", world.run(experiment, "150 tags"))
    for first in (0, 75):
        world.log(tagged, tags={f"tag.{i:03}": f"value {i}" for i in range(first, first + 75)})


def datasets(world: World, experiment: str) -> None:
    """Two runs share one dataset in different contexts; one run has several, with and without schema and profile."""
    schema = json.dumps({"mlflow_colspec": [{"type": "double", "name": "größe", "required": True}]})
    shared = Dataset("shared data", "0123abcd", "local", json.dumps({"uri": "s3://bucket/data.csv"}), schema, '{"num_rows": 3}')
    train = world.remember("run.dataset_train", world.run(experiment, "trains on shared data"))
    test = world.remember("run.dataset_test", world.run(experiment, "tests on shared data"))
    context = "mlflow.data.context"
    world.client.log_inputs(train, [DatasetInput(shared, [InputTag(context, "training"), InputTag("note", "")])])
    world.client.log_inputs(test, [DatasetInput(shared, [InputTag(context, "eval"), InputTag("longest", "v" * 500)])])
    profile = json.dumps({"histogram": "9" * PROFILE_CHARS})
    large = Dataset("n" * 500, "d" * 36, "code", json.dumps({"tags": {"mlflow.user": "ada"}}), schema, profile)
    bare = Dataset("bare \U0001f680 'quoted'", "1", "http", '{"url": "https://example.org/a?b=c&d=%20"}')
    world.client.log_inputs(train, [DatasetInput(large, [InputTag(context, "training")]), DatasetInput(bare, [])])


def nesting(world: World, experiment: str) -> None:
    def child(name: str, parent: str, start: int = EPOCH + MINUTE, where: str = experiment) -> str:
        return world.run(where, name, {"mlflow.parentRunId": parent}, start)

    top = world.remember("run.parent", world.run(experiment, "level 1"))
    middle = world.remember("run.child", child("level 2", top))
    world.remember("run.grandchild", child("level 3", middle, EPOCH + 2 * MINUTE))
    world.remember("run.early_child", child("started before its parent", top, EPOCH - MINUTE))
    lost = world.run(experiment, "deleted parent")
    world.remember("run.child_of_deleted", child("child of a deleted parent", lost))
    world.client.delete_run(world.remember("run.deleted_parent", lost))
    away = world.experiment("experiment of the children")
    world.remember("run.child_elsewhere", child("parent in another experiment", top, where=away))
    world.remember("run.child_of_nobody", child("parent was purged", "f" * 32))


def history_tag(world: World, experiment: str) -> None:
    """Clients before 3.0 listed the models of a run in a tag; 3.17.2 writes it no more, but servers hold what was written."""
    other = world.run(experiment, "named in a history")
    run = world.remember("run.history", world.run(experiment, "with a model history"))
    entry = {"artifact_path": "model", "utc_time_created": "2023-01-01 00:00:00.000000", "flavors": {}, "model_uuid": "a" * 32}
    history = [{"run_id": run, **entry}, {"run_id": other, **entry, "artifact_path": "other"}]
    world.log(run, tags={"mlflow.log-model.history": json.dumps(history)})
