"""What services cost at list prices, and which of them say too much. The prices are invented."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.contract.model import JSON
from reference_services.billing.money import money, total

CURRENCY = "USD"

PRICES: Mapping[str, tuple[str, int]] = {
    "A0428": ("Ambulance service", 241_250),
    "A4550": ("Surgical trays", 2_500),
    "E0114": ("Underarm crutches", 5_000),
    "G0008": ("Influenza vaccination", 3_000),
    "G0378": ("Hospital observation", 20_000),
    "G0402": ("Initial preventive physical examination", 24_000),
    "G0432": ("HIV screening", 4_500),
    "G0438": ("Annual wellness visit, the first", 26_000),
    "G0439": ("Annual wellness visit", 19_000),
    "G0463": ("Clinic visit", 18_000),
    "H0020": ("Methadone administration", 13_000),
    "J1885": ("Ketorolac injection", 1_200),
}
"""HCPCS Level II code → what it is, and its price in minor units."""

SENSITIVE = (
    "H",
    "G0432",
    "G0433",
    "G0435",
    "G206",
    "G207",
    "G2080",
    "J057",
    "J1050",
    "J729",
    "J730",
    "S4993",
)
"""Behavioural health and substance use, HIV, contraception: beginnings of codes."""


def line(code: str, quantity: int) -> dict[str, JSON] | None:
    """A service at its list price; None if it has none."""
    if code not in PRICES:
        return None
    display, price = PRICES[code]
    amount = money(price * quantity, CURRENCY)
    return {"code": code, "display": display, "quantity": quantity, "amount": amount}


def visit() -> dict[str, JSON]:
    """What every appointment that was kept is billed for; whoever codes it adds the rest."""
    display, price = PRICES["G0463"]
    return {"code": "G0463", "display": display, "quantity": 1, "amount": money(price, CURRENCY)}


def draft(lines: Sequence[Mapping[str, JSON]]) -> dict[str, JSON]:
    """What an invoice with these lines begins with: nobody has paid anything, and the payer is asked."""
    whole, currency = total(lines), lines[0]["amount"]["currency"]
    nothing = dict.fromkeys(("payerAmount", "paidAmount", "pendingAmount"), money(0, currency))
    owed = dict.fromkeys(("total", "openAmount"), money(whole, currency))
    return {"lines": lines, **owed, **nothing, "pendingReason": "awaiting-payer"}


def confidentiality(codes: Iterable[str], before: str = "N") -> str:
    """How far what names these services may be shown; never further than ``before``."""
    return strictest(before, "R" if any(code.startswith(SENSITIVE) for code in codes) else "N")


def strictest(*each: str) -> str:
    return max(each, key="ULMNRV".index)
