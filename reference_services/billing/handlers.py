"""Billing: what is owed, who has paid it, and what is not known; one handler for each operation."""

from __future__ import annotations

from datetime import date, timedelta

from harness.contract.model import JSON
from harness.serving.exchange import Request
from harness.serving.problems import Problem, Reason
from reference_services.billing.charges import CURRENCY, confidentiality, draft, line, strictest, visit
from reference_services.billing.money import (
    LARGEST,
    instalments,
    money,
    open_of,
    others,
    taken_back,
    total,
)
from reference_services.platform.discretion import discreet, may_know, of_patient
from reference_services.platform.values import timestamp
from reference_services.platform.work import Aggregate, IncomingMessage, Page, Work
from reference_services.sources import HandingOver

DISCLAIMERS = ("actual-charges-may-differ", "other-services-not-included", "not-a-contract")
"""What is said with every estimate."""

YEAR = timedelta(days=365)
"""No estimate looks further ahead."""

LATEST = date(2999, 12, 31)
"""No plan begins later."""

MOST = 100
"""Refunds of one payment: the contract's ``maxItems``."""


def listInvoices(work: Work, request: Request) -> Page:
    return work.page("Invoice", request, of_patient(work, request, "status", "appointmentId"))


def getInvoice(work: Work, request: Request) -> Aggregate:
    return discreet(work, work.get("Invoice", request.path["invoiceId"]))


def replaceInvoice(work: Work, request: Request) -> Aggregate:
    """Cancel an invoice and draft the one that takes its place, both or neither."""
    asked = request.body
    old = work.peek("Invoice", asked["replaces"])
    if old is None or old["patientId"] != asked["patientId"]:
        raise Problem(422, errors=[Reason("/replaces", "names no invoice of this patient")])
    lines = asked["lines"]
    if mixed := others(lines, lines[0]["amount"]["currency"]):
        raise Problem(422, errors=_at("/lines/{}/amount/currency", mixed, "is another than the first line's"))
    if total(lines) > LARGEST:
        raise Problem(422, errors=[Reason("/lines", "sum to more than can be billed")])
    id = work.new_id("Invoice")
    work.change(old, because="replaced", replacedBy=id, pendingReason=None)
    if old["paidAmount"]["value"] or old["pendingAmount"]["value"] or "planId" in old:
        raise Problem(409, detail="It is paid or being paid; that must be undone first.")
    codes = (each["code"] for each in lines)
    document = {
        **asked,
        **({"appointmentId": old["appointmentId"]} if "appointmentId" in old else {}),
        **draft(lines),
        "createdAt": timestamp(work.now),
        "confidentiality": confidentiality(codes, old["confidentiality"]),
    }
    return work.create("Invoice", document, id=id, because="drafted")


def issueInvoice(work: Work, request: Request) -> Aggregate:
    invoice = work.get("Invoice", request.path["invoiceId"])
    now = timestamp(work.now)
    return work.change(
        invoice, because="issued", pendingReason=None, selfPay=True, issuedAt=now, **request.body
    )


def listEobs(work: Work, request: Request) -> Page:
    return work.page("ExplanationOfBenefit", request, of_patient(work, request, "invoiceId"))


def getEob(work: Work, request: Request) -> Aggregate:
    return discreet(work, work.get("ExplanationOfBenefit", request.path["eobId"]))


def estimateCost(work: Work, request: Request) -> Aggregate:
    """At list prices; a coverage is taken to pay what payers usually do."""
    asked, today = request.body, work.now.date()
    day = date.fromisoformat(asked["serviceOn"])
    if day < today:
        raise Problem(422, errors=[Reason("/serviceOn", "has passed")])
    lines = [line(each["code"], each["quantity"]) for each in asked["items"]]
    if unknown := [place for place, each in enumerate(lines) if each is None]:
        raise Problem(422, errors=_at("/items/{}/code", unknown, "has no list price"))
    known = [each for each in lines if each is not None]
    whole, covered = total(known), "coverageId" in asked
    payable = whole * 4 // 5 if covered else 0
    document = {
        **{name: each for name, each in asked.items() if name != "items"},
        "kind": "good-faith-estimate",
        "lines": known,
        "total": money(whole, CURRENCY),
        "payerAmount": money(payable, CURRENCY),
        "patientAmount": money(whole - payable, CURRENCY),
        "assumptions": ["list-prices", "coverage-not-verified" if covered else "no-coverage"],
        "disclaimers": [*DISCLAIMERS, *([] if covered else ["dispute-if-billed-400-more"])],
        "validUntil": min(day, today + YEAR).isoformat(),
        "createdAt": timestamp(work.now),
        "confidentiality": confidentiality(each["code"] for each in asked["items"]),
    }
    return work.create("Estimate", document)


def getEstimate(work: Work, request: Request) -> Aggregate:
    return discreet(work, work.get("Estimate", request.path["estimateId"]))


def createPayment(work: Work, request: Request) -> Aggregate:
    """Set aside, on each invoice, what is to be paid of it: no other payment can be for the same."""
    asked, amount = request.body, request.body["amount"]
    parts = asked["allocations"]
    if mixed := others(parts, amount["currency"]):
        raise Problem(422, errors=_at("/allocations/{}/amount/currency", mixed, "is not the payment's"))
    if total(parts) != amount["value"] or not amount["value"]:
        raise Problem(422, errors=[Reason("/allocations", "do not sum to the amount, or come to nothing")])
    invoices = []
    for place, part in enumerate(parts):
        invoice = _payable(work, asked["patientId"], part["invoiceId"], place)
        wanted, currency = part["amount"]["value"], invoice["total"]["currency"]
        free = invoice["openAmount"]["value"] - invoice["pendingAmount"]["value"]
        if part["amount"]["currency"] != currency or wanted > free:
            where = f"/allocations/{place}/amount"
            raise Problem(422, errors=[Reason(where, "is more than is open, or in another currency")])
        invoices.append(_settle(work, invoice, pending=wanted))
    document = {
        **asked,
        "refundedAmount": money(0, amount["currency"]),
        "createdAt": timestamp(work.now),
        "confidentiality": strictest(*(each["confidentiality"] for each in invoices)),
    }
    return work.create("Payment", document, because="prepared")


def getPayment(work: Work, request: Request) -> Aggregate:
    return discreet(work, work.get("Payment", request.path["paymentId"]))


def listPayments(work: Work, request: Request) -> Page:
    return work.page("Payment", request, of_patient(work, request, "status"))


def capturePayment(work: Work, request: Request) -> Aggregate:
    payment = discreet(work, work.get("Payment", request.path["paymentId"]))
    return work.change(payment, because="requested")


def refundPayment(work: Work, request: Request) -> Aggregate:
    payment = work.get("Payment", request.path["paymentId"])
    asked, currency = request.body["refundAmount"], payment["amount"]["currency"]
    before, more = payment["refundedAmount"]["value"], asked["value"]
    if not work.can_change(payment) or len(payment.get("refunds", [])) >= MOST:
        raise Problem(409, detail="Its status does not allow this, or it was paid back too often.")
    if asked["currency"] != currency:
        raise Problem(422, errors=[Reason("/refundAmount/currency", "is not the payment's")])
    if not 0 < more <= payment["amount"]["value"] - before:
        raise Problem(422, errors=[Reason("/refundAmount/value", "is nothing, or more than is left")])
    given = {
        "amount": asked,
        "refundReason": request.body["refundReason"],
        "refundedAt": timestamp(work.now),
    }
    parts = payment["allocations"]
    back = taken_back([part["amount"]["value"] for part in parts], before, more)
    for part, value in zip(parts, back, strict=True):
        invoice = work.peek("Invoice", part["invoiceId"])
        if invoice is not None and value:
            _settle(work, invoice, paid=-value)
    refunds = [*payment.get("refunds", []), given]
    refunded = money(before + more, currency)
    return work.change(payment, because="refunded", refunds=refunds, refundedAmount=refunded)


def createPlan(work: Work, request: Request) -> Aggregate:
    asked, patient = request.body, request.body["patientId"]
    invoice = _known(work, patient, asked["invoiceId"])
    if invoice is None:
        raise Problem(422, errors=[Reason("/invoiceId", "names no invoice of this patient")])
    first = date.fromisoformat(asked["firstDueOn"])
    if not work.now.date() <= first <= LATEST:
        raise Problem(422, errors=[Reason("/firstDueOn", "has passed, or will not come")])
    amount, count = invoice["openAmount"], asked["instalmentCount"]
    if "planId" in invoice or amount["value"] < count:
        raise Problem(409, detail="It has a plan already, or too little of it is open.")
    id = work.new_id("PaymentPlan")
    work.change(invoice, because="plan-agreed", planId=id)
    parts = instalments(amount["value"], count, first)
    document = {
        "patientId": patient,
        "invoiceId": invoice.id,
        "amount": amount,
        "instalments": [
            {"dueOn": day.isoformat(), "amount": money(value, amount["currency"])} for day, value in parts
        ],
        "createdAt": timestamp(work.now),
        "confidentiality": invoice["confidentiality"],
    }
    return work.create("PaymentPlan", document, id=id, because="agreed")


def getPlan(work: Work, request: Request) -> Aggregate:
    return discreet(work, work.get("PaymentPlan", request.path["planId"]))


def revokePlan(work: Work, request: Request) -> Aggregate:
    plan = discreet(work, work.get("PaymentPlan", request.path["planId"]))
    work.change(plan, because="revoked")
    invoice = work.peek("Invoice", plan["invoiceId"])
    if invoice is not None and invoice.get("planId") == plan.id:
        work.save(invoice, planId=None)
    return plan


def appointmentChanged(work: Work, message: IncomingMessage) -> None:
    """A visit that has taken place is billed: one invoice for an appointment, however often it is told."""
    change = message.payload
    if change["to"] != "fulfilled":
        return
    if work.find("Invoice", {"appointmentId": change["id"]}, internal=True, limit=1):
        return
    document = {
        "patientId": work.settled(change["patientId"]),
        "appointmentId": change["id"],
        **draft([visit()]),
        "createdAt": timestamp(work.now),
        "confidentiality": change["confidentiality"],
    }
    work.create("Invoice", document, because="drafted")


def payerAnswered(work: Work, message: IncomingMessage) -> None:
    """Take the payers' part off the invoice, and issue it if it waited for that. The later answer counts."""
    answer = message.payload
    if answer["to"] not in {"complete", "error"}:
        return
    invoice = work.peek("Invoice", answer["invoiceId"])
    if invoice is None or invoice["patientId"] != work.settled(answer["patientId"]):
        return  # somebody else's coverage pays nothing of this
    if not work.can_change(invoice) or answer["payerAmount"]["currency"] != invoice["total"]["currency"]:
        return
    _keep(work, invoice, answer)
    whole, undecided = invoice["total"]["value"], answer["to"] == "error"
    payable = min(answer["payerAmount"]["value"], whole)
    work.change(
        invoice,
        because="payer-decided",
        eobId=answer["id"],
        payerAmount=money(payable, invoice["total"]["currency"]),
        openAmount=money(
            open_of(whole, payable, invoice["paidAmount"]["value"]), invoice["total"]["currency"]
        ),
        pendingReason=None,
        selfPay=True if undecided else None,
        payerReason=answer.get("outcomeReason"),
        issuedAt=invoice.get("issuedAt", timestamp(work.now)),
    )


def patientChanged(work: Work, message: IncomingMessage) -> None:
    """What a merged patient has here is the surviving one's. Who has died is billed as before."""
    change = message.payload
    if change["to"] == "merged":
        work.resettle(change["id"], change["replacedBy"])


exportChanged = HandingOver()


def afterInvoiceDraft(work: Work, invoice: Aggregate) -> None:
    """No payer has answered for a day: somebody must see that. Nobody is billed for it."""
    work.change(invoice, because="payer-unanswered", pendingReason="payer-unanswered")


def afterInvoiceBalanced(work: Work, invoice: Aggregate) -> None:
    """Nothing is open any more; a plan to pay it has come to its end."""
    work.change(invoice, because="paid")
    plan = work.peek("PaymentPlan", invoice.get("planId", ""))
    if plan is not None and work.can_change(plan):
        work.change(plan, because="completed")


def afterInvoiceIssued(work: Work, invoice: Aggregate) -> None:
    """Money was paid back."""
    work.change(invoice, because="reopened")


def afterPaymentCompleted(work: Work, payment: Aggregate) -> None:
    """The processor has taken the money: what was set aside is paid."""
    work.change(payment, because="captured", capturedAt=timestamp(work.now))
    for part in payment["allocations"]:
        value, invoice = part["amount"]["value"], work.peek("Invoice", part["invoiceId"])
        if invoice is not None:
            _settle(work, invoice, pending=-value, paid=value)


def afterPaymentNotDone(work: Work, payment: Aggregate) -> None:
    """Nobody captured it, or the processor did not: what was set aside is free again."""
    why = {"preparation": "expired", "in-progress": "declined"}.get(payment.status or "", "not-captured")
    work.change(payment, because=why, statusReason=why)
    for part in payment["allocations"]:
        invoice = work.peek("Invoice", part["invoiceId"])
        if invoice is not None:
            _settle(work, invoice, pending=-part["amount"]["value"])


def afterPaymentUnknown(work: Work, payment: Aggregate) -> None:
    """No answer has come. The processor will be asked what became of it; the money stays set aside."""
    work.change(payment, because="unanswered")


def _known(work: Work, patient: str, id: str) -> Aggregate | None:
    """An invoice of this patient of which the caller may know."""
    found = work.peek("Invoice", id)
    known = found is not None and found["patientId"] == patient and may_know(work, found)
    return found if known else None


def _payable(work: Work, patient: str, id: str, place: int) -> Aggregate:
    invoice = _known(work, patient, id)
    if invoice is None:
        where = f"/allocations/{place}/invoiceId"
        raise Problem(422, errors=[Reason(where, "names no invoice of this patient")])
    if invoice.status != "issued":
        raise Problem(409, detail="Only an invoice that is issued can be paid.")
    return invoice


def _settle(work: Work, invoice: Aggregate, *, paid: int = 0, pending: int = 0) -> Aggregate:
    """Lay payments over what was paid and set aside; what is open follows from it."""
    currency, whole = invoice["total"]["currency"], invoice["total"]["value"]
    settled = max(0, invoice["paidAmount"]["value"] + paid)
    aside = max(0, invoice["pendingAmount"]["value"] + pending)
    return work.save(
        invoice,
        paidAmount=money(settled, currency),
        pendingAmount=money(aside, currency),
        openAmount=money(open_of(whole, invoice["payerAmount"]["value"], settled), currency),
    )


def _keep(work: Work, invoice: Aggregate, answer: dict[str, JSON]) -> None:
    """Keep what the payers said, under the id that it has with coverage."""
    named = ("invoiceId", "coverageId", "total", "payerAmount", "patientAmount", "outcomeReason")
    told = {
        **{name: answer[name] for name in named if name in answer},
        "outcome": answer["to"],
        "patientId": invoice["patientId"],
        "decidedAt": answer["occurredAt"],
        "confidentiality": strictest(answer["confidentiality"], invoice["confidentiality"]),
    }
    before = work.peek("ExplanationOfBenefit", answer["id"])
    if before is None:
        work.create("ExplanationOfBenefit", told, id=answer["id"])
    else:
        work.save(before, **told)


def _at(where: str, places: list[int], detail: str) -> list[Reason]:
    """The same thing wrong at several places of a list."""
    return [Reason(where.format(place), detail) for place in places]
