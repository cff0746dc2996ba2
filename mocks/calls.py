"""What a consumer called in process, and whether it was what a test expects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.contract.model import EMPTY, JSON, Schema
from harness.contract.phi import WITHHELD
from harness.contract.showing import shown

ANYTHING: Any = object()
"""Where nothing is expected of a body."""

_MISSING: Any = object()
_LONGEST = 200
_NEAR = 3
"""How many calls are explained where none is the expected one."""


@dataclass(frozen=True, slots=True)
class Call:
    """One exchange of a consumer under test.

    ``operation`` is ``""`` where the contract has none there; ``path`` and ``query`` hold decoded values if
    the request kept the contract; ``headers`` have lower-case names; ``body`` is decoded JSON, bytes or
    None, and ``schema`` what is documented of it; ``misuse`` says how the request broke the contract.
    """

    operation: str
    method: str
    url: str
    status: int
    path: Mapping[str, JSON] = field(default=EMPTY, repr=False)
    query: Mapping[str, JSON] = field(default=EMPTY, repr=False)
    headers: Mapping[str, str] = field(default=EMPTY, repr=False)
    body: JSON = field(default=None, repr=False)
    schema: Schema | None = field(default=None, repr=False)
    misuse: str = ""


@dataclass(frozen=True, slots=True)
class Expected:
    """Conditions on a call. Objects may hold more than is expected of them; lists must be as long."""

    path: Mapping[str, JSON] = field(default=EMPTY)
    query: Mapping[str, JSON] = field(default=EMPTY)
    headers: Mapping[str, str] = field(default=EMPTY)
    body: JSON = ANYTHING

    def differences(self, call: Call) -> list[str]:
        """What is not as expected; empty if everything is. No ``x-phi`` value of the call is in it."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        given = call.headers | dict.fromkeys(headers.keys() & _SECRET, WITHHELD)  # type: ignore[operator]
        found = list(_differences("path", self.path, call.path, call.path))
        found += _differences("query", self.query, call.query, call.query)
        found += _differences("header", headers, call.headers, given)
        if self.body is not ANYTHING:
            found += _differences("body", self.body, call.body, shown(call.schema, call.body))
        return found


_SECRET = frozenset({"authorization", "cookie", "proxy-authorization"})


def near_misses(calls: Sequence[Call], expected: Expected) -> str:
    """Why the calls that come nearest are not the expected one, a line each."""
    weighed = sorted(((expected.differences(each), each) for each in calls), key=lambda pair: len(pair[0]))
    return "\n".join(
        f"  {call.method} {call.url} -> {call.status}: {'; '.join(differences[:5])}"
        for differences, call in weighed[:_NEAR]
        if differences
    )


def _differences(at: str, wanted: JSON, given: JSON, visible: JSON) -> Iterator[str]:
    """``visible`` is what of ``given`` may be shown."""
    if isinstance(wanted, Mapping) and isinstance(given, Mapping):
        for name, value in wanted.items():
            yield from _differences(f"{at}/{name}", value, given.get(name, _MISSING), _at(visible, name))
    elif isinstance(wanted, list) and isinstance(given, list) and len(wanted) == len(given):
        for index, (one, other) in enumerate(zip(wanted, given, strict=True)):
            yield from _differences(f"{at}/{index}", one, other, _at(visible, index))
    elif given is _MISSING:
        yield f"{at} is missing, expected {_text(wanted)}"
    elif isinstance(wanted, bool) != isinstance(given, bool) or wanted != given:
        yield f"{at} is {_text(visible)}, expected {_text(wanted)}"


def _at(visible: JSON, key: str | int) -> JSON:
    if isinstance(visible, Mapping):
        return visible.get(key)
    return visible[key] if isinstance(visible, list) and isinstance(key, int) else visible


def _text(value: JSON) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
