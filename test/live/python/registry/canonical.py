"""A server's state without the ids and times that the server gave out."""

import json
import re
from collections import Counter, defaultdict
from fnmatch import fnmatchcase
from typing import Any

from registry.matching import RUN_OR_MODEL_ID, SOURCE_ID, Record, Registry

SERVER_MADE = ("artifact_uri", "updated")
EXACT_IN_DOUBLES = 2**53
PROXIED_ROOT = re.compile(r"(?<=^mlflow-artifacts:/)\d+(?=/)")


def canonical_state(registry: Registry, ignored_tags: list[str]) -> dict[str, Any]:
    experiments = {key: record["name"] for key, record in registry["experiments"].items()}
    names = {**labels("run", registry["runs"], experiments), **labels("logged-model", registry["logged_models"], experiments)}

    def renamed(value: Any) -> Any:
        if isinstance(value, str):
            value = PROXIED_ROOT.sub(lambda found: experiments.get(found.group(), found.group()), value)
            return RUN_OR_MODEL_ID.sub(lambda found: names.get(found.group(), found.group()), value)
        if isinstance(value, list):
            return [renamed(each) for each in value]
        if isinstance(value, dict):
            return {renamed(key): renamed(each) for key, each in value.items()}
        # Readers of JSON whose numbers are doubles would take different steps for equal.
        return str(value) if isinstance(value, int) and abs(value) > EXACT_IN_DOUBLES else value

    state = {}
    for kind, records in registry.items():
        by_name = experiments if kind == "experiments" else names
        state[kind] = {by_name.get(key, key): renamed(stable(record, experiments, ignored_tags)) for key, record in records.items()}
    return {"registry": in_order(state), "counts": counts(registry), "updated": updated(registry, {**experiments, **names})}


def stable(record: Record, experiments: dict[str, str], ignored_tags: list[str]) -> Record:
    kept = {field: value for field, value in record.items() if field not in SERVER_MADE}
    kept["tags"] = {key: value for key, value in kept["tags"].items() if not any(fnmatchcase(key, glob) for glob in ignored_tags)}
    if "experiment" in kept:
        kept["experiment"] = experiments.get(kept["experiment"], kept["experiment"])
    return kept


def labels(kind: str, records: dict[str, Record], experiments: dict[str, str]) -> dict[str, str]:
    """By the id at the source where there is one, otherwise by names; equals are told apart by their content."""
    groups = defaultdict(list)
    for key, record in records.items():
        where = f"{experiments.get(record['experiment'], '?')}/{record['name']}"
        groups[record["tags"].get(SOURCE_ID, where)].append(key)
    found = {}
    for name, keys in groups.items():
        for number, key in enumerate(sorted(keys, key=lambda each: without_ids(records[each]))):
            found[key] = f"<{kind} {name}>" if number == 0 else f"<{kind} {name} #{number + 1}>"
    return found


def without_ids(record: Record) -> str:
    content = {field: value for field, value in record.items() if field not in SERVER_MADE}
    return RUN_OR_MODEL_ID.sub("id", json.dumps(content, sort_keys=True))


def in_order(value: Any) -> Any:
    """Lists that held ids were sorted by them; here they are sorted by what stands in their place."""
    if isinstance(value, dict):
        return {key: in_order(each) for key, each in value.items()}
    return sorted(map(in_order, value), key=repr) if isinstance(value, list) and all(isinstance(each, list | str) for each in value) else value


def counts(registry: Registry) -> dict[str, int]:
    found: Counter[str] = Counter({kind: len(records) for kind, records in registry.items()})
    for record in registry["runs"].values():
        found["params"] += len(record["params"])
        found["metric points"] += sum(map(len, record["metrics"].values()))
        found["datasets"] += len(record["datasets"])
    for records in registry.values():
        for record in records.values():
            found["tags"] += len(record["tags"])
            found["files"] += len(record.get("files", {}))
    found["aliases"] = sum(len(record["aliases"]) for record in registry["models"].values())
    return dict(found)


def updated(registry: Registry, names: dict[str, str]) -> dict[str, int]:
    return {
        f"{kind} {names.get(key, key)}": record["updated"] for kind, records in registry.items() for key, record in records.items() if "updated" in record
    }
