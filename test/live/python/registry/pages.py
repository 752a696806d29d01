"""Paged listings of the Python client, to their end."""

from collections.abc import Callable, Iterator
from typing import Any


def pages(fetch: Callable[[str | None], Any]) -> Iterator[Any]:
    """Every item of every page; `fetch` is given the token of the page, None for the first."""
    token = None
    while True:
        page = fetch(token)
        yield from page
        token = page.token
        if not token:
            return
