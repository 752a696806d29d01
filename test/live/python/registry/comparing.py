"""Differences between a source and a target, field by field, under a matching of their objects."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from registry import fields
from registry.files import UNREADABLE
from registry.matching import Matching, Registry

Difference = dict[str, Any]
KEY_PREFIX = {"experiments": "experiment", "runs": "run", "logged_models": "logged-model", "models": "registered-model", "versions": "model-version"}
SHOWN_CHARS = 200
FILES_UNREADABLE = f"files.{UNREADABLE}"


def differences(source: Registry, target: Registry, ids: Matching) -> Iterator[Difference]:
    for kind, key, copies in ids.duplicates:
        yield difference(kind, key, "duplicate", 1, copies, label(kind, key, source[kind].get(key), source))
    for kind, mine, yours in matched(source, target, ids):
        name = experiment_name(source, mine) if kind == "experiments" else mine
        where = label(kind, mine, source[kind][mine], source)
        if yours is None:
            yield difference(kind, name, "missing", "present", "absent", where)
            continue
        for field, left, right in differing(sides(kind, mine, yours, source, target, ids)):
            yield difference(kind, name, field, left, right, where)
    yield from extras(source, target, ids)


def matched(source: Registry, target: Registry, ids: Matching) -> Iterator[tuple[str, str, str | None]]:
    """Kind, id at the source, id at the target if it is there. What the mapping leaves out does not come."""
    for key, record in source["experiments"].items():
        if record["name"] not in ids.left_out:
            yield "experiments", key, ids.experiments.get(key)
    for kind, known in (("runs", ids.runs), ("logged_models", ids.logged_models)):
        for key, record in source[kind].items():
            if experiment_name(source, record["experiment"]) not in ids.left_out or key in known:
                yield kind, key, known.get(key)
    for key, name in ids.models.items():
        if name is not None:
            yield "models", key, name if name in target["models"] else None
    for key, record in source["versions"].items():
        name = ids.models.get(record["model"])
        if name is not None:
            yours = f"{name}/{record['number']}"
            yield "versions", key, yours if yours in target["versions"] else None


def sides(kind: str, mine: str, yours: str, source: Registry, target: Registry, ids: Matching) -> tuple[fields.Fields, fields.Fields]:
    left, right = source[kind][mine], target[kind][yours]
    there = Matching(carriers=ids.carriers)
    if kind == "experiments":
        return fields.experiment(left), fields.experiment(right)
    if kind == "models":
        return fields.model(left), fields.model(right)
    if kind == "versions":
        return fields.version(left, ids, source), fields.version(right, there, target)
    flatten = fields.run if kind == "runs" else fields.logged_model
    return flatten(left, ids), flatten(right, there)


def differing(both: tuple[fields.Fields, fields.Fields]) -> Iterator[tuple[str, Any, Any]]:
    left, right = both
    if FILES_UNREADABLE in left and FILES_UNREADABLE in right:
        left, right = ({key: value for key, value in side.items() if key != FILES_UNREADABLE} for side in both)
    for field in sorted(left.keys() | right.keys()):
        if left.get(field, ABSENT) != right.get(field, ABSENT):
            yield field, left.get(field, ABSENT), right.get(field, ABSENT)


class _Absent:
    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()


def extras(source: Registry, target: Registry, ids: Matching) -> Iterator[Difference]:
    """What the target has and nothing of the source stands for; carriers, and experiments of nothing else, are expected."""
    expected = set(ids.carriers)
    for known in (ids.experiments, ids.runs, ids.logged_models, ids.models):
        expected |= {key for key in known.values() if key is not None}
    expected |= {f"{ids.models[each['model']]}/{each['number']}" for each in source["versions"].values() if each["model"] in ids.models}
    expected |= {key for _, _, copies in ids.duplicates for key in copies}
    inhabited = {record["experiment"] for key, record in target["runs"].items() if key not in ids.carriers}
    expected |= {target["runs"][key]["experiment"] for key in ids.carriers} - inhabited
    for kind, records in target.items():
        for key, record in records.items():
            if key not in expected:
                name = record["name"] if kind == "experiments" else key
                yield difference(kind, name, "extra", "absent", "present", label(kind, key, record, target))


def difference(kind: str, key: str, field: str, left: Any, right: Any, where: str) -> Difference:
    shown = only_in_each(left, right) if isinstance(left, list) and isinstance(right, list) else (left, right)
    source, target = (repr(value) if len(repr(value)) <= SHOWN_CHARS else f"{repr(value)[:SHOWN_CHARS]}… ({len(repr(value))})" for value in shown)
    return {"key": f"{KEY_PREFIX[kind]}:{key}", "field": field, "source": source, "target": target, "label": where}


def only_in_each(left: list[Any], right: list[Any]) -> tuple[list[str], list[str]]:
    mine, yours = Counter(map(repr, left)), Counter(map(repr, right))
    return sorted((mine - yours).elements()), sorted((yours - mine).elements())


def label(kind: str, key: str, record: dict[str, Any] | None, registry: Registry) -> str:
    """The same as the key, but with names instead of ids, for people and for patterns."""
    if kind in ("runs", "logged_models") and record is not None:
        return f"{KEY_PREFIX[kind]}:{experiment_name(registry, record['experiment'])}/{record['name']}"
    return f"{KEY_PREFIX[kind]}:{record['name'] if kind == 'experiments' and record else key}"


def experiment_name(registry: Registry, key: str) -> str:
    return registry["experiments"].get(key, {}).get("name", key)
