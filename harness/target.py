"""A target: an address with its capabilities. The harness knows a service by nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from harness.contract.model import JSON
from harness.kafka.broker import Broker

Kind = Literal["reference", "mock", "external"]

Capability = Literal["kafka", "control", "state", "access", "idempotency", "accesses"]
"""kafka: its events can be watched; control: provider states and the clock can be set; state: it
remembers what it was told; access: it enforces ``x-access``; idempotency: a repeated key has no second
effect; accesses: it tells who asked it for what, as ``x-records`` says."""

WITHOUT: Mapping[Capability, str] = {
    "kafka": "no Kafka address was given for this target",
    "control": "this target offers no control endpoint (--control SERVICE=URL)",
    "state": "this target remembers nothing of what it is told",
    "access": "this target knows nobody's relations",
    "idempotency": "this target does not remember idempotency keys",
    "accesses": "this target tells of no accesses",
}
"""Why a check that needs a capability does not apply where it is missing."""

Claims = Mapping[str, JSON]
TokenSource = Callable[[Claims], str]
"""Turns claims (``sub``, ``actor``, ``scope``, ``patient``, ``proxy_for``, ``treats``, optional ``exp``
as Unix seconds) into a bearer token. Raises TokenError."""


@dataclass(frozen=True, slots=True)
class Target:
    """``url`` and ``control`` are base addresses without a trailing slash."""

    service: str
    url: str
    kind: Kind
    capabilities: frozenset[Capability]
    kafka: Broker | None = None
    control: str | None = None
    tokens: TokenSource | None = None


def offer_control(target: Target) -> str:
    """What to do where a target cannot be brought into a state."""
    return f"Offer the control contract at --control {target.service}=URL"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a check may do. ``cases`` an operation; ``settle`` and ``timeout`` are seconds.

    ``boundaries`` is the share of the boundary values that is tried: more than 0, at most 1. ``budget`` is
    how many seconds generated requests to one service may take, None for as many as go with their number.
    """

    cases: int = 25
    seed: int = 1
    settle: float = 2.0
    timeout: float = 10.0
    boundaries: float = 1.0
    budget: float | None = None
