"""What servers before 3.0 hold and later ones refuse: names like paths, aliases of deleted versions, sources anywhere."""

from seed.models import saved
from seed.registry import version
from seed.world import World

# 3.x refuses these names: they can only move under other ones.
REFUSED_NAMES = ["team/churn", "c:churn", "../churn"]


def fill(world: World) -> None:
    client = world.client
    runs = world.ids["runs.many"]
    for name in REFUSED_NAMES:
        client.create_registered_model(name, {"name": name})
        version(world, name, runs[0], description=name)
        client.set_registered_model_alias(name, "champion", "1")
    # 2.22.5 keeps an alias whose version is deleted.
    client.create_registered_model("alias points nowhere")
    version(world, "alias points nowhere", runs[0])
    version(world, "alias points nowhere", runs[1])
    for number in (1, 2):
        client.set_registered_model_alias("alias points nowhere", f"alias-{number}", str(number))
    client.delete_model_version("alias points nowhere", "2")
    sources(world)
    deleted_model_folder(world)


def sources(world: World) -> None:
    """Any source goes with any run, or with none."""
    client, runs = world.client, world.ids["runs.many"]
    root = client.get_run(runs[1]).info.artifact_uri
    client.create_registered_model("sources")
    for source, run in (
        (f"runs:/{runs[0]}/model", None),
        (f"runs:/{runs[0]}/model", runs[1]),
        (f"{root}/model", runs[2]),
        (f"{root}/model", None),
        ("https://example.org/models/churn", None),
    ):
        client.create_model_version("sources", source, run, await_creation_for=0)


def deleted_model_folder(world: World) -> None:
    """Registered from a run that was purged for good is like this: a run id that nothing has, and files that no run holds."""
    experiment = world.client.get_experiment(world.ids["experiment.many"])
    run = world.run(experiment.experiment_id, "lends its folder")
    world.put_files(run, {f"elsewhere/{path}": content for path, content in saved(95.0).items()})
    uri = f"{world.client.get_run(run).info.artifact_uri}/elsewhere"
    world.client.create_registered_model("run is purged")
    world.client.create_model_version("run is purged", uri, "e" * 32, await_creation_for=0)
