"""What the Databricks SDK and MLflow's client find at paths of DBFS and of the workspace. Prints what came back."""

import argparse
import base64
import io
import json
import os
import tempfile

import mlflow
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.workspace import ExportFormat, ImportFormat, Language
from mlflow.store.artifact.dbfs_artifact_repo import DbfsRestArtifactRepository
from refusals import refusal

BIG = bytes(range(256)) * 8192


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    workspace = WorkspaceClient()
    print(json.dumps({"dbfs": dbfs(workspace.dbfs), "mlflow": by_mlflow(), "notebooks": notebooks(workspace)}))


def dbfs(files):
    files.upload("/mnt/a b/big", io.BytesIO(BIG), overwrite=True)
    files.put("/mnt/a b/small", contents="aGk=", overwrite=True)
    listed = sorted([entry.path, entry.is_dir, entry.file_size] for entry in files.list("/mnt/a b"))
    with files.download("/mnt/a b/big") as file:
        whole = file.read() == BIG
    seen = {
        "listed": listed,
        "whole": whole,
        "folder": files.get_status("/mnt").is_dir,
        "itself": [entry.path for entry in files.list("/mnt/a b/small")],
        "refused": [
            refusal(lambda: files.read("/mnt/a b/big", length=1024 * 1024 + 1)),
            refusal(lambda: files.put("/mnt/a b/small", contents="aGk=")),
            refusal(lambda: files.create("/mnt/a b/small")),
            refusal(lambda: files.add_block(7, "aGk=")),
            refusal(lambda: list(files.list("/nowhere"))),
            refusal(lambda: files.get_status("/databricks/mlflow-tracking/1")),
        ],
    }
    files.delete("/mnt/a b/big")
    return seen | {"left": [entry.path for entry in files.list("/mnt/a b")]}


def by_mlflow():
    mlflow.set_tracking_uri("databricks")
    files = DbfsRestArtifactRepository("dbfs:/mnt/a b")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "note.txt")
        with open(path, "wb") as file:
            file.write(b"noted")
        files.log_artifact(path, "notes")
        with open(files.download_artifacts("notes/note.txt", folder), "rb") as file:
            back = file.read().decode()
    return {"back": back, "listed": [[entry.path, entry.is_dir, entry.file_size] for entry in files.list_artifacts("notes")]}


def notebooks(workspace):
    texts = workspace.workspace
    texts.mkdirs("/Shared/team")
    path = "/Shared/team/train"
    content = base64.b64encode(b"print(1)").decode()
    texts.import_(path, format=ImportFormat.SOURCE, language=Language.PYTHON, content=content)
    forms = {}
    for form in [ExportFormat.SOURCE, ExportFormat.HTML, ExportFormat.JUPYTER]:
        answer = texts.export(path, format=form)
        forms[form.value] = [answer.file_type, "print(1)" in base64.b64decode(answer.content).decode()]
    huge = base64.b64encode(b"x" * (10 * 1024 * 1024 + 1)).decode()
    texts.import_("/Shared/team/huge", format=ImportFormat.SOURCE, language=Language.SQL, content=huge)
    revision = {"path": path, "revision": {"revision_timestamp": 1}}
    return {
        "forms": forms,
        "raw": texts.download(path).read().decode(),
        "refused": [
            refusal(lambda: texts.import_(path, format=ImportFormat.SOURCE, language=Language.PYTHON, content=content)),
            refusal(lambda: texts.export("/Shared/team/none")),
            refusal(lambda: texts.export("/Shared/team/huge")),
            refusal(lambda: workspace.api_client.do("GET", "/api/2.0/workspace/export", query=revision)),
        ],
    }


if __name__ == "__main__":
    main()
