"""Prints everything that an MLflow server holds, prompts and traces aside, as JSON.

    read_registry.py --uri URL [--no-files]
"""

import argparse
import json

from connection import prepare


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uri", required=True)
    parser.add_argument("--no-files", action="store_true", help="do not download any file")
    options = parser.parse_args()
    prepare(options.uri)
    from registry.reading import read_registry

    print(json.dumps(read_registry(options.uri, not options.no_files)))


if __name__ == "__main__":
    main()
