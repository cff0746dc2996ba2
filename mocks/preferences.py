"""What the caller prefers: ``Prefer`` (RFC 7240) and ``Accept`` (RFC 9110, section 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.serving.media import Named

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110's name for a word, no secret
_PREFERENCE = re.compile(rf'({_TOKEN})\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s,;]*))?')
_SAFE = re.compile(rf"{_TOKEN}\Z")


@dataclass(frozen=True, slots=True)
class Preferences:
    """The preferences that a mock honours; None where the caller has none. Others are ignored.

    ``dynamic`` asks for a generated answer, ``stateless`` (``state=off``) for one that remembers nothing.
    """

    code: str | None = None
    example: str | None = None
    dynamic: bool = False
    stateless: bool = False

    @property
    def chooses(self) -> bool:
        """Whether the caller says which documented answer it wants."""
        return self.code is not None or self.example is not None or self.dynamic

    @property
    def applied(self) -> str:
        """The value of ``Preference-Applied`` (RFC 7240, section 3); ``""`` if nothing was asked for."""
        given = (
            ("code", self.code),
            ("example", self.example),
            ("dynamic", "true" if self.dynamic else None),
            ("state", "off" if self.stateless else None),
        )
        return ", ".join(f"{name}={_word(value)}" for name, value in given if value is not None)


NONE = Preferences()


def preferences(header: str) -> Preferences:
    """Read a ``Prefer`` header's value.

    Names ignore case, values may be quoted, the first of two equal names wins (RFC 7240, section 2).
    Preferences are separated by commas; a semicolon is read as one too, as other mock servers do.
    """
    found: dict[str, str] = {}
    for name, value in _PREFERENCE.findall(header):
        found.setdefault(name.lower(), _unquoted(value))
    return Preferences(
        found.get("code") or None,
        found.get("example") or None,
        found.get("dynamic", "").lower() == "true",
        found.get("state", "").lower() == "off",
    )


def _unquoted(value: str) -> str:
    if value.startswith('"'):
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def _word(value: str) -> str:
    if _SAFE.match(value):
        return value
    escaped = re.sub(r'(["\\])', r"\\\1", value)
    return f'"{escaped}"'


@dataclass(frozen=True, slots=True)
class _Range:
    kind: str
    parameters: Mapping[str, str]
    quality: float

    def specificity(self, media_type: str) -> int:
        """How closely this range names the type; 0 if it does not match."""
        kind, given = _split(media_type)
        if self.kind == kind:
            agrees = all(given.get(name, value) == value for name, value in self.parameters.items())
            return 3 + len(self.parameters) if agrees else 0
        if self.kind.endswith("/*") and self.kind[:-1] == kind.partition("/")[0] + "/":
            return 2
        if "*" in kind and Named(kind).fits(Named(self.kind)):
            return 3  # a documented range that holds the type
        return 1 if self.kind == "*/*" else 0


def acceptable(accept: str, media_types: Iterable[str]) -> str | None:
    """The media type that the caller likes best, the first of equals; None if none is acceptable.

    An empty ``Accept`` accepts everything. A range that cannot be read accepts nothing.
    """
    offered = list(media_types)
    if not accept.strip():
        return offered[0] if offered else None
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    best, best_quality = None, 0.0
    for media_type in offered:
        quality = max((r.specificity(media_type), r.quality) for r in ranges) if ranges else (0, 0.0)
        if quality[0] and quality[1] > best_quality:
            best, best_quality = media_type, quality[1]
    return best


def _range(text: str) -> _Range:
    kind, parameters = _split(text)
    try:
        quality = min(1.0, max(0.0, float(parameters.pop("q", "1"))))
    except ValueError:
        quality = 0.0
    return _Range(kind, parameters, quality)


def _split(media_type: str) -> tuple[str, dict[str, str]]:
    kind, *parameters = media_type.split(";")
    named = (parameter.partition("=") for parameter in parameters)
    return kind.strip().lower(), {
        n.strip().lower(): v.strip().strip('"').lower() for n, _, v in named if n.strip()
    }
