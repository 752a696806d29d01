"""Compares two MLflow servers through the Python client, and prints how they differ as JSON.

    compare.py --source URL --target URL [--map JSON] [--allow JSON] [--no-files] [--source-python PATH] [--target-python PATH]
    compare.py --self URL [--target URL]

`--map`: {"experiments": {"name": "name at the target"}, "models": {...}}; null leaves one out. `--allow`: a list of
{"key": GLOB, "field": GLOB}. Runs and logged models are matched through the tag `mlferry_source_id`; with `--self` by
their own ids, so a server equals itself. Prints {"differences", "allowed", "carriers", "compared"}.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from registry.allowances import not_allowed
from registry.comparing import differences
from registry.matching import Registry, match, match_to_itself


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source")
    parser.add_argument("--target")
    parser.add_argument("--self", dest="itself", metavar="URL")
    parser.add_argument("--map", type=json.loads, default={})
    parser.add_argument("--allow", type=json.loads, default=[])
    parser.add_argument("--no-files", action="store_true")
    parser.add_argument("--source-python", default=sys.executable, help="reads the source: the client of its server's version")
    parser.add_argument("--target-python", default=sys.executable)
    options = parser.parse_args()
    options.source = options.source or options.itself
    options.target = options.target or options.itself
    if not options.source or not options.target:
        parser.error("--source and --target, or --self, are needed")
    return options


def read_both(options: argparse.Namespace) -> tuple[Registry, Registry]:
    """Each in a process of its own, at the same time: the client keeps its server in global state."""
    script = str(Path(__file__).with_name("read_registry.py"))
    flags = ["--no-files"] if options.no_files else []
    servers = ((options.source_python, options.source), (options.target_python, options.target))
    readers = [subprocess.Popen([python, script, "--uri", uri, *flags], stdout=subprocess.PIPE) for python, uri in servers]
    texts = [reader.communicate()[0] for reader in readers]
    if any(reader.returncode for reader in readers):
        sys.exit("a server could not be read")
    source, target = map(json.loads, texts)
    return source, target


def main() -> None:
    options = arguments()
    source, target = read_both(options)
    ids = match_to_itself(source) if options.itself else match(source, target, options.map)
    found = list(differences(source, target, ids))
    left = not_allowed(found, options.allow)
    summary: dict[str, Any] = {
        "differences": left,
        "allowed": len(found) - sum(each["label"] != "unused allowance" for each in left),
        "carriers": len(ids.carriers),
        "compared": {kind: len(records) for kind, records in source.items()},
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
