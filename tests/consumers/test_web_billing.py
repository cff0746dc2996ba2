"""portal-web relies on billing: what is owed, what the payers pay of it, and that it is paid once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pact import match
from pact.interaction import HttpInteraction

from tests.consumers.agreement import Agreement, Interaction
from tests.consumers.portal_bills import Bill, Payment, PortalBills
from tests.consumers.portal_web import Refused
from tests.consumers.wording import AMARA, ETAG, JSON_TYPE, KEY, id_like, one_of, text_like

AGREEMENT = Agreement[HttpInteraction, PortalBills]("portal-web", "billing", "HTTP")

INVOICE, PAYABLE, PLANNED = "inv-51000001", "inv-51000031", "inv-51000032"
PAID, PREPARED, UNKNOWN, EOB = "pmt-52000001", "pmt-52000031", "pmt-52000005", "eob-53000001"
ETAG_READ, METHOD, DAY = '"1"', "tok-visa00000001", "2031-03-05"

Use = Callable[[PortalBills], None]


def _money(value: int) -> dict[str, object]:
    return {"value": value, "currency": "USD"}


def _money_like(value: int) -> dict[str, object]:
    return {"value": match.int(value), "currency": one_of("USD", "CAD", "EUR", "GBP", "JPY")}


def _owed(id: str, open: int) -> dict[str, object]:
    """The state of an issued invoice of which nothing is paid."""
    nothing = {name: _money(0) for name in ("payerAmount", "paidAmount", "pendingAmount")}
    owed = {"total": _money(open), "openAmount": _money(open)}
    return {"id": id, "patientId": AMARA, "status": "issued", "confidentiality": "N", **owed, **nothing}


@AGREEMENT("the bills that are to be paid")
def listed(wanted: HttpInteraction) -> Use:
    bill = {"id": id_like(INVOICE), "status": "issued", "openAmount": _money_like(2000)}
    (
        wanted.given("Invoice exists", {"id": INVOICE, "patientId": AMARA, "status": "issued"})
        .with_request("GET", f"/v1/patients/{AMARA}/invoices")
        .with_query_parameter("status", "issued")
        .will_respond_with(200)
        .with_body({"items": match.each_like(bill), "total": match.int(1)}, JSON_TYPE)
    )

    def use(portal: PortalBills) -> None:
        assert portal.bills() == [Bill(INVOICE, "issued", 2000, "USD")]

    return use


@AGREEMENT("what is open on a bill")
def owed(wanted: HttpInteraction) -> Use:
    (
        wanted.given("Invoice exists", {"id": INVOICE, "patientId": AMARA, "status": "issued"})
        .with_request("GET", f"/v1/invoices/{INVOICE}")
        .will_respond_with(200)
        .with_header("ETag", ETAG)
        .with_body({"id": INVOICE, "status": "issued", "openAmount": _money_like(2000)}, JSON_TYPE)
    )

    def use(portal: PortalBills) -> None:
        assert portal.bill(INVOICE).open == 2000

    return use


@AGREEMENT("what the payers pay")
def explained(wanted: HttpInteraction) -> Use:
    (
        wanted.given("ExplanationOfBenefit exists", {"id": EOB, "patientId": AMARA, "outcome": "complete"})
        .with_request("GET", f"/v1/explanations-of-benefit/{EOB}")
        .will_respond_with(200)
        .with_body({"id": EOB, "payerAmount": _money_like(14400)}, JSON_TYPE)
    )

    def use(portal: PortalBills) -> None:
        assert portal.payers_part(EOB) == 14400

    return use


@AGREEMENT("a payment is prepared")
def prepared(wanted: HttpInteraction) -> Use:
    part = {"invoiceId": PAYABLE, "amount": _money(3600)}
    asked = {"patientId": AMARA, "amount": _money(3600), "allocations": [part], "methodToken": METHOD}
    (
        wanted.given("Invoice exists", _owed(PAYABLE, 3600))
        .with_request("POST", "/v1/payments")
        .with_header("Idempotency-Key", KEY)
        .with_body(asked, JSON_TYPE)
        .will_respond_with(201)
        .with_header("ETag", ETAG)
        .with_body({"id": id_like(PREPARED), "status": "preparation"}, JSON_TYPE)
    )

    def use(portal: PortalBills) -> None:
        payment = portal.prepare(Bill(PAYABLE, "issued", 3600, "USD"), METHOD)
        assert payment == Payment(PREPARED, "preparation", ETAG_READ)

    return use


@AGREEMENT("the money is taken")
def taken(wanted: HttpInteraction) -> Use:
    state: dict[str, object] = {"id": PREPARED, "patientId": AMARA, "status": "preparation"}
    (
        wanted.given("Payment exists", state)
        .with_request("POST", f"/v1/payments/{PREPARED}/capture")
        .with_header("If-Match", ETAG)
        .will_respond_with(200)
        .with_header("ETag", match.regex('"2"', regex=r'^"[0-9]{1,18}"$'))
        .with_body({"id": PREPARED, "status": one_of("in-progress", "completed")}, JSON_TYPE)
    )

    def use(portal: PortalBills) -> None:
        assert portal.pay(Payment(PREPARED, "preparation", ETAG_READ)).status == "in-progress"

    return use


@AGREEMENT("nobody knows whether it was paid")
def unknown(wanted: HttpInteraction) -> Use:
    state: dict[str, object] = {"id": UNKNOWN, "patientId": AMARA, "status": "unknown"}
    (
        wanted.given("Payment exists", state)
        .with_request("GET", f"/v1/payments/{UNKNOWN}")
        .will_respond_with(200)
        .with_header("ETag", ETAG)
        .with_body({"id": UNKNOWN, "status": "unknown"}, JSON_TYPE)
    )

    def use(portal: PortalBills) -> None:
        assert portal.payment(UNKNOWN).status == "unknown"

    return use


@AGREEMENT("it was paid already")
def paid_twice(wanted: HttpInteraction) -> Use:
    (
        wanted.given("Payment exists", {"id": PAID, "patientId": AMARA, "status": "completed"})
        .with_request("POST", f"/v1/payments/{PAID}/capture")
        .with_header("If-Match", ETAG)
        .will_respond_with(409)
        .with_body({"status": 409, "title": text_like("Conflict")}, "application/problem+json")
    )

    def use(portal: PortalBills) -> None:
        with pytest.raises(Refused) as caught:
            portal.pay(Payment(PAID, "completed", ETAG_READ))
        assert caught.value.status == 409

    return use


@AGREEMENT("a bill is paid bit by bit")
def planned(wanted: HttpInteraction) -> Use:
    asked = {"patientId": AMARA, "invoiceId": PLANNED, "instalmentCount": 3, "firstDueOn": DAY}
    parts = match.each_like({"amount": _money_like(64000)})
    (
        wanted.given("Invoice exists", _owed(PLANNED, 192000))
        .with_request("POST", "/v1/payment-plans")
        .with_header("Idempotency-Key", KEY)
        .with_body(asked, JSON_TYPE)
        .will_respond_with(201)
        .with_body({"instalments": parts}, JSON_TYPE)
    )

    def use(portal: PortalBills) -> None:
        assert portal.in_instalments(PLANNED, 3, DAY) == [64000]

    return use


@AGREEMENT("what a visit would cost")
def estimated(wanted: HttpInteraction) -> Use:
    asked = {"patientId": AMARA, "serviceOn": DAY, "items": [{"code": "G0463", "quantity": 1}]}
    told = {
        "kind": "good-faith-estimate",
        "patientAmount": _money_like(18000),
        "validUntil": match.regex(DAY, regex=r"^\d{4}-\d{2}-\d{2}$"),
    }
    (
        wanted.with_request("POST", "/v1/estimates")
        .with_header("Idempotency-Key", KEY)
        .with_body(asked, JSON_TYPE)
        .will_respond_with(201)
        .with_body(told, JSON_TYPE)
    )

    def use(portal: PortalBills) -> None:
        assert portal.estimate("G0463", DAY) == (18000, DAY)

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_the_web_client_understands_bills(interaction: Interaction[HttpInteraction, PortalBills]) -> None:
    interaction.tried(lambda url: PortalBills(url, AMARA, "of-the-test"))
