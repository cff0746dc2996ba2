"""Hostile inputs with their figures: ``python -m tests.hostile.table [reference|mock] [WORD]...``.

Without a kind both are attacked; words choose the attacks whose name holds one of them. Exit code 1 if
something was not survived.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from tests.hostile.defender import KINDS, Kind
from tests.hostile.registry import ATTACKS
from tests.hostile.siege import Outcome, laying_siege

WIDTH = 170


def main(arguments: list[str]) -> int:
    """Carry the attacks out and print the table."""
    kinds: list[Kind] = [kind for kind in KINDS if kind in arguments] or list(KINDS)
    words = [each for each in arguments if each not in KINDS]
    chosen = [each for each in ATTACKS if not words or any(word in each.name for word in words)]
    chosen.sort(key=lambda attack: not attack.waits)
    with laying_siege(kinds) as siege:
        outcomes = [siege.outcome(kind, attack) for kind in kinds for attack in chosen]
        heard = {kind: siege.defender(kind).acts_on_a_good_message() for kind in kinds}
    console = Console(width=WIDTH)
    console.print(table(outcomes))
    for kind, yes in heard.items():
        console.print(f"{kind}: a good message afterwards {'has its effect' if yes else 'has NO effect'}")
    return 0 if all(heard.values()) and not any(each.faults for each in outcomes if not each.skipped) else 1


def table(outcomes: Iterable[Outcome]) -> Table:
    """One line an attack. Latency of others in ms and what they waited for a processor at most, memory
    in MiB."""
    shown = Table("input", "service", title="Hostile inputs")
    for name in ("tried", "survived"):
        shown.add_column(name, justify="right")
    shown.add_column("answer", max_width=60)
    for name in ("others, worst ms + starved", "others failed", "memory MiB", "seconds"):
        shown.add_column(name, justify="right")
    for each in outcomes:
        if each.skipped:
            shown.add_row(each.attack.name, each.kind, "0", "", f"skipped: {each.skipped}")
            continue
        answers = ", ".join(f"{count} x {answer}" for answer, count in sorted(each.told.items()))
        memory = f"{each.memory.before} → {each.memory.peak} → {each.memory.after}"
        shown.add_row(
            each.attack.name,
            each.kind,
            f"{each.tried:,}",
            f"{each.survived:,}",
            answers,
            f"{each.others.worst * 1000:.0f} + {each.others.starved * 1000:.0f}",
            f"{each.others.failed} of {each.others.asked}",
            memory,
            f"{each.seconds:.1f}",
        )
    return shown


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
