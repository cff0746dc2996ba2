"""How a mock behaves besides what its contract says."""

from __future__ import annotations

from dataclasses import dataclass

from mocks.fault_rules import Rule

KEPT = 1000
"""Entries of a journal, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Conduct:
    """``faults`` are rules that hold from the start. With ``journal_phi`` the journal shows what ``x-phi``
    guards. ``journal_kept`` is its number of entries. ``control_host`` is the address of the control API:
    requests that name another host are refused there. ``state`` says whether the mock remembers what it is
    told, where its contract lets that be inferred.
    """

    faults: tuple[Rule, ...] = ()
    journal_phi: bool = False
    journal_kept: int = KEPT
    control_host: str = "127.0.0.1"
    state: bool = True


USUAL = Conduct()
