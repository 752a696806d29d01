"""Agreed differences. An allowance that nothing needs is a difference itself, so that none outlives its reason."""

from fnmatch import fnmatchcase
from typing import Any

Difference = dict[str, Any]
Allowance = dict[str, str]


def not_allowed(found: list[Difference], allowances: list[Allowance]) -> list[Difference]:
    """`key` (or the label that stands for it) and `field` of an allowance are globs; write `[[]` for a bracket."""
    used: set[int] = set()
    left = []
    for difference in found:
        granting = {index for index, allowance in enumerate(allowances) if grants(allowance, difference)}
        used |= granting
        if not granting:
            left.append(difference)
    return left + [unused(allowance) for index, allowance in enumerate(allowances) if index not in used]


def grants(allowance: Allowance, difference: Difference) -> bool:
    names = (difference["key"], difference["label"])
    return any(fnmatchcase(name, allowance["key"]) for name in names) and fnmatchcase(difference["field"], allowance["field"])


def unused(allowance: Allowance) -> Difference:
    return {"key": allowance["key"], "field": allowance["field"], "source": "allowance", "target": "not needed", "label": "unused allowance"}
