"""What a fault is: one thing wrong with one service, and who must find it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from harness.contract.model import Emission, MessageOperation, Operation, System
from harness.findings import Finding, Result
from tests.faulty_services.breaking import Break

Group = Literal["schema and status", "validation", "state", "access", "events"]


@dataclass(frozen=True, slots=True)
class Fault:
    """``found_by`` is the check that names it: by a finding of ``operation`` whose title contains ``title``.

    ``clean`` are checks that it does not concern: they find nothing. ``cases`` bounds each check. ``within``
    (seconds) is how soon the contract that it is held to promises events, where the shipped one leaves too
    much time to wait for those that do not come.
    """

    name: str
    group: Group
    service: str
    found_by: str
    operation: str
    title: str
    breaks: Break
    clean: tuple[str, str] = ("access", "paging")
    cases: int = 3
    within: float | None = None

    def names(self, result: Result) -> bool:
        """Whether this is the finding that names the fault."""
        if not isinstance(result, Finding) or result.check != self.found_by:
            return False
        return result.operation == self.operation and self.title in result.title

    def held_to(self, system: System) -> System:
        """The contracts that the service is held to by the check that must find the fault."""
        if self.within is None:
            return system
        sound = system.contracts[self.service]
        sooner = replace(
            sound,
            operations=_sooner(sound.operations, self.within),
            message_operations=_sooner(sound.message_operations, self.within),
        )
        return replace(system, contracts={**system.contracts, self.service: sooner})


Emitting = TypeVar("Emitting", Operation, MessageOperation)


def _sooner(operations: Mapping[str, Emitting], within: float) -> dict[str, Emitting]:
    def hurried(emissions: tuple[Emission, ...]) -> tuple[Emission, ...]:
        return tuple(replace(each, within=within) for each in emissions)

    return {name: replace(each, emits=hurried(each.emits)) for name, each in operations.items()}
