"""Fills a workspace registry with 40 models as years of use leave it, by the Databricks SDK and MLflow's own client. Prints what a
migration of it must bring: for each model and version the stage and the factor by which it multiplies."""

import argparse
import contextlib
import io
import json
import os
import pathlib
import sys
import tempfile
import warnings

warnings.filterwarnings("ignore")

import mlflow  # noqa: E402
import numpy as np  # noqa: E402
from databricks.sdk import WorkspaceClient  # noqa: E402
from databricks.sdk.service.ml import (  # noqa: E402
    ExperimentAccessControlRequest,
    ExperimentPermissionLevel,
    HttpUrlSpec,
    ModelTag,
    ModelVersionTag,
    RegisteredModelAccessControlRequest,
    RegisteredModelPermissionLevel,
    RegistryWebhookEvent,
    RunTag,
)
from mlflow.models import infer_signature  # noqa: E402

INPUT = np.array([[1.0], [2.0]])

AWKWARD = [
    "churn",
    "Churn",
    "fraud scorer (EU)",
    "Prognose Kündigung",
    'said "twice"',
    "100 %25 sure",
    "a#b&c=d?e",
    "x" * 200,
    "signed late",
    "left alone",
]
"""Names as people give them; two differ in case alone."""

NAMES = [*AWKWARD, *[f"segment-{number:02}" for number in range(40 - len(AWKWARD))]]

STAGES = {
    "churn": ["Archived", "Production", "Staging", "Production"],
    "fraud scorer (EU)": ["Staging", "Staging"],
    "left alone": [],
}
"""By version; one version in Production for every other model."""

DELETED = {("churn", 3)}
UNSIGNED = {("signed late", 1)}


class Times(mlflow.pyfunc.PythonModel):
    def __init__(self, factor):
        self.factor = factor

    def predict(self, context, model_input, params=None):
        return np.asarray(model_input) * self.factor


class Folders:
    """Models on disk, one for each factor, with and without a signature."""

    def __init__(self, root):
        self.root = pathlib.Path(root)

    def of(self, factor, signed):
        folder = self.root / f"{factor}-{signed}"
        if not folder.exists():
            signature = {"signature": infer_signature(INPUT, INPUT * factor)} if signed else {}
            mlflow.pyfunc.save_model(str(folder), python_model=Times(factor), pip_requirements=[], **signature)
            # What clients before 1.18 wrote: the channel that has a licence of its own.
            (folder / "conda.yaml").write_text("channels:\n- defaults\ndependencies:\n- python=3.9\n", encoding="utf8")
        return folder


def seed(workspace, folders):
    workspace.workspace.mkdirs("/Shared/teams")
    experiment = workspace.experiments.create_experiment("/Shared/teams/training").experiment_id
    workspace.experiments.update_permissions(
        experiment,
        access_control_list=[ExperimentAccessControlRequest(group_name="data", permission_level=ExperimentPermissionLevel.CAN_READ)],
    )
    expected = {}
    for index, name in enumerate(NAMES):
        expected[name] = seed_model(workspace, folders, name, {"experiment": experiment, "index": index})
    workspace.model_registry.create_webhook(
        [RegistryWebhookEvent.REGISTERED_MODEL_CREATED], http_url_spec=HttpUrlSpec(url="https://hooks.example.com/all", secret="s")
    )
    return expected


def seed_model(workspace, folders, name, place):
    registry = workspace.model_registry
    index = place["index"]
    tags = [ModelTag("team.name", f"team {index % 5}"), ModelTag("cost-center", str(index))]
    registry.create_model(name, description=f"What {name[:40]} is for.", tags=tags)
    model_id = registry.get_model(name).registered_model_databricks.id
    registry.update_permissions(
        model_id,
        access_control_list=[
            RegisteredModelAccessControlRequest(user_name="other@example.com", permission_level=RegisteredModelPermissionLevel.CAN_EDIT),
            RegisteredModelAccessControlRequest(group_name="readers", permission_level=RegisteredModelPermissionLevel.CAN_READ),
        ],
    )
    stages = STAGES.get(name, ["Production"])
    versions = {}
    for number, stage in enumerate(stages, start=1):
        factor = index + number / 10
        seed_version(workspace, folders, name, {**place, "number": number, "stage": stage, "factor": factor})
        if (name, number) not in DELETED:
            versions[str(number)] = {"stage": stage, "factor": factor, "signed": (name, number) not in UNSIGNED}
    for deleted, number in DELETED:
        if deleted == name:
            registry.transition_stage(name, str(number), "Archived", False)
            registry.delete_model_version(name, str(number))
    if index % 4 == 0 and stages:
        registry.create_webhook(
            [RegistryWebhookEvent.MODEL_VERSION_TRANSITIONED_STAGE],
            model_name=name,
            description="tells the team",
            http_url_spec=HttpUrlSpec(url=f"https://hooks.example.com/{index}", secret="s3cret"),
        )
    return versions


def seed_version(workspace, folders, name, place):
    registry = workspace.model_registry
    number = place["number"]
    folder = folders.of(place["factor"], (name, number) not in UNSIGNED)
    run_id, source = seed_run(workspace, folder, place)
    tags = [ModelVersionTag("git.sha", "0123abcd"), ModelVersionTag("note", "n" * 1500)]
    registry.create_model_version(name, source=source, run_id=run_id, description=f"version {number}", tags=tags)
    for stage in ["Staging", place["stage"]]:
        registry.transition_stage(name, str(number), stage, False, comment=f"to {stage}, after review")
    if number == 1:
        registry.create_comment(name, "1", "Looks well.\nSee the dashboard, “churn”.")
    if place["index"] % 5 == 0:
        registry.create_transition_request(name, str(number), "Archived", comment="no longer needed?")


def seed_run(workspace, folder, place):
    experiment, number = place["experiment"], place["number"]
    experiments = workspace.experiments
    tags = [RunTag("mlflow.source.name", "train.py"), RunTag("team", "a")]
    run = experiments.create_run(experiment_id=experiment, run_name=f"{place['index']}/{number}", start_time=1_700_000_000_000, tags=tags)
    run_id = run.run.info.run_id
    experiments.log_param(key="depth", value=str(number), run_id=run_id)
    for step in range(3):
        experiments.log_metric("loss", 1 / (step + 1), 1_700_000_000_000 + step, run_id=run_id, step=step)
    root = f"/WorkspaceInternal/Mlflow/Artifacts/{experiment}/Runs/{run_id}/artifacts/model"
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        workspace.files.upload(f"{root}/{file.relative_to(folder).as_posix()}", io.BytesIO(file.read_bytes()), overwrite=True)
    return run_id, f"dbfs:/databricks/mlflow-tracking/{experiment}/{run_id}/artifacts/model"


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
    with contextlib.redirect_stdout(sys.stderr), tempfile.TemporaryDirectory() as root:
        expected = seed(WorkspaceClient(), Folders(root))
    print(json.dumps(expected))


if __name__ == "__main__":
    main()
