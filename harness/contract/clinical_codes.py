"""Codes of clinical classifications, held by the form that those who keep them have published."""

from __future__ import annotations

import re
from random import Random

_ICD_10_CM = re.compile(r"[A-Z][\dA][0-9A-Z](\.[0-9A-Z]{1,3}|\.[0-9A-Z]{3}[0-9A-WYZ])?\Z", re.ASCII)
_NDC = re.compile(r"(\d{4}-\d{4}-\d\d|\d{5}-\d{3}-\d\d|\d{5}-\d{4}-\d|\d{5}-\d{4}-\d\d|\d{11})\Z", re.ASCII)
_LETTERS, _DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"


def is_icd_10_cm(text: str) -> bool:
    """Whether it has the form of a code: three to seven characters, a point after the third of more.

    The second is a digit, or A (category QA0, since October 2025). The seventh is no X: that keeps the places
    before it. Which codes there are changes every October, and is not asked here. Source: ICD-10-CM Official
    Guidelines for Coding and Reporting, sections I.A.2, I.A.4 and I.A.5.
    """
    return _ICD_10_CM.match(text) is not None


def some_icd_10_cm(random: Random) -> str:
    """Text of that form, whether or not anything is called so."""
    category = random.choice(_LETTERS) + random.choice(_DIGITS) + random.choice(_DIGITS)
    further = "".join(random.choice(_DIGITS) for _ in range(random.randint(0, 4)))
    return f"{category}.{further}" if further else category


def is_ndc(text: str) -> bool:
    """Whether it has the form of a National Drug Code: labeller, product and package.

    Ten digits in 4-4-2, 5-3-2 or 5-4-1 (21 CFR 207.33), or eleven in 5-4-2, with or without hyphens (45 CFR
    162.1002). Ten digits without hyphens are three codes at once, and none here. There is no check digit.
    """
    return _NDC.match(text) is not None


def some_ndc(random: Random) -> str:
    """Text of one of these forms, whether or not anything is sold under it."""
    digits = "".join(random.choice(_DIGITS) for _ in range(11))
    labeller, product, package = random.choice([(4, 4, 2), (5, 3, 2), (5, 4, 1), (5, 4, 2)])
    return f"{digits[:labeller]}-{digits[5 : 5 + product]}-{digits[9 : 9 + package]}"
