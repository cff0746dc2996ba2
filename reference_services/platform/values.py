"""How a document's scalar properties are laid down so that a database's text order is their order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from harness.contract.model import JSON
from harness.serving import emitting

LONGEST = 200
"""Longer texts are not looked for by value."""

LONGEST_NAME = 255
"""Nor are things with longer names: both have to fit into an entry of PostgreSQL's index, of 2,704 bytes."""

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_SHIFT = 10**15

timestamp = emitting.timestamp
"""As events tell the time, so do documents."""


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds: fixed width, so that text order is time order."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def sortable(value: JSON) -> str:
    """A scalar as text that sorts as the value does: instants whatever their offset, numbers by size."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value + _SHIFT:024.6f}"
    text = str(value)
    if _INSTANT.fullmatch(text):
        try:
            return instant(datetime.fromisoformat(text.upper()))
        except ValueError:
            return text
    return text


def scalars(document: Mapping[str, JSON], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every scalar of a document as (dotted name, sortable text); each item of a list of scalars too."""
    for name, value in document.items():
        path = prefix + name
        if type(value) is not str and isinstance(value, Mapping):  # most are text: asking is slow
            yield from scalars(value, path + ".")
            continue
        for each in value if isinstance(value, list) else (value,):
            if each is None or isinstance(each, dict | list):
                continue
            text = sortable(each)
            if len(text) <= LONGEST and len(path) <= LONGEST_NAME:
                yield path, text
