"""The exact places in the platform at which a service can be made to die, reached without product code.

A place is a function of the platform; the launcher wraps it in the child before the service starts. The Nth
passage of the place is the last thing that the process does: it sends itself SIGKILL.
"""

from __future__ import annotations

import importlib
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from itertools import count
from typing import Any, Literal

_PLATFORM = "reference_services.platform"


@dataclass(frozen=True, slots=True)
class Place:
    """``before`` or ``after`` a call of the ``function`` of ``owner`` (a module or module:class)."""

    owner: str
    function: str
    when: Literal["before", "after"]
    counts: Callable[..., bool] = lambda *_, **__: True


def _writing_plan(plan: Any, *_: Any, **__: Any) -> bool:
    return bool(plan.writes)


def _writing_endpoint(endpoint: Any, *_: Any, **__: Any) -> bool:
    return bool(endpoint._plan.writes)


PLACES: Mapping[str, Place] = {
    "relay: sent": Place(f"{_PLATFORM}.outbox:Publisher", "send", "after"),
    "relay: published": Place(f"{_PLATFORM}.outbox:Relay", "_confirmed", "before"),
    "relay: marked": Place(f"{_PLATFORM}.outbox:Relay", "_confirmed", "after"),
    "consumer: in its transaction": Place(f"{_PLATFORM}.inbox:Taker", "_note", "after"),
    "consumer: effect kept": Place(f"{_PLATFORM}.inbox:Taker", "take", "after"),
    "consumer: offset sent": Place("harness.kafka.consuming:Consumption", "_commit", "after"),
    "request: in its transaction": Place(f"{_PLATFORM}.endpoint", "answer_of", "after", _writing_plan),
    "request: effect kept": Place(f"{_PLATFORM}.endpoint:Endpoint", "_once", "after", _writing_endpoint),
    "timer: in its transaction": Place(f"{_PLATFORM}.firing:Firing", "_fire", "after"),
    "timer: effect kept": Place(f"{_PLATFORM}.firing:Firing", "fire", "after"),
}
"""What is between two steps: publish and mark, effect and commit, commit and answer."""


def arm(name: str, passage: int) -> None:
    """Make this process die at the ``passage``-th (from 1) passage of a place. Raises KeyError."""
    place = PLACES[name]
    module, _, inside = place.owner.partition(":")
    owner = importlib.import_module(module)
    owner = getattr(owner, inside) if inside else owner
    original = getattr(owner, place.function)
    passages = count(1)

    def pass_by(*arguments: Any, **named: Any) -> None:
        if place.counts(*arguments, **named) and next(passages) == passage:
            os.kill(os.getpid(), signal.SIGKILL)

    @wraps(original)
    def before(*arguments: Any, **named: Any) -> Any:
        pass_by(*arguments, **named)
        return original(*arguments, **named)

    @wraps(original)
    def after(*arguments: Any, **named: Any) -> Any:
        result = original(*arguments, **named)
        pass_by(*arguments, **named)
        return result

    setattr(owner, place.function, before if place.when == "before" else after)
