"""What causes do to aggregates that no mock keeps, told from the contract."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from harness.contract import load
from harness.contract.expressions import Context
from harness.contract.model import Contract
from harness.contract.schema import compile_schema
from harness.errors import ContractError
from mocks.changes import Changes
from mocks.events import Change, Draft, payload_of
from mocks.instances import Instances
from mocks.known import Known
from tests.conftest import ROOT

NOW = datetime(2031, 3, 1, 12, 0, tzinfo=UTC)


def changes_of(contract: Contract) -> Changes:
    return Changes(contract, Instances(contract, Known(contract)))


def test_what_follows_a_timed_transition_moves_with_it() -> None:
    contract = load(ROOT / "contracts" / "scheduling")
    lifecycle = contract.lifecycles["Appointment"]
    (edge,) = (each for each in lifecycle.transitions if each.after is not None and each.to == "cancelled")
    pending = Change(lifecycle, "apt-20000007", "pending", facts={"patientId": "pat-5x2q7d4h8j"})
    appointment, slot = changes_of(contract).of_timer(pending, edge)
    assert (appointment.send.id, appointment.key) == ("appointmentChanged", "apt-20000007")
    assert (appointment.change.state, appointment.change.sources) == ("cancelled", ("pending",))
    assert (slot.send.id, slot.key, slot.change.state) == ("slotChanged", "slt-10000017", "free")
    for draft in (appointment, slot):
        message, payload = payload_of(draft, 4, NOW)
        assert message.payload is not None
        assert compile_schema(message.payload).violations(payload) == ()
        assert (payload["version"], payload["occurredAt"]) == (4, "2031-03-01T12:00:00.000Z")


@pytest.mark.parametrize(("to", "told"), [("inactive", True), ("active", False)])
def test_of_many_that_a_message_names_each_that_may_move_is_told_of(to: str, told: bool) -> None:
    contract = load(ROOT / "contracts" / "scheduling")
    payload = {"id": "prv-70000001", "to": to, "specialty": "cardiology"}
    drafts = changes_of(contract).of_message(
        contract.receives["providerChanged"], Context(message_payload=payload), "e-1"
    )
    moved = {(draft.key, draft.change.sources, draft.change.state) for draft in drafts}
    assert moved == (THEIRS if told else set())


THEIRS = {
    *((f"slt-1000000{last}", ("free",), "busy-unavailable") for last in (1, 2)),
    *((f"slt-1000000{last}", ("busy-tentative",), "busy-unavailable") for last in (4, 5)),
    *((f"slt-100000{last}", ("busy",), "busy-unavailable") for last in (11, 12, 18, 20)),
    ("apt-20000001", ("booked",), "proposed"),
    ("apt-20000002", ("booked",), "proposed"),
    ("apt-20000021", ("pending",), "proposed"),
}
"""What the examples show of one provider, with where it stands and where it goes."""


def test_what_time_changes_within_a_state_is_told_as_the_example_has_it() -> None:
    contract = load(ROOT / "contracts" / "scheduling")
    lifecycle = contract.lifecycles["Appointment"]
    (edge,) = (each for each in lifecycle.transitions if each.after is not None and each.to == "pending")
    asked = {"patientId": "pat-5x2q7d4h8j", "pendingReason": "awaiting-eligibility"}
    pending = Change(lifecycle, "apt-20000007", "pending", document=asked, facts=asked)
    (draft,) = changes_of(contract).of_timer(pending, edge)
    _, payload = payload_of(draft, 2, NOW)
    assert (payload["from"], payload["to"], payload["reason"]) == (
        "pending",
        "pending",
        "eligibility-unknown",
    )
    assert (payload["pendingReason"], payload["selfPay"]) == ("eligibility-unknown", True)
    assert (payload["id"], payload["patientId"]) == ("apt-20000007", "pat-5x2q7d4h8j")


@pytest.mark.parametrize(
    ("sources", "told"), [(("in",), {"in"}), (("out",), {"out"}), (("in", "out"), {"in", "out"})]
)
def test_from_is_told_where_it_must_be(library: Contract, sources: tuple[str, ...], told: set[str]) -> None:
    change = Change(library.lifecycles["Book"], "book-1", "out", sources, document={"shelf": "a"})
    _, payload = payload_of(Draft(library.sends["bookMoved"], change), 1, NOW)
    assert payload["from"] in told


def test_from_is_left_out_where_nobody_can_know(library: Contract) -> None:
    change = Change(library.lifecycles["Loan"], "loan-1", "closed", ("open", "asked"))
    _, payload = payload_of(Draft(library.sends["loanChanged"], change), 1, NOW)
    assert "from" not in payload


def test_a_property_that_would_break_the_message_is_left_out(library: Contract) -> None:
    change = Change(library.lifecycles["Loan"], "loan-1", "open", document={"reader": 5, "bookId": "book-2"})
    message, payload = payload_of(Draft(library.sends["loanChanged"], change), 1, NOW)
    assert "reader" not in payload
    assert message.payload is not None
    assert compile_schema(message.payload).is_valid(payload)


def test_an_event_that_could_only_be_false_is_an_error(library: Contract) -> None:
    change = Change(library.lifecycles["Book"], "book-1", "sold", ("in",))
    with pytest.raises(ContractError, match="bookMoved"):
        payload_of(Draft(library.sends["bookMoved"], change), 1, NOW)


def test_an_event_of_no_lifecycle_is_its_example(library: Contract) -> None:
    _, payload = payload_of(Draft(library.sends["loanChanged"], Change(None, "not a loan", None)), 1, NOW)
    assert payload["id"] == "loan-0000000001"
