"""Prints the state of an MLflow server in a form that is equal for equal states, as JSON.

    snapshot.py --uri URL [--no-files] [--ignore-tag GLOB]...

`registry` has names, or ids at the source, instead of the ids that this server gave out; `counts` what there is of each
kind; `updated` every time of last change that the server keeps (not stable between servers: for "nothing was written").
"""

import argparse
import json

from connection import prepare


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uri", required=True)
    parser.add_argument("--no-files", action="store_true")
    parser.add_argument("--ignore-tag", action="append", default=[])
    options = parser.parse_args()
    prepare(options.uri)
    from registry.canonical import canonical_state
    from registry.reading import read_registry

    state = canonical_state(read_registry(options.uri, not options.no_files), options.ignore_tag)
    print(json.dumps(state, sort_keys=True, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
