"""Invoices and estimates: what is owed adds up, nobody is billed silently, nobody sees too much."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import httpx
import pytest

from harness.contract.model import JSON
from reference_services.coverage.handlers import paid_by
from tests.services import bills
from tests.services.bills import INVOICES, SERVICE
from tests.services.portal import AMARA, BEN, CHLOE, ESTHER, STAFF, Portal, eventually, patient

PAULINE, XAVIER = "pat-4v8q2l6f9z", "pat-7p3s6d0v4j"
METHADONE = "H0020"


def _proxy(of: str) -> dict[str, JSON]:
    return {"actor": "proxy", "sub": "rel-1", "proxy_for": [of]}


def _visit(portal: Portal, who: str) -> str:
    """The id of an appointment that is over now."""
    kept = portal.exists("scheduling", "Appointment", status="checked-in", patientId=who, confidentiality="N")
    path = f"/appointments/{kept['id']}/fulfil"
    assert portal.post("scheduling", path, STAFF, If_Match="*").status_code == 200
    return str(kept["id"])


def _billed(portal: Portal, who: str, appointment: str) -> dict[str, JSON]:
    """The one invoice of an appointment, once it is issued."""

    def look() -> dict[str, JSON] | None:
        path = f"/patients/{who}/invoices?appointmentId={appointment}&status=issued"
        found = portal.get(SERVICE, path)["items"]
        return found[0] if found else None

    return eventually(look)


def test_a_visit_is_billed_once_with_what_the_payer_leaves(portal: Portal) -> None:
    with portal.listen(INVOICES) as heard:
        appointment = _visit(portal, AMARA)
        invoice = _billed(portal, AMARA, appointment)
        portal.tell(
            "scheduling", "appointmentChanged", id=appointment, version=9, to="fulfilled",
            reason="fulfilled", patientId=AMARA,
        )  # fmt: skip
        assert bills.reasons(heard, invoice["id"], "payer-decided") == ["drafted", "payer-decided"]
    assert [invoice[name]["value"] for name in ("total", "payerAmount", "openAmount")] == [18000, 14400, 3600]
    eob = bills.shown(portal, "explanations-of-benefit", invoice["eobId"], patient(AMARA))
    assert (eob["invoiceId"], eob["outcome"]) == (invoice["id"], "complete")
    told = portal.get("coverage", f"/explanations-of-benefit/{eob['id']}")
    assert eob["patientAmount"] == told["patientAmount"] == bills.usd(3600)
    assert portal.get(SERVICE, f"/patients/{AMARA}/invoices?appointmentId={appointment}")["total"] == 1


def test_who_has_no_payer_is_billed_in_full_and_told_why(portal: Portal) -> None:
    invoice = _billed(portal, BEN, _visit(portal, BEN))
    assert (invoice["openAmount"], invoice["selfPay"]) == (bills.usd(18000), True)
    assert invoice["payerReason"] == "no-active-coverage"
    assert bills.shown(portal, "explanations-of-benefit", invoice["eobId"])["outcome"] == "error"


@pytest.mark.parametrize(("payers", "pay"), [(0, 0), (1, 14400), (2, 17280), (3, 17856)])
def test_each_payer_pays_of_what_the_one_before_has_left(payers: int, pay: int) -> None:
    assert paid_by(payers, 18000) == pay
    assert all(0 <= paid_by(payers, odd) <= odd for odd in range(7))


def test_a_draft_that_no_payer_answers_waits_in_sight_and_is_billed_to_nobody(portal: Portal) -> None:
    invoice = bills.invoice(portal, 9000, status="draft", pendingReason="awaiting-payer")
    with portal.listen(INVOICES) as heard:
        portal.advance(SERVICE, "PT23H")
        assert bills.shown(portal, "invoices", invoice)["pendingReason"] == "awaiting-payer"
        portal.advance(SERVICE, "PT2H")
        portal.advance(SERVICE, "P30D")
        assert bills.reasons(heard, invoice, "payer-unanswered") == ["payer-unanswered"]
    waiting = bills.shown(portal, "invoices", invoice)
    assert (waiting["status"], waiting["pendingReason"]) == ("draft", "payer-unanswered")
    why = {"issueReason": "payer-unanswered"}
    assert bills.do(portal, f"/invoices/{invoice}/issue", patient(BEN), why).status_code == 403
    issued = bills.do(portal, f"/invoices/{invoice}/issue", STAFF, why).json()
    assert (issued["status"], issued["selfPay"], "pendingReason" in issued) == ("issued", True, False)


def _answer(portal: Portal, invoice: str, who: str, payer: int, total: int = 9000) -> str:
    """What coverage would say of an invoice; the id under which it does."""
    id = f"eob-{uuid.uuid4().hex[:20]}"
    shares = {"payerAmount": bills.usd(payer), "patientAmount": bills.usd(total - payer)}
    change: dict[str, JSON] = {"id": id, "version": 2, "to": "complete", "reason": "decided", **shares}
    portal.tell("coverage", "eobChanged", invoiceId=invoice, patientId=who, total=bills.usd(total), **change)
    return id


def _told(portal: Portal, invoice: str, eob: str) -> None:
    """Wait until an invoice has what the payer said."""
    eventually(lambda: bills.shown(portal, "invoices", invoice).get("eobId") == eob or None)


def test_what_the_payer_says_late_still_counts(portal: Portal) -> None:
    invoice = bills.invoice(portal, 9000)
    bills.paid(portal, {invoice: 1000})
    for payer, left in ((5000, 3000), (7000, 1000)):
        _told(portal, invoice, _answer(portal, invoice, BEN, payer))
        assert bills.amounts(portal, invoice) == (1000, 0, left)
    assert portal.get(SERVICE, f"/patients/{BEN}/explanations-of-benefit?invoiceId={invoice}")["total"] == 2


def test_somebody_else_s_payer_pays_nothing(portal: Portal) -> None:
    invoice, own = bills.invoice(portal, 9000), bills.invoice(portal, 9000, ESTHER)
    _answer(portal, invoice, ESTHER, 9000)
    _told(portal, own, _answer(portal, own, ESTHER, 100))
    assert bills.amounts(portal, invoice) == (0, 0, 9000)


def _replaced(portal: Portal, old: str, *lines: JSON, who: str = BEN) -> httpx.Response:
    body = {"patientId": who, "replaces": old, "replacementReason": "coding-error", "lines": [*lines]}
    return portal.make(SERVICE, "/invoices", STAFF, body)


def test_a_correction_replaces_what_was_issued_and_leaves_its_lines(portal: Portal) -> None:
    old = bills.invoice(portal, 1000)
    lines = bills.shown(portal, "invoices", old)["lines"]
    new = _replaced(portal, old, bills.line(400), bills.line(350)).json()
    assert (new["status"], new["total"], new["pendingReason"]) == ("draft", bills.usd(750), "awaiting-payer")
    cancelled = bills.shown(portal, "invoices", old)
    assert (cancelled["status"], cancelled["replacedBy"]) == ("cancelled", new["id"])
    assert cancelled["lines"] == lines
    assert bills.becomes(portal, "invoices", new["id"], "issued")["openAmount"] == bills.usd(750)
    assert _replaced(portal, old, bills.line(1)).status_code == 409


def test_what_is_paid_or_being_paid_is_not_replaced(portal: Portal) -> None:
    paid, paying, planned = (bills.invoice(portal, 1000) for _ in range(3))
    bills.paid(portal, {paid: 100})
    bills.prepared(portal, {paying: 100})
    assert bills.planned(portal, planned).status_code == 201
    for old in (paid, paying, planned):
        assert _replaced(portal, old, bills.line(900)).status_code == 409
        assert bills.shown(portal, "invoices", old)["status"] == "issued"


def test_an_invoice_has_one_currency_and_a_patient_of_its_own(portal: Portal) -> None:
    old = bills.invoice(portal, 1000)
    mixed = _replaced(portal, old, bills.line(400), bills.line(350, currency="EUR"))
    where = [each["pointer"] for each in mixed.json()["errors"]]
    assert (mixed.status_code, where) == (422, ["/lines/1/amount/currency"])
    assert _replaced(portal, old, bills.line(999999999999), bills.line(1)).status_code == 422
    assert _replaced(portal, bills.invoice(portal, 1000, ESTHER), bills.line(1)).status_code == 422


def _estimated(portal: Portal, code: str = "G0439", days: int = 20, **more: JSON) -> httpx.Response:
    day = (portal.now(SERVICE).date() + timedelta(days=days)).isoformat()
    body = {"patientId": BEN, "serviceOn": day, "items": [{"code": code, "quantity": 2}], **more}
    return portal.make(SERVICE, "/estimates", patient(BEN), body)


def test_an_estimate_says_that_it_is_one_and_until_when(portal: Portal) -> None:
    alone = _estimated(portal).json()
    assert (alone["kind"], alone["validUntil"]) == ("good-faith-estimate", alone["serviceOn"])
    assert {"not-a-contract", "actual-charges-may-differ"} <= set(alone["disclaimers"])
    assert "dispute-if-billed-400-more" in alone["disclaimers"]
    assert (alone["total"], alone["patientAmount"]) == (bills.usd(38000), bills.usd(38000))
    assert "no-coverage" in alone["assumptions"]
    covered = _estimated(portal, coverageId="cov-30000001").json()
    assert (covered["payerAmount"], covered["patientAmount"]) == (bills.usd(30400), bills.usd(7600))
    assert "coverage-not-verified" in covered["assumptions"]
    assert "dispute-if-billed-400-more" not in covered["disclaimers"]
    assert portal.get(SERVICE, f"/estimates/{alone['id']}", patient(BEN)) == alone
    far = _estimated(portal, days=900).json()
    assert date.fromisoformat(far["validUntil"]) == portal.now(SERVICE).date() + timedelta(days=365)
    assert _estimated(portal, "G9999").status_code == 422
    assert _estimated(portal, days=-1).status_code == 422


def test_what_says_too_much_is_withheld_whole_from_proxies(portal: Portal) -> None:
    plain = bills.invoice(portal, 500, CHLOE)
    before = bills.invoice(portal, 900, CHLOE)
    drafted = _replaced(portal, before, bills.line(400), bills.line(500, METHADONE), who=CHLOE).json()
    assert drafted["confidentiality"] == "R"
    hidden = bills.becomes(portal, "invoices", drafted["id"], "issued")
    mother, both = _proxy(CHLOE), {hidden["id"]: 10, plain: 10}
    payment = bills.paying(portal, both, who=CHLOE).json()
    assert payment["confidentiality"] == "R"
    eob = f"/explanations-of-benefit/{hidden['eobId']}"
    for path in (f"/invoices/{hidden['id']}", eob, f"/payments/{payment['id']}"):
        assert portal.call(SERVICE, "GET", path, mother).status_code == 404
        assert portal.call(SERVICE, "GET", path, patient(CHLOE)).status_code == 200
    assert portal.call("coverage", "GET", eob, mother).status_code == 404
    assert bills.do(portal, f"/payments/{payment['id']}/capture", mother).status_code == 404
    seen = portal.get(SERVICE, f"/patients/{CHLOE}/invoices?status=issued", mother)
    assert ([each["id"] for each in seen["items"]], seen["total"]) == ([plain], 1)
    for what in ("payments", "explanations-of-benefit"):
        assert portal.get(SERVICE, f"/patients/{CHLOE}/{what}", mother) == {"items": [], "total": 0}
    refused = []
    for invoice in (hidden["id"], "inv-nowhere00"):
        answer = bills.paying(portal, {invoice: 5}, who=CHLOE, by=mother)
        refused.append((answer.status_code, {**answer.json(), "instance": None}))
    assert refused[0] == refused[1]
    assert refused[0][0] == 422
    plan = {"patientId": CHLOE, "invoiceId": hidden["id"], "instalmentCount": 2, "firstDueOn": "2031-03-01"}
    assert portal.make(SERVICE, "/payment-plans", mother, plan).status_code == 422


def test_who_has_died_is_billed_and_her_husband_pays(portal: Portal) -> None:
    husband = _proxy(PAULINE)
    (bill,) = portal.get(SERVICE, f"/patients/{PAULINE}/invoices", husband)["items"]
    portal.tell("patient-profile", "patientChanged", id=PAULINE, version=7, to="inactive", reason="updated")
    another = _billed(portal, PAULINE, _visit(portal, PAULINE))
    payment = bills.paying(portal, {bill["id"]: 50, another["id"]: 50}, who=PAULINE, by=husband)
    assert payment.status_code == 201
    path = f"/payments/{payment.json()['id']}/capture"
    assert bills.do(portal, path, husband).status_code == 200


def test_bills_and_payments_follow_a_merge(portal: Portal) -> None:
    invoice = bills.invoice(portal, 500, ESTHER)
    merge = portal.post("patient-profile", f"/patients/{ESTHER}/merge", STAFF, {"into": AMARA}, If_Match="*")
    assert merge.status_code == 200
    eventually(lambda: portal.get(SERVICE, f"/patients/{ESTHER}/invoices")["total"] == 0 or None)
    there = [each["id"] for each in portal.get(SERVICE, f"/patients/{AMARA}/invoices")["items"]]
    assert invoice in there
    _answer(portal, invoice, ESTHER, 400, 500)
    eventually(lambda: bills.amounts(portal, invoice) == (0, 0, 100) or None)


def test_the_people_are_in_their_situations(portal: Portal) -> None:
    """Daniel pays himself, of Yara's payment nobody knows, and Xavier's bill is nobody's business."""
    (unpaid,) = portal.get(SERVICE, "/patients/pat-6r1y8u3p5d/invoices")["items"]
    assert unpaid["payerReason"] == "coverage-ended"
    found = portal.get(SERVICE, "/patients/pat-4z8k1f5q9k/payments?status=unknown")
    assert found["total"] == 1
    assert portal.get(SERVICE, f"/patients/{XAVIER}/invoices", _proxy(XAVIER))["total"] == 0
    assert portal.get(SERVICE, f"/patients/{XAVIER}/invoices", patient(XAVIER))["total"] == 1
