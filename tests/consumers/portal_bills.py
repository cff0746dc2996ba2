"""The portal's web client where it is about money: what is owed, and how it is paid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from tests.consumers.portal_web import PortalWeb, once


@dataclass(frozen=True)
class Bill:
    """``open`` is what the patient still owes, in minor units of ``currency``."""

    id: str
    status: str
    open: int
    currency: str


@dataclass(frozen=True)
class Payment:
    """``version`` is the ETag that a change must name."""

    id: str
    status: str
    version: str


class PortalBills(PortalWeb):
    """One patient's session with billing."""

    def bills(self) -> list[Bill]:
        """Those that are to be paid."""
        asked = {"status": "issued"}
        found = self._ask("GET", f"/patients/{self.patient}/invoices", params=asked).json()
        return [_bill(each) for each in found["items"]]

    def bill(self, id: str) -> Bill:
        return _bill(self._ask("GET", f"/invoices/{id}").json())

    def payers_part(self, eob: str) -> int:
        """What the payers pay of a bill, in minor units."""
        return int(self._ask("GET", f"/explanations-of-benefit/{eob}").json()["payerAmount"]["value"])

    def prepare(self, bill: Bill, method: str) -> Payment:
        """A payment of all that is open on one bill."""
        amount = {"value": bill.open, "currency": bill.currency}
        parts = [{"invoiceId": bill.id, "amount": amount}]
        return _payment(self._made("/payments", amount=amount, allocations=parts, methodToken=method))

    def payment(self, id: str) -> Payment:
        return _payment(self._ask("GET", f"/payments/{id}"))

    def pay(self, payment: Payment) -> Payment:
        path = f"/payments/{payment.id}/capture"
        return _payment(self._ask("POST", path, headers={"If-Match": payment.version}))

    def in_instalments(self, bill: str, count: int, first: str) -> list[int]:
        """What is to be paid each month, in minor units."""
        asked = {"invoiceId": bill, "instalmentCount": count, "firstDueOn": first}
        plan = self._made("/payment-plans", **asked).json()
        return [int(each["amount"]["value"]) for each in plan["instalments"]]

    def estimate(self, code: str, day: str) -> tuple[int, str]:
        """What a service would cost the patient, in minor units, and until when that holds."""
        told = self._made("/estimates", serviceOn=day, items=[{"code": code, "quantity": 1}]).json()
        return int(told["patientAmount"]["value"]), str(told["validUntil"])

    def _made(self, path: str, **asked: Any) -> httpx.Response:
        """The answer to a POST that makes something for the patient, under a key of its own."""
        return self._ask("POST", path, json={"patientId": self.patient, **asked}, headers=once())


def _bill(told: dict[str, Any]) -> Bill:
    left = told["openAmount"]
    return Bill(told["id"], told["status"], left["value"], left["currency"])


def _payment(answer: httpx.Response) -> Payment:
    told = answer.json()
    return Payment(told["id"], told["status"], answer.headers["ETag"])
