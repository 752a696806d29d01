"""Sets the Python client up for one server: call `prepare` before anything else touches MLflow."""

import logging
import os
import warnings

QUIET = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
}


class FreshConnections:
    """A header provider: one connection per request, since small answers of servers with several workers wait 44 ms otherwise."""

    def in_context(self) -> bool:
        return True

    def request_headers(self) -> dict[str, str]:
        return {"Connection": "close"}


def prepare(uri: str) -> None:
    """Makes `uri` the tracking and registry server of this process, and the client quick and silent."""
    os.environ.update(QUIET, MLFLOW_TRACKING_URI=uri, MLFLOW_REGISTRY_URI=uri)
    # Only now: MLflow reads the environment when it is imported.
    from mlflow.tracking.request_header.registry import _request_header_provider_registry

    _request_header_provider_registry.register(FreshConnections)
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    # Stages are deprecated in the client, yet servers full of them are what gets migrated.
    warnings.filterwarnings("ignore", category=FutureWarning)
