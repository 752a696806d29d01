"""What every theme of the seed works with: the clients, the ids to report, and short ways to make things."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import mlflow.entities
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

# 2024-01-01T00:00:00Z; everything that can be dated is dated from here, in milliseconds.
EPOCH = 1_704_067_200_000
MINUTE = 60_000
METRICS_PER_BATCH = 1000
PARAMS_PER_BATCH = 100

# Servers before 3.0 have neither these nor long tags; the client is always of the server's version.
HAS_LOGGED_MODELS = hasattr(mlflow.entities, "LoggedModel")

Tags = dict[str, str]


@dataclass
class World:
    """The server being filled, and the ids that the tests will want to know."""

    uri: str
    local_artifacts: Path
    client: MlflowClient = field(init=False)
    ids: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client = MlflowClient(self.uri)
        self.session = requests.Session()

    def remember(self, name: str, value: Any) -> Any:
        """Reports the value under the name; names are unique."""
        assert name not in self.ids, name
        self.ids[name] = value
        return value

    def rest(self, route: str, body: dict[str, Any] | None = None, method: str = "POST") -> dict[str, Any]:
        """For the few things that the Python client cannot say."""
        answer = self.session.request(method, f"{self.uri}/api/2.0/mlflow/{route}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def experiment(self, name: str, tags: Tags | None = None, location: str | None = None) -> str:
        return self.client.create_experiment(name, location, tags)

    def run(self, experiment: str, name: str, tags: Tags | None = None, start: int = EPOCH, **end: Any) -> str:
        """A run that is FINISHED one minute later, unless `status` (and `end_time`) say otherwise; status None: RUNNING."""
        run = self.client.create_run(experiment, start_time=start, tags={"mlflow.user": "ada", **(tags or {})}, run_name=name)
        status = end.get("status", "FINISHED")
        if status is not None:
            self.client.set_terminated(run.info.run_id, status, end.get("end_time", start + MINUTE))
        return run.info.run_id

    def log(self, run: str, params: Tags | None = None, metrics: list[Metric] | None = None, tags: Tags | None = None) -> None:
        """Logs any number of values in as few requests as the server's limits allow."""
        points, values = metrics or [], [Param(k, v) for k, v in (params or {}).items()]
        for at in range(0, len(points), METRICS_PER_BATCH):
            self.client.log_batch(run, metrics=points[at : at + METRICS_PER_BATCH])
        for at in range(0, len(values), PARAMS_PER_BATCH):
            self.client.log_batch(run, params=values[at : at + PARAMS_PER_BATCH])
        if tags:
            self.client.log_batch(run, tags=[RunTag(k, v) for k, v in tags.items()])

    def put_files(self, run: str, files: dict[str, bytes]) -> None:
        """Writes files below a run through the client; empty folders do not occur."""
        with tempfile.TemporaryDirectory() as folder:
            for path, content in files.items():
                file = Path(folder, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            self.client.log_artifacts(run, folder)
