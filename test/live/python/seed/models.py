"""Models that predict something simple, as what they are and as files."""

import tempfile
from pathlib import Path

import mlflow.sklearn
from sklearn.linear_model import LinearRegression

REQUIREMENTS = ["scikit-learn"]


def linear(factor: float) -> LinearRegression:
    """A model that predicts `factor` times the sum of its two columns."""
    rows = [[0.0, 1.0], [1.0, 0.0], [2.0, 3.0]]
    return LinearRegression(fit_intercept=False).fit(rows, [factor * sum(row) for row in rows])


def saved(factor: float) -> dict[str, bytes]:
    """The files of a saved model, to be put below runs."""
    with tempfile.TemporaryDirectory() as folder:
        mlflow.sklearn.save_model(linear(factor), f"{folder}/model", pip_requirements=REQUIREMENTS)
        root = Path(folder, "model")
        return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}
