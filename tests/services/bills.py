"""Bills and payments as the tests of billing make and read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import httpx

from harness.contract.model import JSON
from harness.kafka.listening import Listener
from tests.services.portal import BEN, STAFF, Portal, eventually, patient

SERVICE, INVOICES, PAYMENTS = "billing", "billing.invoice", "billing.payment"
CARD = "tok-visa00000009"


def usd(value: int) -> dict[str, JSON]:
    return {"value": value, "currency": "USD"}


def line(value: int, code: str = "G0463", currency: str = "USD") -> dict[str, JSON]:
    amount = {"value": value, "currency": currency}
    return {"code": code, "display": "What was done", "quantity": 1, "amount": amount}


def invoice(portal: Portal, open: int, who: str = BEN, status: str = "issued", **more: JSON) -> str:
    """The id of an invoice of which nothing is paid."""
    nothing = {name: usd(0) for name in ("payerAmount", "paidAmount", "pendingAmount")}
    owed = {"lines": [line(open)], "total": usd(open), "openAmount": usd(open), **nothing}
    found = portal.exists(SERVICE, "Invoice", status=status, patientId=who, **{**owed, **more})
    return str(found["id"])


def shown(portal: Portal, what: str, id: str, by: Mapping[str, JSON] = STAFF) -> dict[str, JSON]:
    found = portal.get(SERVICE, f"/{what}/{id}", by)
    assert isinstance(found, dict)
    return found


def amounts(portal: Portal, invoice: str) -> tuple[JSON, ...]:
    """What is paid, set aside and open."""
    found = shown(portal, "invoices", invoice)
    return tuple(found[name]["value"] for name in ("paidAmount", "pendingAmount", "openAmount"))


def payment(
    parts: Mapping[str, int], amount: int | None = None, token: str = CARD, who: str = BEN
) -> dict[str, JSON]:
    """The body that prepares a payment: what is for each invoice, and how much it is together."""
    return {
        "patientId": who,
        "amount": usd(sum(parts.values()) if amount is None else amount),
        "allocations": [{"invoiceId": id, "amount": usd(value)} for id, value in parts.items()],
        "methodToken": token,
    }


def paying(
    portal: Portal,
    parts: Mapping[str, int],
    amount: int | None = None,
    token: str = CARD,
    who: str = BEN,
    by: Mapping[str, JSON] | None = None,
) -> httpx.Response:
    return portal.make(SERVICE, "/payments", by or patient(who), payment(parts, amount, token, who))


def prepared(portal: Portal, parts: Mapping[str, int], token: str = CARD) -> str:
    answer = paying(portal, parts, token=token)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def do(
    portal: Portal, path: str, by: Mapping[str, JSON] = STAFF, body: JSON = None, match: str = "*"
) -> httpx.Response:
    return portal.post(SERVICE, path, by, body, If_Match=match)


def captured(portal: Portal, payment: str) -> httpx.Response:
    return do(portal, f"/payments/{payment}/capture", patient(BEN))


def becomes(portal: Portal, what: str, id: str, status: str) -> dict[str, JSON]:
    """The thing, once it is in this status."""

    def look() -> dict[str, JSON] | None:
        found = shown(portal, what, id)
        return found if found["status"] == status else None

    return eventually(look)


def paid(portal: Portal, parts: Mapping[str, int]) -> str:
    payment = prepared(portal, parts)
    assert captured(portal, payment).status_code == 200
    becomes(portal, "payments", payment, "completed")
    return payment


def reasons(heard: Listener, id: str, until: str) -> list[str]:
    """Why a thing changed, by its events up to one that must come, and what follows it at once."""
    heard.wait_for(lambda each: each.key == id and each.json()["reason"] == until, 10.0)
    heard.settle(0.3)
    return [each.json()["reason"] for each in heard.records if each.key == id]


def planned(portal: Portal, invoice: str, count: float = 3, first: date | None = None) -> httpx.Response:
    first = first or portal.now(SERVICE).date() + timedelta(days=10)
    body = {"patientId": BEN, "invoiceId": invoice, "instalmentCount": count, "firstDueOn": first.isoformat()}
    return portal.make(SERVICE, "/payment-plans", patient(BEN), body)
