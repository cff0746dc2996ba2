"""Codes of clinical classifications, held by the form that those who keep them have published."""

from __future__ import annotations

import re
from random import Random

_ICD_10_CM = re.compile(r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?\Z", re.ASCII)
_LETTERS, _DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"


def is_icd_10_cm(text: str) -> bool:
    """Whether it has the form of a code: three to seven characters, a point after the third of more.

    Source: ICD-10-CM Official Guidelines for Coding and Reporting, sections I.A.2 and I.A.5. Which codes
    there are changes every October, and is not asked here.
    """
    return _ICD_10_CM.match(text) is not None


def some_icd_10_cm(random: Random) -> str:
    """Text of that form, whether or not anything is called so."""
    category = random.choice(_LETTERS) + random.choice(_DIGITS) + random.choice(_DIGITS)
    further = "".join(random.choice(_DIGITS) for _ in range(random.randint(0, 4)))
    return f"{category}.{further}" if further else category
