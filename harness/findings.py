"""What checks say, and the events of a run that reports consume.

A check yields ``Result``s: a ``Finding`` (the service is wrong), ``CouldNotTell`` (we could not find
out), ``NotApplicable`` (declared capabilities rule it out) or ``Passed`` (this was tried and holds).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.contract.model import NOWHERE, Place

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The service does not keep its contract.

    ``operation`` is an operationId, a message operation or ``""``. ``received`` stands beside
    ``documented``, always. ``where`` is the contract's line. ``reproduce`` is a curl line, or topic, key,
    headers and payload that can be pasted.
    """

    check: str
    service: str
    operation: str
    title: str
    received: str
    documented: str
    severity: Severity = "error"
    where: Place = NOWHERE
    reproduce: str = ""


@dataclass(frozen=True, slots=True)
class CouldNotTell:
    """Something that should have been checked was not, and why. ``trying`` says which part of it."""

    check: str
    service: str
    operation: str
    reason: str
    remedy: str = ""
    trying: str = ""


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """Ruled out before running by a declared capability; leaves the exit code alone."""

    check: str
    service: str
    operation: str
    reason: str


@dataclass(frozen=True, slots=True)
class Passed:
    """``title`` says what was tried and held; ``cases`` how many times."""

    check: str
    service: str
    operation: str
    title: str = ""
    cases: int = 1


Result = Finding | CouldNotTell | NotApplicable | Passed


@dataclass(frozen=True, slots=True)
class RunStarted:
    """``plan`` maps each service to the checks that will run; ``settings`` are printed as they are."""

    plan: Mapping[str, tuple[str, ...]]
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckStarted:
    service: str
    check: str


@dataclass(frozen=True, slots=True)
class Reported:
    result: Result


@dataclass(frozen=True, slots=True)
class CheckFinished:
    service: str
    check: str
    seconds: float


@dataclass(frozen=True, slots=True)
class RunFinished:
    seconds: float


Event = RunStarted | CheckStarted | Reported | CheckFinished | RunFinished


def exit_code(results: list[Result]) -> int:
    """0 clean, 1 findings, 2 could not tell; a finding outweighs what could not be told."""
    if any(isinstance(result, Finding) and result.severity == "error" for result in results):
        return 1
    return 2 if any(isinstance(result, CouldNotTell) for result in results) else 0
