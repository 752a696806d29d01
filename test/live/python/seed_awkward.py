"""Fills an MLflow server with a registry that is hard to move, and prints the ids that tests want to know.

    seed_awkward.py --uri URL --local-artifacts DIR

Everything but server-made ids and times is the same each time. DIR must be on the server's disk. Prints a JSON object:
`ids` (names to run, experiment and logged model ids) and `seconds` (what each theme took).
"""

import argparse
import json
import time
from pathlib import Path

from connection import prepare


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uri", required=True)
    parser.add_argument("--local-artifacts", required=True, type=Path)
    parser.add_argument("--only", nargs="*", help="fill only these themes")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    prepare(options.uri)
    from seed import artifacts, experiments, logged_models, metrics, registry, runs, uncarried
    from seed.world import World

    world = World(options.uri, options.local_artifacts.resolve())
    seconds = {}
    for theme in (experiments, runs, metrics, artifacts, logged_models, registry, uncarried):
        name = theme.__name__.removeprefix("seed.")
        if options.only and name not in options.only:
            continue
        began = time.monotonic()
        theme.fill(world)
        seconds[name] = round(time.monotonic() - began, 1)
    print(json.dumps({"ids": world.ids, "seconds": seconds}))


if __name__ == "__main__":
    main()
