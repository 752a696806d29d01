"""Sets a tag on a model version, as any user of the client would, and prints what it then holds as JSON.

    set_tag.py --uri URL --model NAME --version 3 --key owner --value eve
"""

import argparse
import json

from connection import prepare


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("uri", "model", "version", "key", "value"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    prepare(options.uri)
    from mlflow.tracking import MlflowClient

    client = MlflowClient()
    client.set_model_version_tag(options.model, options.version, options.key, options.value)
    print(json.dumps(client.get_model_version(options.model, options.version).tags))


if __name__ == "__main__":
    main()
