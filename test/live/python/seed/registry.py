"""Registered models: gaps, aliases, stages, promotions, renames, and versions whose run or files are elsewhere or gone."""

import mlflow

from seed.models import saved
from seed.texts import AWKWARD_TAGS, MARKDOWN
from seed.world import EPOCH, HAS_LOGGED_MODELS, MINUTE, World

REGISTRY_TAG_CHARS = 100_000 if HAS_LOGGED_MODELS else 5000
TAG_KEY_CHARS = 250
MANY_CREATED = 18
MANY_DELETED = [4, 7, 8, MANY_CREATED]
MODEL_NAMES = ["with space", "dots.in.name", "größe 模型 \U0001f680", "it's \"quoted\"", "a%20b#c?d=e&f", "[glob]*"]


def fill(world: World) -> None:
    experiment = world.remember("experiment.many", world.experiment("runs of many"))
    runs = many(world, experiment)
    promotions(world)
    by_model_name(world)
    shapes(world, runs)
    stages(world, runs)
    names_and_tags(world, runs)
    at_the_root(world, experiment)
    elsewhere(world, experiment)


def version(world: World, model: str, run: str, path: str = "model", **more: object) -> str:
    return world.client.create_model_version(model, f"runs:/{run}/{path}", run, await_creation_for=0, **more).version


def many(world: World, experiment: str) -> list[str]:
    """Version N predicts N times the sum of its row, so that a version in another's place shows."""
    world.client.create_registered_model("many", {"team": "a"}, MARKDOWN)
    runs = []
    for number in range(1, MANY_CREATED + 1):
        run = world.run(experiment, f"trains {number}", start=EPOCH + number * MINUTE)
        if number not in MANY_DELETED:
            world.put_files(run, {f"model/{path}": content for path, content in saved(float(number)).items()})
        text = f"**version** {number}\n{MARKDOWN}" if number % 2 else None
        assert str(version(world, "many", run, tags={"number": str(number)}, description=text)) == str(number)
        runs.append(run)
    for number in MANY_DELETED:
        world.client.delete_model_version("many", str(number))
    world.client.set_registered_model_alias("many", "challenger", "2")
    world.client.set_registered_model_alias("many", "Champion_1-a", "10")
    world.client.set_registered_model_alias("many", "second-name-of-10", "10")
    return world.remember("runs.many", runs)


def promotions(world: World) -> None:
    """Copied versions share the files of what they were copied from, also when that is gone or has another name."""
    client = world.client
    client.copy_model_version("models:/many/3", "promoted")
    client.copy_model_version("models:/many/10", "promoted")
    client.set_registered_model_alias("promoted", "prod", "1")
    client.copy_model_version("models:/promoted/1", "promoted twice")
    client.copy_model_version("models:/from logged models/1", "promoted from a logged model")
    client.create_registered_model("name before", description="renamed")
    renamed = version(world, "name before", world.ids["runs.many"][1])
    client.copy_model_version(f"models:/name before/{renamed}", "promoted before the rename")
    client.set_registered_model_alias("name before", "kept", renamed)
    client.rename_registered_model("name before", "name after")
    doomed = version(world, "many", world.ids["runs.many"][4])
    client.copy_model_version(f"models:/many/{doomed}", "promoted before the deletion")
    client.delete_model_version("many", doomed)


def by_model_name(world: World) -> None:
    """`runs:/<run>/<name>` means a logged model of that run; of a model that was deleted, only the version is left."""
    client, run = world.client, world.ids["run.three_models"]
    client.create_registered_model("by run and model name")
    version(world, "by run and model name", run, "first")
    mlflow.register_model(f"runs:/{run}/first", "by run and model name", await_registration_for=0)
    if not HAS_LOGGED_MODELS:
        return
    client.create_registered_model("logged model is deleted")
    uri = f"models:/{world.ids['logged_model.doomed']}"
    client.create_model_version("logged model is deleted", uri, model_id=world.ids["logged_model.doomed"], await_creation_for=0)
    client.delete_logged_model(world.ids["logged_model.doomed"])


def shapes(world: World, runs: list[str]) -> None:
    """Models without versions, runs behind several versions, and only deleted versions."""
    client = world.client
    client.create_registered_model("without versions", {"empty": ""}, "nothing here yet")
    for model in ("one run twice", "one run elsewhere", "only deleted versions"):
        client.create_registered_model(model)
    version(world, "one run twice", runs[0])
    version(world, "one run twice", runs[0], description="the same once more")
    version(world, "one run elsewhere", runs[0])
    version(world, "only deleted versions", runs[1])
    client.delete_model_version("only deleted versions", "1")


def stages(world: World, runs: list[str]) -> None:
    client = world.client
    client.create_registered_model("staged")
    for number, stage in enumerate(["Production", "Production", "Staging", "Archived", None], 1):
        version(world, "staged", runs[number - 1 if number != 4 else 8])
        if stage is not None:
            client.transition_model_version_stage("staged", str(number), stage)
    client.create_registered_model("staged and aliased")
    version(world, "staged and aliased", runs[2])
    client.transition_model_version_stage("staged and aliased", "1", "Production")
    client.set_registered_model_alias("staged and aliased", "champion", "1")


def names_and_tags(world: World, runs: list[str]) -> None:
    client = world.client
    for name in MODEL_NAMES:
        client.create_registered_model(name, {"name": name}, f"{name}\n{MARKDOWN}")
        version(world, name, runs[0], description=name)
        client.set_registered_model_alias(name, "champion", "1")
    tags = {**AWKWARD_TAGS, "at the limit": "x" * REGISTRY_TAG_CHARS, "k" * TAG_KEY_CHARS: "longest key"}
    client.create_registered_model("tags at the limits", tags, "d" * 5000)
    version(world, "tags at the limits", runs[1], tags=tags, description="d" * 5000, run_link="https://example.org/run?a=b#c")


def at_the_root(world: World, experiment: str) -> None:
    """The model is the run's whole artifact folder."""
    run = world.remember("run.model_at_root", world.run(experiment, "model at the root"))
    world.put_files(run, saved(70.0))
    world.client.create_registered_model("at the root")
    version(world, "at the root", run, "")
    uri = world.client.get_run(run).info.artifact_uri
    world.client.create_model_version("at the root", uri, run, await_creation_for=0)
    world.client.create_model_version("at the root", f"runs:/{run}", run, await_creation_for=0)
    nested = world.run(experiment, "model deep below")
    world.put_files(nested, {f"a b/größe/model+1/{path}": content for path, content in saved(71.0).items()})
    version(world, "at the root", nested, "a b/größe/model+1")


def elsewhere(world: World, experiment: str) -> None:
    """Versions whose run is deleted, or that have none; files in the registry's reach, in a lost bucket, or missing."""
    client = world.client
    for model in ("run is deleted", "without a run", "of logged models", "local files", "no files"):
        client.create_registered_model(model)
    run = world.remember("run.deleted_of_version", world.run(experiment, "deleted after registration"))
    world.put_files(run, {f"model/{path}": content for path, content in saved(80.0).items()})
    version(world, "run is deleted", run)
    client.delete_run(run)
    lost = "s3://bucket-that-does-not-exist-mlferry/path/model"
    client.create_model_version("without a run", lost, await_creation_for=0)
    client.create_model_version("without a run", lost, run_link="https://example.org/elsewhere", await_creation_for=0)
    for kind in ("without_run", "local") if HAS_LOGGED_MODELS else ():
        model = world.ids[f"logged_model.{kind}"]
        client.create_model_version("of logged models", f"models:/{model}", model_id=model, await_creation_for=0)
    local_run = world.run(world.ids["experiment.plain path"], "model at a plain path")
    world.put_files(local_run, {f"model/{path}": content for path, content in saved(90.0).items()})
    version(world, "local files", local_run)
    client.create_model_version("local files", f"{client.get_run(local_run).info.artifact_uri}/model", local_run, await_creation_for=0)
    version(world, "no files", world.run(experiment, "registered without files"))
