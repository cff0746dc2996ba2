"""Payments and plans: money is taken once, allocated to the last minor unit, and never paid back twice."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import httpx
import pytest

from harness.contract.model import JSON
from reference_services.billing.money import instalments, taken_back
from tests.services import bills
from tests.services.bills import CARD, INVOICES, PAYMENTS, SERVICE
from tests.services.portal import BEN, ESTHER, STAFF, Portal, patient

DECLINED = "tok-declined0000"
LATE, LOST = "tok-late00000000", "tok-lost00000000"


@pytest.mark.parametrize(
    ("parts", "amount", "where"),
    [
        ((600, 300), 1000, "/allocations"),
        ((600, 500), 1000, "/allocations"),
        ((0, 0), 0, "/allocations"),
        ((600, 501), 1101, "/allocations/1/amount"),
    ],
    ids=["too little", "too much", "nothing", "more than is open"],
)
def test_allocations_sum_to_the_amount_and_to_no_more_than_is_open(
    portal: Portal, parts: tuple[int, int], amount: int, where: str
) -> None:
    first, second = bills.invoice(portal, 1000), bills.invoice(portal, 500)
    answer = bills.paying(portal, dict(zip((first, second), parts, strict=True)), amount)
    assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (422, [where])
    assert bills.amounts(portal, first) == (0, 0, 1000), "nothing is set aside"


def test_a_payment_is_for_issued_invoices_of_this_patient(portal: Portal) -> None:
    for other in ("inv-nowhere00", bills.invoice(portal, 500, ESTHER)):
        answer = bills.paying(portal, {other: 100})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (
            422,
            "/allocations/0/invoiceId",
        )
    for status in ("draft", "balanced", "cancelled"):
        assert bills.paying(portal, {bills.invoice(portal, 500, status=status): 100}).status_code == 409


def test_a_payment_has_one_currency(portal: Portal) -> None:
    invoice = bills.invoice(portal, 500)
    euros = {"value": 100, "currency": "EUR"}
    for amount, part, where in (
        (euros, bills.usd(100), "/allocations/0/amount/currency"),
        (euros, euros, "/allocations/0/amount"),
    ):
        body = {"patientId": BEN, "amount": amount, "methodToken": CARD,
                "allocations": [{"invoiceId": invoice, "amount": part}]}  # fmt: skip
        answer = portal.make(SERVICE, "/payments", patient(BEN), body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, where)


@pytest.mark.parametrize("value", [12.5, "1250", -1, 1e12], ids=str)
def test_money_is_a_whole_number_of_minor_units(portal: Portal, value: JSON) -> None:
    invoice, amount = bills.invoice(portal, 500), {"value": value, "currency": "USD"}
    body = {"patientId": BEN, "amount": amount, "methodToken": CARD,
            "allocations": [{"invoiceId": invoice, "amount": amount}]}  # fmt: skip
    assert portal.make(SERVICE, "/payments", patient(BEN), body).status_code == 400


def test_one_key_is_one_charge(portal: Portal) -> None:
    invoice = bills.invoice(portal, 5000)
    body, key = bills.payment({invoice: 2000}), str(uuid.uuid4())
    with portal.listen(PAYMENTS) as heard:
        (payment,) = {
            portal.post(SERVICE, "/payments", patient(BEN), body, Idempotency_Key=key).json()["id"]
            for _ in range(3)
        }
        assert bills.amounts(portal, invoice) == (0, 2000, 5000)
        assert bills.captured(portal, payment).status_code == 200
        assert bills.captured(portal, payment).status_code == 409
        assert bills.reasons(heard, payment, "captured") == ["prepared", "requested", "captured"]
    assert bills.captured(portal, payment).status_code == 409
    assert bills.amounts(portal, invoice) == (2000, 0, 3000)


def test_two_payments_are_never_for_the_same_money(portal: Portal) -> None:
    invoice = bills.invoice(portal, 1000)
    bills.prepared(portal, {invoice: 700})
    assert bills.paying(portal, {invoice: 301}).status_code == 422
    assert bills.paying(portal, {invoice: 300}).status_code == 201
    other = bills.invoice(portal, 500)
    halves = [{"invoiceId": other, "amount": bills.usd(300)}] * 2
    twice = {**bills.payment({other: 600}), "allocations": halves}
    assert portal.make(SERVICE, "/payments", patient(BEN), twice).status_code == 422


def test_of_payments_at_the_same_time_one_gets_the_money(portal: Portal) -> None:
    invoice = bills.invoice(portal, 1000)
    with ThreadPoolExecutor(4) as workers:
        answers = [workers.submit(bills.paying, portal, {invoice: 1000}) for _ in range(4)]
    statuses = sorted(each.result().status_code for each in answers)
    assert statuses == [201, 422, 422, 422]
    assert bills.amounts(portal, invoice) == (0, 1000, 1000)


def test_an_invoice_is_balanced_when_nothing_is_open_and_says_so_once(portal: Portal) -> None:
    first, second = bills.invoice(portal, 1000), bills.invoice(portal, 700)
    with portal.listen(INVOICES) as heard:
        bills.paid(portal, {first: 1000, second: 400})
        assert bills.becomes(portal, "invoices", first, "balanced")["openAmount"] == bills.usd(0)
        assert bills.reasons(heard, first, "paid") == ["paid"]
        assert second not in {each.key for each in heard.records}
    assert bills.amounts(portal, second) == (400, 0, 300)


@pytest.mark.parametrize(
    ("token", "ends", "why", "amounts"),
    [(LATE, "completed", None, (800, 0, 200)), (LOST, "not-done", "not-captured", (0, 0, 1000))],
    ids=["late", "lost"],
)
def test_a_capture_without_an_answer_is_asked_about_and_not_repeated(
    portal: Portal, token: str, ends: str, why: str | None, amounts: tuple[int, ...]
) -> None:
    invoice = bills.invoice(portal, 1000)
    payment = bills.prepared(portal, {invoice: 800}, token)
    with portal.listen(PAYMENTS) as heard:
        assert bills.captured(portal, payment).json()["status"] == "in-progress"
        portal.advance(SERVICE, "PT31S")
        shown = bills.shown(portal, "payments", payment, patient(BEN))
        assert (shown["status"], "statusReason" in shown) == ("unknown", False)
        assert bills.captured(portal, payment).status_code == 409
        assert bills.amounts(portal, invoice) == (0, 800, 1000), "it stays set aside: the money may be gone"
        portal.advance(SERVICE, "PT61S")
        told = why or "captured"
        assert bills.reasons(heard, payment, told) == ["requested", "unanswered", told]
    shown = bills.shown(portal, "payments", payment)
    assert (shown["status"], shown.get("statusReason")) == (ends, why)
    assert bills.amounts(portal, invoice) == amounts


def test_what_was_not_paid_can_be_paid_again(portal: Portal) -> None:
    invoice = bills.invoice(portal, 1000)
    declined = bills.prepared(portal, {invoice: 1000}, DECLINED)
    assert bills.captured(portal, declined).status_code == 200
    assert bills.becomes(portal, "payments", declined, "not-done")["statusReason"] == "declined"
    forgotten = bills.prepared(portal, {invoice: 1000})
    portal.advance(SERVICE, "PT31M")
    assert bills.shown(portal, "payments", forgotten)["statusReason"] == "expired"
    assert bills.captured(portal, forgotten).status_code == 409
    bills.paid(portal, {invoice: 1000})
    assert bills.amounts(portal, invoice) == (1000, 0, 0)


def _refunded(portal: Portal, payment: str, value: int, currency: str = "USD") -> httpx.Response:
    amount = {"value": value, "currency": currency}
    body = {"refundAmount": amount, "refundReason": "overpaid"}
    return bills.do(portal, f"/payments/{payment}/refund", STAFF, body)


def test_refunds_never_exceed_what_was_captured(portal: Portal) -> None:
    first, second = bills.invoice(portal, 600), bills.invoice(portal, 400)
    payment = bills.prepared(portal, {first: 600, second: 400})
    assert _refunded(portal, payment, 1).status_code == 409, "nothing was captured"
    bills.captured(portal, payment)
    for invoice in (first, second):
        bills.becomes(portal, "invoices", invoice, "balanced")
    assert _refunded(portal, payment, 1001).status_code == 422
    assert _refunded(portal, payment, 100, "EUR").status_code == 422
    assert _refunded(portal, payment, 0).status_code == 422
    with portal.listen(INVOICES) as heard:
        assert _refunded(portal, payment, 300).json()["refundedAmount"] == bills.usd(300)
        assert _refunded(portal, payment, 200).json()["refundedAmount"] == bills.usd(500)
        assert _refunded(portal, payment, 501).status_code == 422
        assert (bills.amounts(portal, first), bills.amounts(portal, second)) == ((500, 0, 100), (0, 0, 400))
        for invoice in (first, second):
            assert bills.reasons(heard, invoice, "reopened") == ["reopened"]
    refunds = bills.shown(portal, "payments", payment)["refunds"]
    assert [each["amount"]["value"] for each in refunds] == [300, 200]
    body = {"refundAmount": bills.usd(1), "refundReason": "overpaid"}
    assert bills.do(portal, f"/payments/{payment}/refund", patient(BEN), body).status_code == 403


@pytest.mark.parametrize(
    ("before", "more", "back"), [(0, 3, [0, 0, 3]), (0, 6, [0, 1, 5]), (3, 4, [0, 2, 2]), (8, 4, [4, 0, 0])]
)
def test_a_refund_takes_back_the_last_part_first(before: int, more: int, back: list[int]) -> None:
    assert taken_back([4, 3, 5], before, more) == back


def test_a_plan_s_instalments_sum_to_the_invoice_and_it_ends_with_it(portal: Portal) -> None:
    invoice = bills.invoice(portal, 1000)
    plan = bills.planned(portal, invoice).json()
    assert [each["amount"]["value"] for each in plan["instalments"]] == [333, 333, 334]
    assert bills.shown(portal, "invoices", invoice)["planId"] == plan["id"]
    assert bills.planned(portal, invoice).status_code == 409, "it has one"
    with portal.listen("billing.plan") as heard:
        for each in plan["instalments"]:
            bills.paid(portal, {invoice: each["amount"]["value"]})
        bills.becomes(portal, "payment-plans", plan["id"], "completed")
        assert bills.reasons(heard, plan["id"], "completed") == ["completed"]
    assert bills.shown(portal, "invoices", invoice)["status"] == "balanced"


def test_a_plan_that_is_given_up_leaves_room_for_another(portal: Portal) -> None:
    invoice = bills.invoice(portal, 1000)
    plan = bills.planned(portal, invoice).json()["id"]
    assert bills.do(portal, f"/payment-plans/{plan}/revoke", patient(BEN)).json()["status"] == "revoked"
    assert bills.do(portal, f"/payment-plans/{plan}/revoke", patient(BEN)).status_code == 409
    again = bills.planned(portal, invoice, 2)
    assert again.status_code == 201
    assert bills.shown(portal, "invoices", invoice)["planId"] == again.json()["id"]


def test_a_plan_needs_an_invoice_that_is_open_and_a_day_to_come(portal: Portal) -> None:
    assert bills.planned(portal, "inv-nowhere00").status_code == 422
    assert bills.planned(portal, bills.invoice(portal, 500, ESTHER)).status_code == 422
    assert bills.planned(portal, bills.invoice(portal, 500, status="draft")).status_code == 409
    assert bills.planned(portal, bills.invoice(portal, 2)).status_code == 409, "less than a minor unit each"
    past = portal.now(SERVICE).date() - timedelta(days=1)
    assert bills.planned(portal, bills.invoice(portal, 500), first=past).status_code == 422
    assert bills.planned(portal, bills.invoice(portal, 500), first=date(9999, 12, 31)).status_code == 422


@pytest.mark.parametrize("amount", [2, 999, 1000, 1001, 999999999999])
@pytest.mark.parametrize("count", [2, 7, 36])
def test_instalments_lose_nothing(amount: int, count: int) -> None:
    parts = instalments(amount, count, date(2031, 1, 31))
    assert sum(value for _, value in parts) == amount
    assert len({value for _, value in parts[:-1]}) == 1
    assert [day for day, _ in parts[:2]] == [date(2031, 1, 31), date(2031, 2, 28)]


def test_a_count_written_with_a_fraction_of_zero_is_a_count(portal: Portal) -> None:
    """JSON Schema takes 3.0 for an integer."""
    made = bills.planned(portal, bills.invoice(portal, 1000), count=3.0)
    assert made.status_code == 201, made.text
    assert len(made.json()["instalments"]) == 3
