"""What is to happen in a round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.kills.schedule import SERVICES, Kill

FINISH = 60.0
"""Seconds in which all work must be done once the load has ended."""


@dataclass(frozen=True)
class Plan:
    """``kills`` by member; a member that is not named lives on. ``replicas``: members of each service.

    ``faults`` by service (see ``faults``); ``stay_dead``: members that nobody brings back after their last
    kill; ``pause``: seconds until the others are. ``repeat`` is the command that does it all again.
    """

    seed: int
    kills: Mapping[str, Sequence[Kill]]
    repeat: str = ""
    replicas: Mapping[str, int] = field(default_factory=dict)
    faults: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stay_dead: frozenset[str] = frozenset()
    pause: float = 0.0
    finish: float = FINISH

    @property
    def members(self) -> dict[str, str]:
        """Member → service."""
        return {
            member: service
            for service in SERVICES
            for member in members_of(service, self.replicas.get(service, 1))
        }


def members_of(service: str, count: int) -> list[str]:
    """The names of a service's members; an only one bears its service's name."""
    return [service] if count == 1 else [f"{service}-{number + 1}" for number in range(count)]
