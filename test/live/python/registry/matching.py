"""Which object of the target stands for which of the source: by mapped name, or by the tag that mlferry leaves."""

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]
Registry = dict[str, dict[str, Record]]

OWN_TAGS = "mlferry_"
SOURCE_ID = "mlferry_source_id"
CARRIER = "mlferry_carrier"
RUN_OR_MODEL_ID = re.compile(r"m-[0-9a-f]{32}|[0-9a-f]{32}")


@dataclass
class Matching:
    """Source ids (of experiments: ids, of models: names) to those of the target; `None` for models that must not arrive."""

    experiments: dict[str, str] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)
    logged_models: dict[str, str] = field(default_factory=dict)
    models: dict[str, str | None] = field(default_factory=dict)
    carriers: set[str] = field(default_factory=set)
    # Kind and source id of what the target holds more than once, with its ids there.
    duplicates: list[tuple[str, str, list[str]]] = field(default_factory=list)
    # Experiment names that must not arrive.
    left_out: set[str] = field(default_factory=set)

    def translate(self, text: str) -> str:
        """Run and logged model ids inside a text, as the target should spell them; unknown ones stay."""
        known = {**self.runs, **self.logged_models}
        return RUN_OR_MODEL_ID.sub(lambda found: known.get(found.group(), found.group()), text)


def match_to_itself(registry: Registry) -> Matching:
    def same(kind: str) -> dict[str, str]:
        return {key: key for key in registry[kind]}

    return Matching(same("experiments"), same("runs"), same("logged_models"), dict(same("models")), carriers_of(registry))


def match(source: Registry, target: Registry, names: dict[str, dict[str, str | None]]) -> Matching:
    """`names` holds `experiments` and `models`: source names to target names where they differ, null for left out."""
    matching = Matching(carriers=carriers_of(target))
    renamed = names.get("experiments", {})
    by_name = {record["name"]: key for key, record in target["experiments"].items()}
    for key, record in source["experiments"].items():
        name = renamed.get(record["name"], record["name"])
        if name is None:
            matching.left_out.add(record["name"])
        elif name in by_name:
            matching.experiments[key] = by_name[name]
    matching.models = {name: names.get("models", {}).get(name, name) for name in source["models"]}
    matching.runs = by_source_id("runs", source, target, matching)
    matching.logged_models = by_source_id("logged_models", source, target, matching)
    return matching


def by_source_id(kind: str, source: Registry, target: Registry, matching: Matching) -> dict[str, str]:
    found = defaultdict(list)
    for key, record in target[kind].items():
        if key not in matching.carriers and SOURCE_ID in record["tags"]:
            found[record["tags"][SOURCE_ID]].append(key)
    matching.duplicates += [(kind, source_id, keys) for source_id, keys in found.items() if len(keys) > 1]
    return {source_id: keys[0] for source_id, keys in found.items() if source_id in source[kind]}


def carriers_of(registry: Registry) -> set[str]:
    return {key for key, record in registry["runs"].items() if CARRIER in record["tags"]}


def canonical(text: str) -> str:
    """JSON in one spelling, anything else unchanged."""
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except ValueError:
        return text
