"""Calls methods of MLflow's own client one after the other, as a person at work would, and prints what they give as JSON.

    client_calls.py --uri URL '[["set_tag", "<run id>", "key", "value"], ["delete_run", "<run id>"]]'

Of an entity its version, run id or name is printed; of anything else its text.
"""

import argparse
import json

from connection import prepare


def identity(value: object) -> str | None:
    if value is None:
        return None
    info = getattr(value, "info", value)
    for field in ("version", "run_id", "name"):
        if hasattr(info, field):
            return str(getattr(info, field))
    return str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uri", required=True)
    parser.add_argument("calls")
    options = parser.parse_args()
    prepare(options.uri)
    from mlflow import MlflowClient

    client = MlflowClient()
    print(json.dumps([identity(getattr(client, method)(*rest)) for method, *rest in json.loads(options.calls)]))


if __name__ == "__main__":
    main()
