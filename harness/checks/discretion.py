"""No check: the last look at what checks say, before anybody reads it.

Checks leave out what is ``x-phi`` of the exchanges and records that they show. Whatever else slips into a
sentence (a library's message, an echo in an error) is made of the contract's examples more often than not.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields, replace
from typing import Any

from harness.contract.model import System
from harness.contract.phi import withheld
from harness.driving.phi import phi_of_examples, states_of
from harness.findings import Result

_NAMES = frozenset({"check", "service", "operation", "severity"})


def known_phi(system: System) -> frozenset[str]:
    """The ``x-phi`` texts that any contract of a system shows in its examples, but words for states."""
    contracts = system.contracts.values()
    told = frozenset(text for each in contracts for text in phi_of_examples(each))
    return told.difference(*map(states_of, contracts))


def discreet(result: Result, secrets: Collection[str]) -> Result:
    """The result without these values in what people read of it."""
    shown: dict[str, Any] = {
        name: withheld(text, secrets)
        for name in (each.name for each in fields(result))
        if name not in _NAMES and isinstance(text := getattr(result, name), str)
    }
    return replace(result, **shown)
