"""What a service keeps: an aggregate, a page of them, and how they are looked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.contract.model import JSON

PRIVATE = "_"
"""Properties whose name begins so stay inside: never answered, never in an event."""


@dataclass(slots=True)
class Aggregate:
    """One thing that the service keeps, as it stands in the current transaction.

    ``type`` is the component schema's name. ``version`` counts its changes from 1 and is the ``ETag``.
    ``document`` is what the contract's schema describes; properties whose name begins with ``_`` are the
    service's own: kept, but never answered nor sent. ``subject`` is the patient whose data it is, None
    where it is nobody's. Read it like a mapping: ``slot["status"]``, ``slot.get("holdExpiresAt")``;
    change it through ``Work.change`` and ``Work.save`` only. ``row``, ``entered_at``, ``correlation`` and
    ``uniques`` are the platform's.
    """

    type: str
    id: str
    version: int
    document: dict[str, JSON]
    subject: str | None = None
    status: str | None = None
    entered_at: str = ""
    correlation: str = ""
    uniques: tuple[str, ...] = ()
    row: int = 0
    hidden: frozenset[str] = frozenset()

    def __getitem__(self, name: str) -> Any:
        return self.document[name]

    def __contains__(self, name: object) -> bool:
        return name in self.document

    def get(self, name: str, default: Any = None) -> Any:
        return self.document.get(name, default)

    def hide(self, *names: str) -> Aggregate:
        """Leave these properties out of this one answer; what is kept stays. Returns itself."""
        self.hidden = self.hidden | frozenset(names)
        return self

    def shown(self) -> dict[str, JSON]:
        """The document without what is private or hidden."""
        return {
            name: value
            for name, value in self.document.items()
            if name not in self.hidden and not name.startswith(PRIVATE)
        }


@dataclass(frozen=True, slots=True)
class Between:
    """A range for ``where``: ``low <= value < high``; None leaves that end open.

    Times compare as instants whatever their offset, numbers as numbers, all else as text.
    """

    low: JSON = None
    high: JSON = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. ``total`` counts all that match and the actor may see.

    ``next`` is the cursor of the following page, None on the last. ``extra`` is laid over the answer.
    """

    items: Sequence[Aggregate]
    total: int
    next: str | None = None
    extra: Mapping[str, JSON] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Aggregate]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)
