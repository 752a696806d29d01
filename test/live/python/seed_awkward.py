"""Fills an MLflow server with a registry that is hard to move, and prints the ids that tests want to know.

    seed_awkward.py --uri URL --local-artifacts DIR

Everything but server-made ids and times is the same each time. DIR must be on the server's disk. Prints a JSON object:
`ids` (names to run, experiment and logged model ids) and `seconds` (what each theme took).
"""

import argparse
import contextlib
import json
import sys
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
    from seed import artifacts, experiments, metrics, registry, runs, uncarried
    from seed.world import HAS_LOGGED_MODELS, World

    if HAS_LOGGED_MODELS:
        from seed import logged_models as models

        only_here = []
    else:
        from seed import models_in_runs as models
        from seed import before_three

        only_here = [before_three]

    world = World(options.uri, options.local_artifacts.resolve())
    seconds = {}
    for theme in (experiments, runs, metrics, artifacts, models, registry, *only_here, uncarried):
        name = theme.__name__.removeprefix("seed.")
        if options.only and name not in options.only:
            continue
        began = time.monotonic()
        # Older clients print where to look at each run.
        with contextlib.redirect_stdout(sys.stderr):
            theme.fill(world)
        seconds[name] = round(time.monotonic() - began, 1)
    print(json.dumps({"ids": world.ids, "seconds": seconds}))


if __name__ == "__main__":
    main()
