"""Digests of the files below any artifact URI, downloaded through the Python client."""

import hashlib
import posixpath
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import mlflow.artifacts
import requests
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.store.artifact.runs_artifact_repo import RunsArtifactRepository

# Either path to sha256, or a single entry under this key: why the files cannot be read.
UNREADABLE = "unreadable"
# The client writes it into every version that it downloads.
CLIENTS_OWN = "registered_model_meta"
# Names that the client refuses, or does not encode in the URLs of the proxy and so gets another file or none; beyond Latin-1, the
# proxy of servers before 3.0 closes the connection.
NOT_CARRIED = re.compile(r"[%?#\t\n]|(^|/) |[^\0-\xff]")
RUN_ROOT = re.compile(r"(?P<base>.*)/api/2\.0/mlflow-artifacts/artifacts/\d+/(?P<run>[0-9a-f]{32})/artifacts/?(?P<folder>.*)")

Files = dict[str, str]


def files_below(uri: str, whole: str | None = None) -> Files:
    """
    Path (relative to `uri`) to sha256. `whole` is the URI that the client is asked for where it can carry every name,
    such as `models:/name/1` for what really lies at `uri`.
    """
    try:
        repo = get_artifact_repository(uri)
        paths = sorted(walk(repo))
        if not paths:
            return {}
        prefix = logged_model_folder(repo, uri)
        paths = [path.removeprefix(prefix) for path in paths]
        if any(NOT_CARRIED.search(path) for path in [*paths, whole or ""]):
            return {path: one_file(repo, path) for path in paths}
        with tempfile.TemporaryDirectory() as folder:
            local = Path(mlflow.artifacts.download_artifacts(artifact_uri=whole or uri, dst_path=folder), prefix)
            found = {str(file.relative_to(local)): sha256(file.read_bytes()) for file in local.rglob("*") if file.is_file()}
    except Exception as error:  # noqa: BLE001: whatever a store throws is what there is to report
        return {UNREADABLE: f"{type(error).__name__}: {error}"[:300]}
    if whole is not None and CLIENTS_OWN not in paths:
        found.pop(CLIENTS_OWN, None)
    return found if sorted(found) == paths else {UNREADABLE: f"listed {paths}, downloaded {sorted(found)}"}


def logged_model_folder(repo: Any, uri: str) -> str:
    """`runs:/<run>/<name>` may mean a logged model of the run, whose files the client then puts into a folder of its name."""
    if not isinstance(repo, RunsArtifactRepository) or repo.repo.list_artifacts():
        return ""
    return f"{posixpath.basename(uri)}/"


def walk(repo: Any, folder: str = "") -> Iterator[str]:
    for path, is_folder in listing(repo, folder):
        if is_folder:
            yield from walk(repo, path)
        else:
            yield path


def listing(repo: Any, folder: str) -> list[tuple[str, bool]]:
    if not isinstance(repo, HttpArtifactRepository):
        return [(info.path, info.is_dir) for info in repo.list_artifacts(folder or None)]
    # The client strips spaces from names.
    route = "/mlflow-artifacts/artifacts"
    base, root = repo.artifact_uri.split(route, maxsplit=1)
    answer = requests.get(f"{base}{route}", params={"path": posixpath.join(root.lstrip("/"), folder)}, timeout=60)
    answer.raise_for_status()
    return [(posixpath.join(folder, file["path"]), file["is_dir"]) for file in answer.json().get("files", [])]


def one_file(repo: Any, path: str) -> str:
    while hasattr(repo, "repo"):
        repo = repo.repo
    if isinstance(repo, LocalArtifactRepository):
        return sha256(Path(repo.artifact_dir, path).read_bytes())
    if isinstance(repo, HttpArtifactRepository):
        return sha256(content_of(repo.artifact_uri, path))
    with tempfile.TemporaryDirectory() as folder:
        return sha256(Path(repo.download_artifacts(path, folder)).read_bytes())


def content_of(root: str, path: str) -> bytes:
    run = RUN_ROOT.fullmatch(root)
    if run is not None and re.search(r"[^\0-\xff]", path):
        query = {"run_id": run["run"], "path": posixpath.join(run["folder"], path)}
        answer = requests.get(f"{run['base']}/get-artifact", params=query, timeout=60)
    else:
        answer = requests.get(f"{root}/{quote(path)}", timeout=60)
    answer.raise_for_status()
    return answer.content


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
