"""Formats beyond JSON Schema's own, held by number ranges and by checks of text.

Sources: OpenAPI's format registry (spec.openapis.org/registry/format), RFC 4648 for encodings; those of
``npi`` and ``loinc`` stand in ``check_digits``, of ``icd-10-cm`` and ``ndc`` in ``clinical_codes``. What is
only a hint (``password``, ``binary``, ``commonmark``, ``html``) holds nobody to anything.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from harness.contract.check_digits import is_loinc, is_npi
from harness.contract.clinical_codes import is_icd_10_cm, is_ndc

Number = int | float

_FLOAT = 3.4028234663852886e38
_DOUBLE = 1.7976931348623157e308
RANGES: Mapping[str, tuple[Number, Number]] = {
    "int8": (-(2**7), 2**7 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint8": (0, 2**8 - 1),
    "uint16": (0, 2**16 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
    "double-int": (-(2**53) + 1, 2**53 - 1),
    "float": (-_FLOAT, _FLOAT),
    "double": (-_DOUBLE, _DOUBLE),
}
"""The least and the greatest number of a format."""

_FRACTIONS = frozenset(("float", "double"))
_NARROW = frozenset(("int8", "int16", "uint8", "uint16"))
_BOUNDS = frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"))
_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"  # noqa: S105 - RFC 9110's name for a word, no secret
_MEDIA_RANGE = re.compile(rf"(\*/\*|{_TOKEN}/(\*|{_TOKEN}))(\s*;\s*{_TOKEN}=({_TOKEN}|\"[^\"]*\"))*\Z")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?\Z", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?\Z", re.ASCII)
_HTTP_DATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} "
    r"\d\d:\d\d:\d\d GMT\Z",
    re.ASCII,
)
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*={0,2}\Z")


def hold_numbers(found: dict[str, Any], generating: bool) -> None:
    """Write a number format as bounds into a schema.

    ``generating``: a generator would rather make small numbers, so wide ranges are left to the validator
    unless the schema has bounds of its own.
    """
    name, types = found.get("format"), found.get("type", ("number",))
    if not isinstance(name, str) or name not in RANGES:
        return
    named = {types} if isinstance(types, str) else set(types)
    if not named & {"integer", "number"} or (
        generating and name not in _NARROW and _BOUNDS.isdisjoint(found)
    ):
        return
    least, most = RANGES[name]
    low, high = found.get("minimum", least), found.get("maximum", most)
    if _is_number(low) and _is_number(high):
        found["minimum"], found["maximum"] = max(low, least), min(high, most)
    if "number" in named and name not in _FRACTIONS:
        found.setdefault("multipleOf", 1)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _decodes(decode: Callable[[str], bytes]) -> Callable[[str], bool]:
    def holds(text: str) -> bool:
        try:
            decode(text)
        except (binascii.Error, ValueError):
            return False
        return True

    return holds


def _is_date_time(text: str) -> bool:
    try:
        return _DATE_TIME.match(text) is not None and bool(datetime.fromisoformat(text[:19].upper()))
    except ValueError:
        return False


def _is_http_date(text: str) -> bool:
    try:
        return _HTTP_DATE.match(text) is not None and bool(parsedate_to_datetime(text))
    except ValueError:
        return False


_base64 = _decodes(lambda text: base64.b64decode(text, validate=True))
TEXTS: dict[str, Callable[[str], bool]] = {
    "byte": _base64,
    "base64": _base64,
    "base64url": lambda text: _BASE64URL.match(text) is not None and len(text.rstrip("=")) % 4 != 1,
    "base32": _decodes(base64.b32decode),
    "base16": _decodes(lambda text: base64.b16decode(text, casefold=True)),
    "char": lambda text: len(text) == 1,
    "date-time-local": _is_date_time,
    "time-local": lambda text: _TIME.match(text) is not None,
    "http-date": _is_http_date,
    "npi": is_npi,
    "icd-10-cm": is_icd_10_cm,
    "ndc": is_ndc,
    "loinc": is_loinc,
    "media-range": lambda text: _MEDIA_RANGE.match(text) is not None,
}
"""Formats of text → whether a text has it."""

ENCODINGS: Mapping[str, str] = {name: name for name in ("base64", "base64url", "base32", "base16")}
"""``contentEncoding`` → the format that holds a text to it. JSON Schema only tells of it; who documents it in
a contract means it."""
