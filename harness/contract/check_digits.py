"""Numbers that end in a check digit, held by the rule that those who give them out have published."""

from __future__ import annotations

import re
from random import Random

_NPI = re.compile(r"[12]\d{9}\Z", re.ASCII)
_LOINC = re.compile(r"[1-9]\d{0,6}-\d\Z", re.ASCII)
_ISSUER = "80840"
"""The card issuer's prefix that stands before every NPI where its check digit is made: health, USA."""


def luhn(digits: str) -> str:
    """The check digit of these digits (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 - place % 2)
        total += value - 9 * (value > 9)
    return str(-total % 10)


def is_npi(text: str) -> bool:
    """A National Provider Identifier, its check digit right (CMS, "Requirements for NPI Check Digit")."""
    return _NPI.match(text) is not None and luhn(_ISSUER + text[:9]) == text[9]


def some_npi(random: Random) -> str:
    """A valid one, whoever may have it."""
    digits = f"{random.choice('12')}{random.randrange(10**8):08}"
    return digits + luhn(_ISSUER + digits)


def is_loinc(text: str) -> bool:
    """A LOINC code, its check digit right.

    What LOINC Users' Guide, "Calculating Mod 10 Check Digits", has done to the number as a whole comes to the
    same as Luhn's formula: what a doubled digit carries is the 1 that it adds to the sum of digits.
    """
    return _LOINC.match(text) is not None and luhn(text[:-2]) == text[-1]


def some_loinc(random: Random) -> str:
    """A well-formed one, whether or not it was given out."""
    digits = str(random.randrange(10_000, 100_000))
    return f"{digits}-{luhn(digits)}"
