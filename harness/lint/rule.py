"""What a rule is, and the few things that all of them say in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from harness.contract.model import Place, System
from harness.findings import Finding, Severity

if TYPE_CHECKING:
    from harness.lint.source import Source

OnSystem = Callable[[System], Iterator[Finding]]
OnSource = Callable[["Source"], Iterator[Finding]]
Together = Callable[[Sequence["Source"]], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """``id`` ends the finding's check: ``lint/<id>``; ``says`` is one sentence for people.

    ``run`` judges the model of all contracts that could be read; ``source`` one document as it is written,
    the reader's refusal notwithstanding, so it takes nothing for granted; ``together`` all documents at
    once. A rule has at least one of them.

    ``severity`` is what its findings have unless they say otherwise, ``off`` for one that has to be asked
    for. ``why`` says what goes wrong for whoever leaves it so, ``mend`` what to do.
    """

    id: str
    says: str
    run: OnSystem | None = None
    source: OnSource | None = None
    together: Together | None = None
    severity: Severity | Literal["off"] = "error"
    why: str = ""
    mend: str = ""


class Owner(Protocol):
    """A contract or one of its documents: whatever has a service's name."""

    @property
    def service(self) -> str: ...


def finding(
    rule: str,
    owner: Owner,
    where: Place,
    title: str,
    *,
    received: str,
    documented: str,
    operation: str = "",
    severity: Severity = "error",
) -> Finding:
    """A finding of a rule; ``received`` is what is written, ``documented`` what should be."""
    return Finding(
        check=f"lint/{rule}",
        service=owner.service,
        operation=operation,
        title=title,
        received=received,
        documented=documented,
        severity=severity,
        where=where,
    )
