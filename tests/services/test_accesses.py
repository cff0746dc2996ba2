"""Who asked a service for what of whose is told to the access log, granted or not, whoever keeps the log."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from harness.contract.model import JSON
from harness.kafka.listening import Listener
from reference_services.platform.store import Store
from tests.services.portal import AMARA, BEN, CHLOE, STAFF, Portal, eventually, patient

AUDIT, TOPIC = "export-audit", "export-audit.access"
CLINICIAN = {"actor": "clinician", "sub": "prv-70000001", "treats": [AMARA]}


def _log(portal: Portal, who: str, operation: str) -> list[dict[str, Any]]:
    """The entries of a patient's log that name an operation, as soon as there is one."""

    def look() -> list[dict[str, Any]] | None:
        items = portal.get(AUDIT, f"/patients/{who}/access-log?limit=100")["items"]
        return [each for each in items if each["operation"] == operation] or None

    return eventually(look)


def _said(entry: Mapping[str, JSON], *names: str) -> tuple[JSON, ...]:
    return tuple(entry[name] for name in names)


def test_what_a_patient_reads_of_a_booking_is_an_entry_of_the_log(portal: Portal) -> None:
    appointment = portal.booked(AMARA)["id"]
    portal.get("scheduling", f"/appointments/{appointment}", patient(AMARA))
    (read,) = _log(portal, AMARA, "getAppointment")
    assert _said(read, "outcome", "action", "actor", "agentId", "purpose", "service", "breakGlass") == (
        "granted", "R", "patient", AMARA, "PATRQT", "scheduling", False,
    )  # fmt: skip
    (booked,) = _log(portal, AMARA, "bookAppointment")
    (held,) = _log(portal, AMARA, "holdSlot")
    assert (booked["action"], held["action"]) == ("C", "E")
    assert portal.get(AUDIT, "/access-log/verification")["intact"] is True


def test_who_is_refused_a_booking_is_an_entry_of_its_patients_log(portal: Portal) -> None:
    """By the thing that is stored, by the request, and by the kind of actor alone."""
    appointment = portal.booked(AMARA)["id"]
    path = f"/appointments/{appointment}"
    assert portal.call("scheduling", "GET", path, patient(BEN)).status_code == 404
    (entry,) = _log(portal, AMARA, "getAppointment")
    assert _said(entry, "outcome", "actor", "agentId") == ("denied", "patient", BEN)
    proxy = {"actor": "proxy", "sub": "rel-2b7k9v4x6m", "proxy_for": [BEN]}
    assert portal.call("scheduling", "GET", f"/patients/{CHLOE}/appointments", proxy).status_code == 403
    (entry,) = _log(portal, CHLOE, "listAppointments")
    assert _said(entry, "outcome", "actor", "onBehalfOf", "purpose") == ("denied", "proxy", CHLOE, "FAMRQT")
    assert portal.call("billing", "GET", f"/patients/{CHLOE}/invoices", CLINICIAN).status_code == 403
    (entry,) = _log(portal, CHLOE, "listInvoices")
    assert _said(entry, "outcome", "actor", "service") == ("denied", "clinician", "billing")


def test_what_an_emergency_opened_is_one_entry(portal: Portal) -> None:
    body = {"patientId": BEN, "purpose": "ETREAT", "reason": "Found unconscious", "minutes": 30}
    opened = portal.make("proxy-consent", "/break-glass", {"actor": "clinician", "sub": "prv-70000001"}, body)
    portal.get("proxy-consent", f"/break-glass/{opened.json()['id']}")
    _log(portal, BEN, "getBreakGlass")
    (entry,) = _log(portal, BEN, "breakGlass")
    assert entry["breakGlass"] is True


@contextmanager
def _listening(portal: Portal) -> Iterator[Listener]:
    eventually(lambda: portal._waiting("scheduling") == 0 or None)
    with Listener(portal.broker, [f"portal.{TOPIC}.v1"]) as listener:
        yield listener


def _told(listener: Listener, portal: Portal) -> list[JSON]:
    """What was told until a last access, which every other one was told before."""
    last = portal.call("scheduling", "GET", f"/patients/{CHLOE}/appointments", STAFF)
    named = last.headers["X-Correlation-Id"]
    listener.wait_for(lambda record: record.header("ce_correlationid") == named, 10.0)
    listener.settle(0.2)
    told = [record.json() for record in listener.records]
    return [each["operation"] for each in told if each["patientId"] != CHLOE]


@pytest.mark.parametrize(
    ("method", "path", "claims", "status"),
    [
        ("GET", "/slots", patient(AMARA), 200),
        ("GET", "/appointments/apt-doesnotexist", patient(AMARA), 404),
        ("GET", f"/patients/{AMARA}/appointments?limit=0", patient(AMARA), 400),
        ("GET", "/patients/somebody/appointments", patient(AMARA), 403),
        ("GET", f"/patients/{AMARA}/appointments", {"exp": 1}, 401),
    ],
    ids=["nobody's data", "not there", "invalid", "no patient's id", "no token"],
)
def test_what_is_no_access_is_not_told(
    scheduling: Portal, method: str, path: str, claims: Mapping[str, JSON], status: int
) -> None:
    with _listening(scheduling) as listener:
        assert scheduling.call("scheduling", method, path, claims).status_code == status
        assert _told(listener, scheduling) == []


def test_a_head_request_and_a_repeated_booking_are_accesses(scheduling: Portal) -> None:
    slot = scheduling.held_slot(AMARA)
    with _listening(scheduling) as listener:
        body = {"patientId": AMARA, "slotId": slot}
        for _ in range(2):
            made = scheduling.post(
                "scheduling", "/appointments", patient(AMARA), body, Idempotency_Key="one-key-01"
            )
            assert made.status_code == 201
        path = f"/appointments/{made.json()['id']}"
        assert scheduling.call("scheduling", "HEAD", path, patient(AMARA)).status_code == 200
        assert sorted(map(str, _told(listener, scheduling))) == [
            "bookAppointment", "bookAppointment", "getAppointment",
        ]  # fmt: skip


def test_what_cannot_be_told_is_answered_all_the_same(
    scheduling: Portal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The store takes no more, after it was read; and nothing of the patient's stands in the log."""
    transaction = Store.transaction

    def full(store: Store, write: bool) -> Any:
        if write:
            raise OSError(f"no space left for {AMARA}")
        return transaction(store, write)

    monkeypatch.setattr(Store, "transaction", full)
    path = f"/patients/{AMARA}/appointments"
    assert scheduling.call("scheduling", "GET", path, patient(AMARA)).status_code == 200
    assert scheduling.call("scheduling", "GET", path, patient(BEN)).status_code == 403
    told = [each.getMessage() for each in caplog.records if "an access is not told" in each.getMessage()]
    assert len(told) == 2
    assert not any(AMARA in each for each in told)


def test_what_is_refused_for_its_state_is_no_access(scheduling: Portal) -> None:
    slot = scheduling.free_slot()
    with _listening(scheduling) as listener:
        hold = scheduling.post("scheduling", f"/slots/{slot}/hold", patient(AMARA), {"patientId": AMARA})
        again = scheduling.post("scheduling", f"/slots/{slot}/hold", patient(AMARA), {"patientId": AMARA})
        assert (hold.status_code, again.status_code) == (200, 409)
        assert _told(listener, scheduling) == ["holdSlot"]


def test_nothing_and_what_is_hidden_cost_the_same_writes(
    scheduling: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the time would tell that there is something; who sees everything has nothing to find out."""
    path, transaction = f"/appointments/{scheduling.booked(AMARA)['id']}", Store.transaction
    written: list[bool] = []

    def counted(store: Store, write: bool) -> Any:
        if write and threading.current_thread().name.startswith("portal-"):
            written.append(write)
        return transaction(store, write)

    def writes(at: str, claims: Mapping[str, JSON]) -> int:
        written.clear()
        assert scheduling.call("scheduling", "GET", at, claims).status_code == 404
        return len(written)

    monkeypatch.setattr(Store, "transaction", counted)
    with _listening(scheduling) as listener:
        hidden, nothing = writes(path, patient(BEN)), writes("/appointments/apt-doesnotexist", patient(BEN))
        assert (hidden, nothing, writes("/appointments/apt-doesnotexist", STAFF)) == (1, 1, 0)
        monkeypatch.undo()
        assert _told(listener, scheduling) == ["getAppointment"]
