"""Models as clients before 3.0 log them: into their run's files."""

import mlflow
import mlflow.sklearn

from seed.models import REQUIREMENTS, linear
from seed.world import EPOCH, World


def fill(world: World) -> None:
    """Two real models from one run, under the names that logged models have in the seed of later servers."""
    mlflow.set_tracking_uri(world.uri)
    experiment = world.remember("experiment.models", world.experiment("logged models"))
    run = world.remember("run.three_models", world.run(experiment, "makes three models", status=None))
    with mlflow.start_run(run_id=run):
        for number, name in enumerate(["first", "twin"], 1):
            mlflow.sklearn.log_model(
                linear(float(number)), artifact_path=name, registered_model_name="from logged models", pip_requirements=REQUIREMENTS
            )
    world.client.set_terminated(run, "FINISHED", EPOCH + 1)
