"""What the Databricks SDK does with a workspace's model registry beside MLflow's client. Prints what came back."""

import argparse
import io
import json

from databricks.sdk import WorkspaceClient
from databricks.sdk.service.catalog import PermissionsChange, Privilege
from databricks.sdk.service.ml import (
    HttpUrlSpec,
    ModelTag,
    RegisteredModelAccessControlRequest,
    RegisteredModelPermissionLevel,
    RegistryWebhookEvent,
)
from refusals import refusal


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    workspace = WorkspaceClient()
    registry = workspace.model_registry
    registry.create_model("fraud", description="who cheats", tags=[ModelTag(key="owner", value="a")])
    model = registry.get_model("fraud").registered_model_databricks
    workspace.workspace.mkdirs("/Shared/team/a")
    experiment = workspace.experiments.create_experiment("/Shared/team/a/training").experiment_id
    run = workspace.experiments.create_run(experiment_id=experiment, run_name="one", start_time=5).run.info.run_id
    files = f"/WorkspaceInternal/Mlflow/Artifacts/{experiment}/Runs/{run}/artifacts"
    workspace.files.upload(f"{files}/model/MLmodel", io.BytesIO(b"flavors: {}"), overwrite=True)
    source = f"dbfs:/databricks/mlflow-tracking/{experiment}/{run}/artifacts/model"
    version = registry.create_model_version("fraud", source=source, run_id=run).model_version
    moved = registry.transition_stage("fraud", version.version, "Staging", False, comment="looks well").model_version_databricks
    comment = registry.create_comment("fraud", version.version, "first").comment
    registry.update_comment(comment.id, "second")
    registry.create_transition_request("fraud", version.version, "Production", comment="please")
    requests = [[request.to_stage, request.user_id, request.comment] for request in registry.list_transition_requests("fraud", version.version)]
    registry.approve_transition_request("fraud", version.version, "Production", True)
    url = HttpUrlSpec(url="https://hooks.example.com/a", secret="s3cret")
    webhook = registry.create_webhook([RegistryWebhookEvent.COMMENT_CREATED], http_url_spec=url, model_name="fraud").webhook
    level = RegisteredModelPermissionLevel.CAN_EDIT
    registry.update_permissions(model.id, access_control_list=[RegisteredModelAccessControlRequest(user_name="other@example.com", permission_level=level)])
    entries = registry.get_permissions(model.id).access_control_list
    seen = {
        "me": workspace.current_user.me().user_name,
        "workspace": workspace.get_workspace_id(),
        "stage": moved.current_stage,
        "requests": requests,
        "left": len(list(registry.list_transition_requests("fraud", version.version))),
        "webhook": [webhook.http_url_spec.as_dict(), [hook.id for hook in registry.list_webhooks(model_name="fraud")] == [webhook.id]],
        "direct": sorted(
            [entry.user_name, permission.permission_level.value]
            for entry in entries
            for permission in entry.all_permissions
            if not permission.inherited
        ),
        "files": [entry.path.removeprefix(files) for entry in workspace.files.list_directory_contents(files)],
        "models": [found.name for found in registry.list_models()],
        "refused": refusal(lambda: registry.delete_model("fraud")),
        "grants": grants(workspace),
    }
    print(json.dumps(seen))


def grants(workspace):
    changes = [PermissionsChange(principal="team", add=[Privilege.USE_CATALOG])]
    workspace.grants.update("catalog", "main", changes=changes)
    workspace.grants.update("schema", "main.ml", changes=[PermissionsChange(principal="team", add=[Privilege.CREATE_MODEL])])
    direct = workspace.grants.get("schema", "main.ml").privilege_assignments
    page = workspace.grants.get_effective("schema", "main.ml", max_results=0)
    if not page.privilege_assignments:
        page = workspace.grants.get_effective("schema", "main.ml", max_results=0, page_token=page.next_page_token)
    return {
        "owners": [workspace.catalogs.get("main").owner, workspace.schemas.get("main.ml").owner],
        "direct": [[one.principal, [privilege.value for privilege in one.privileges]] for one in direct],
        "effective": [
            [one.privilege.value, one.inherited_from_name] for assignment in page.privilege_assignments for one in assignment.privileges
        ],
        "unknown": refusal(lambda: workspace.registered_models.get("main.ml.nobody")),
    }


if __name__ == "__main__":
    main()
