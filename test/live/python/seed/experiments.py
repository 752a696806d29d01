"""Experiments: names that need quoting, tags at their limits, descriptions, and deleted ones."""

from seed.texts import AWKWARD_TAGS, MARKDOWN
from seed.world import EPOCH, HAS_LOGGED_MODELS, MINUTE, World

EXPERIMENT_TAG_CHARS = 20_000 if HAS_LOGGED_MODELS else 5000
TAG_KEY_CHARS = 250
NAMES = ["plain", "with space", "dots.in.name", "größe 模型 \U0001f680", "it's \"quoted\"", "/Users/ada@example.org/deep/path", "a%20b#c?d=e&f", "[glob]*?"]


def fill(world: World) -> None:
    for name in NAMES:
        experiment = world.experiment(name, {"mlflow.note.content": f"{name}\n{MARKDOWN}", "plain": "tag"})
        run = world.run(experiment, f"run of {name}", {"mlflow.note.content": MARKDOWN})
        world.log(run, {"p": name}, tags={"t": name})
    world.experiment("no runs at all")
    limits(world)
    deleted(world)
    emptied(world)


def limits(world: World) -> None:
    tags = {**AWKWARD_TAGS, "at the limit": "x" * EXPERIMENT_TAG_CHARS, "k" * TAG_KEY_CHARS: "longest key"}
    world.remember("experiment.tags", world.experiment("tags of an experiment", tags))


def deleted(world: World) -> None:
    """Its runs were active until it was deleted, all but one; an unfinished one and a child are among them."""
    experiment = world.remember("experiment.deleted", world.experiment("deleted experiment", {"why": "obsolete"}))
    parent = world.remember("run.in_deleted_experiment", world.run(experiment, "was active"))
    world.log(parent, {"p": "1"}, tags={"t": "1"})
    world.put_files(parent, {"kept.txt": b"kept although deleted\n"})
    world.run(experiment, "child of deleted", {"mlflow.parentRunId": parent}, EPOCH + MINUTE)
    world.run(experiment, "was running", status=None)
    world.client.delete_run(world.run(experiment, "was deleted before"))
    world.client.delete_experiment(experiment)


def emptied(world: World) -> None:
    """Active, but every run in it is deleted."""
    experiment = world.experiment("only deleted runs")
    run = world.remember("run.deleted", world.run(experiment, "deleted run"))
    world.log(run, {"p": "1"}, tags={"mlflow.note.content": MARKDOWN})
    world.put_files(run, {"folder/file.txt": b"of a deleted run\n"})
    world.client.delete_run(run)
