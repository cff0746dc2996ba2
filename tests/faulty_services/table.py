"""The matrix of faults and checks, as a terminal and as the README show it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.checks import CHECKS
from tests.faulty_services.alone import Failure
from tests.faulty_services.fault import Fault

BEGIN = "<!-- matrix: python -m tests.faulty_services.matrix --write -->"
END = "<!-- /matrix -->"
NAMES = [check.name for check in CHECKS]
NAMED, FOUND, SILENT = "●", "○", "·"

_HEAD = ("fault", "caught by", "Schemathesis alone", "Pact alone")
_LISTED = re.compile(r"^\| (?P<fault>[^|*]+?) \| (?:\*\*(?P<check>\w+)\*\*|nothing)", re.MULTILINE)


@dataclass(slots=True)
class Sound:
    """What is reported of the services as they are, without a fault."""

    findings: int = 0
    failures: dict[str, frozenset[Failure]] = field(default_factory=dict)

    def __str__(self) -> str:
        wrong = sum(len(each) for each in self.failures.values())
        return (
            f"On the services without a fault Portal finds {self.findings or 'nothing'}; Schemathesis alone "
            f"reports {wrong} failures, which are right refusals and count as found nowhere."
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One fault: whether the check that names it did, all checks that found something, and who else did."""

    fault: Fault
    named: bool
    found_by: frozenset[str]
    schemathesis: frozenset[Failure]
    pact: bool

    @property
    def caught_by(self) -> list[str]:
        """The checks that found something, the one that names the fault first."""
        others = [name for name in NAMES if name in self.found_by and name != self.fault.found_by]
        return [*([self.fault.found_by] if self.named else []), *others]

    def mark(self, check: str) -> str:
        if check == self.fault.found_by and self.named:
            return NAMED
        return FOUND if check in self.found_by else SILENT


def heading() -> str:
    """The columns of a terminal's lines, and what their marks mean."""
    columns = " ".join(f"{number}" for number, _ in enumerate(NAMES, 1))
    legend = ", ".join(f"{number} {name}" for number, name in enumerate(NAMES, 1))
    marks = f"{NAMED} found by the check that names it, {FOUND} found by another too, {SILENT} silent"
    return f"{legend}\n{marks}\n{'':56} {columns}  Schemathesis alone, Pact alone"


def line(row: Row) -> str:
    """One fault on a terminal, with what Schemathesis alone told of it."""
    marks = " ".join(row.mark(name) for name in NAMES)
    told = "; ".join(sorted(f"{kind} {status} {label}" for label, kind, status in row.schemathesis))
    alone = [told or "-", "yes" if row.pact else "-"]
    return f"{row.fault.name:56} {marks}  {', '.join(alone)}"


def totals(rows: Sequence[Row]) -> str:
    """How many of the faults each of the three finds."""
    named, others = sum(each.named for each in rows), sum(bool(each.schemathesis) for each in rows)
    pacts = sum(each.pact for each in rows)
    return f"Of {len(rows)} faults Portal finds {named}, Schemathesis alone {others}, Pact alone {pacts}."


def markdown(rows: Sequence[Row], sound: Sound) -> str:
    """The README's table, between its markers."""
    parts = [BEGIN, _cells(_HEAD), _cells(["---"] * len(_HEAD)), *_body(rows), "", f"{totals(rows)} {sound}"]
    return "\n".join([*parts, END])


def write(readme: Path, rows: Sequence[Row], sound: Sound) -> None:
    """Replace what stands between the markers of a README."""
    before, begin, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{readme} has no {BEGIN} … {END}")
    readme.write_text(f"{before}{markdown(rows, sound)}{after}", encoding="utf-8")


def listed(text: str) -> dict[str, str | None]:
    """The faults that a README's table lists, with the check that it says names each."""
    inside = text.partition(BEGIN)[2].partition(END)[0]
    return {
        found["fault"]: found["check"] for found in _LISTED.finditer(inside) if found["fault"] != _HEAD[0]
    }


def _body(rows: Sequence[Row]) -> Iterator[str]:
    for group in dict.fromkeys(row.fault.group for row in rows):
        yield _cells([f"*{group}*", "", "", ""])
        for row in rows:
            if row.fault.group == group:
                first, *others = row.caught_by or ["nothing"]
                named = f"**{first}**" if row.named else first
                caught = ", ".join([named, *others])
                yield _cells([row.fault.name, caught, _yes(bool(row.schemathesis)), _yes(row.pact)])


def _cells(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"


def _yes(found: bool) -> str:
    return "yes" if found else ""
