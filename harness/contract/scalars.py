"""Numbers and texts for a flat schema, made from a random source alone."""

from __future__ import annotations

import base64
import ipaddress
import math
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from harness.contract.check_digits import some_loinc, some_npi
from harness.contract.clinical_codes import some_icd_10_cm, some_ndc
from harness.contract.merging import Flat, Impossible
from harness.contract.patterns import matching_text

_START = datetime(2031, 1, 1, tzinfo=UTC)
"""Generated times lie in the three years from here, so that they do not turn past while a run lasts."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def word(random: Random, shortest: int = 4, longest: int = 9) -> str:
    """Lower-case letters."""
    return "".join(random.choice(_LETTERS) for _ in range(random.randint(shortest, longest)))


def _moment(random: Random) -> datetime:
    return _START + timedelta(seconds=random.randrange(3 * 365 * 86_400))


def _ipv6(random: Random) -> str:
    return str(ipaddress.IPv6Address((0x20010DB8 << 96) + random.getrandbits(32)))  # RFC 3849


def _base64(random: Random) -> str:
    return base64.b64encode(random.randbytes(random.randint(3, 12))).decode()


CODES: Mapping[str, Callable[[Random], str]] = {
    "npi": some_npi,
    "loinc": some_loinc,
    "icd-10-cm": some_icd_10_cm,
    "ndc": some_ndc,
}
"""Texts with a check digit or a form of their own, which chance does not hit."""

MAKERS: Mapping[str, Callable[[Random], str]] = {
    "date": lambda random: _moment(random).date().isoformat(),
    "date-time": lambda random: _moment(random).isoformat().replace("+00:00", "Z"),
    "time": lambda random: _moment(random).time().isoformat() + "Z",
    "duration": lambda random: f"PT{random.randint(1, 90)}M",
    "uuid": lambda random: str(uuid.UUID(int=random.getrandbits(128), version=4)),
    "email": lambda random: f"{word(random)}@example.com",
    "idn-email": lambda random: f"{word(random)}@example.com",
    "hostname": lambda random: f"{word(random)}.example.com",
    "idn-hostname": lambda random: f"{word(random)}.example.com",
    "ipv4": lambda random: f"192.0.2.{random.randint(1, 254)}",  # RFC 5737
    "ipv6": _ipv6,
    "uri": lambda random: f"https://example.com/{word(random)}",
    "uri-reference": lambda random: f"/{word(random)}",
    "iri": lambda random: f"https://example.com/{word(random)}",
    "iri-reference": lambda random: f"/{word(random)}",
    "url": lambda random: f"https://example.com/{word(random)}",
    "uri-template": lambda random: f"https://example.com/{word(random)}/{{id}}",
    "json-pointer": lambda random: f"/{word(random)}/{random.randint(0, 9)}",
    "relative-json-pointer": lambda random: f"{random.randint(0, 3)}/{word(random)}",
    "regex": lambda random: f"^{word(random)}$",
    "byte": _base64,
    "base64": _base64,
    **CODES,
}


def text(flat: Flat, random: Random) -> str:
    """Text for ``pattern``, ``format`` and the lengths. Raises Impossible or CannotWrite."""
    shortest, longest = flat.get("minLength", 0), flat.get("maxLength")
    if "pattern" in flat:
        return matching_text(flat["pattern"], random, shortest, longest)
    if flat.get("format") in MAKERS:
        return MAKERS[flat["format"]](random)
    if longest is not None and longest < shortest:
        raise Impossible("no text is so long and so short")
    words = word(random)
    while len(words) < shortest:
        words += " " + word(random)
    words = words[:longest]
    return words[:-1] + "x" if words.endswith(" ") else words


def number(flat: Flat, random: Random, whole: bool) -> int | float:
    """A number for the bounds and ``multipleOf``. Raises Impossible."""
    step = Decimal(str(flat.get("multipleOf", 1 if whole else "0.01")))
    step = Decimal(step.as_integer_ratio()[0]) if whole else step  # the least whole multiple
    low, high = _bounds(flat, step)
    first, last = math.ceil(low / step), math.floor(high / step)
    first += first * step == _exact(flat, "exclusiveMinimum")
    last -= last * step == _exact(flat, "exclusiveMaximum")
    if first <= last:
        chosen = random.randint(first, last) * step
        return int(chosen) if chosen == chosen.to_integral_value() else float(chosen)
    if not whole and "multipleOf" not in flat and low < high:
        return float((low + high) / 2)
    raise Impossible("no number lies within these bounds")


def _bounds(flat: Flat, step: Decimal) -> tuple[Decimal, Decimal]:
    """Both bounds, one of them or both made up where the schema leaves it open."""
    lows = [each for key in ("minimum", "exclusiveMinimum") if (each := _exact(flat, key)) is not None]
    highs = [each for key in ("maximum", "exclusiveMaximum") if (each := _exact(flat, key)) is not None]
    if not lows and not highs:
        return Decimal(0), 1000 * step
    low = max(lows) if lows else min(highs) - 1000 * step
    return low, min(highs) if highs else low + 1000 * step


def _exact(flat: Flat, key: str) -> Decimal | None:
    return Decimal(str(flat[key])) if key in flat else None
