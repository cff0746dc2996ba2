"""What no transition leads on from may be gone to who reads it, where the contract says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from harness.contract import load
from harness.contract.lifecycles import is_last
from harness.driving.bench import Bench
from harness.driving.calls import Call, Exchange
from harness.driving.things import is_over, reading_of


class _Bench:
    def __init__(self, contract: Any) -> None:
        self.contract = contract


def _seen(operation: Any, status: int, body: Any) -> Exchange:
    class Seen:
        call = Call(operation)
        headers: dict[str, str] = {}  # noqa: RUF012

    seen = Seen()
    seen.status, seen.body, seen.ok = status, body, status < 400  # type: ignore[attr-defined]
    return cast("Exchange", seen)


@pytest.mark.parametrize(
    ("status", "answer", "over"),
    [("merged", 410, True), ("merged", 404, False), ("active", 410, False)],
)
def test_a_merged_patient_may_be_gone(contracts: Path, status: str, answer: int, over: bool) -> None:
    contract = load(contracts / "patient-profile")
    bench = cast("Bench", _Bench(contract))
    read = contract.operations["getPatient"]
    assert is_over(bench, "Patient", status, _seen(read, answer, {})) == over
    undocumented = replace(read, responses={k: v for k, v in read.responses.items() if k != "410"})
    assert not is_over(bench, "Patient", status, _seen(undocumented, answer, {}))


def test_states_that_lead_on_are_not_the_last(contracts: Path) -> None:
    lifecycles = load(contracts / "scheduling").lifecycles
    ends = {each for each in lifecycles["Appointment"].states if is_last(lifecycles["Appointment"], each)}
    assert ends == {"cancelled", "fulfilled", "noshow"}
    assert not is_last(None, "merged")


def test_two_refusals_are_one_reading_whatever_they_say_of_the_occurrence(contracts: Path) -> None:
    read = load(contracts / "patient-profile").operations["getPatient"]
    told = {"status": 410, "replacedBy": "pat-7z4f2c8y6l", "detail": "one", "instance": "urn:1"}
    one, other = (_seen(read, 410, {**told, "detail": each, "instance": each}) for each in ("a", "b"))
    assert reading_of(one) == reading_of(other)
    assert reading_of(one) != reading_of(_seen(read, 410, {**told, "replacedBy": "pat-1r5m9w3c7p"}))
    assert reading_of(_seen(read, 200, {"detail": "a"})) != reading_of(_seen(read, 200, {"detail": "b"}))
