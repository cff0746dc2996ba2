"""Bodies from bytes to values, strictly: what could be read two ways, or breaks later, is refused here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.contract.model import JSON, Operation
from harness.contract.schema import Validator
from harness.contract.styles import is_json
from harness.serving.media import FORM, LINES, Media, Named, RefusedBody, closest, parse_json
from harness.serving.problems import Problem, Reason

__all__ = ["JSON_TYPE", "MAX_BODY", "Bodies", "RefusedBody", "is_json", "parse_json"]

MAX_BODY = 1024 * 1024
"""Bytes of one request's body, unless ``build_app`` is told otherwise."""

JSON_TYPE = "application/json"
_REMEMBERED = 256
_STRUCTURED = (FORM, *LINES)


@dataclass(frozen=True, slots=True)
class _Sent:
    """What one Content-Type header means here; ``media`` is None where it is not documented."""

    media: Media | None
    kind: str
    header: str
    is_structured: bool
    is_json: bool
    validator: Validator | None


class Bodies:
    """One operation's request body, compiled."""

    def __init__(self, operation: Operation) -> None:
        self._body = operation.body
        content = operation.body.content if operation.body else {}
        self._media = {name: Media(each) for name, each in content.items()}
        self._names = {name: Named(name) for name in content}
        self._accepted = ", ".join(dict.fromkeys(each.kind for each in self._names.values()))
        self._sent: dict[str, _Sent] = {}

    @property
    def expected(self) -> bool:
        """Whether the operation takes a body at all; one that nobody documented is not read."""
        return self._body is not None

    def decode(self, raw: bytes, headers: Mapping[str, str], reasons: list[Reason]) -> tuple[JSON, str]:
        """The body's value and content type. Problem 415 for a type, charset or encoding that is not
        documented; whatever else is wrong goes into ``reasons``.

        JSON, forms, multipart and XML with a schema are values, text is text, anything else bytes. In
        multipart a part that is no text is text with a character a byte (latin-1).
        """
        if not raw and not headers.get("content-type", "").lower().startswith("text/plain"):  # an empty text
            if self._body is not None and self._body.required:
                reasons.append(Reason("", "the body is required"))
            return None, ""
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise Problem(
                415, detail="A compressed body is not taken.", headers={"Accept-Encoding": "identity"}
            )
        header = headers.get("content-type", "")
        sent = self._sent.get(header) or self._read(header)
        if not self._media:
            return raw, sent.kind  # a body whose content nobody documents
        if sent.media is None:
            raise Problem(
                415,
                detail=f"A body must be sent as {self._accepted} in UTF-8.",
                headers={"Accept": self._accepted},
            )
        return _value(sent.media, sent, raw, reasons), sent.kind

    def _read(self, header: str) -> _Sent:
        """With the documented type that fits a Content-Type header best."""
        kind = header.partition(";")[0].strip().lower()
        name = closest(self._names, header) if _is_utf8(header) else None
        media = self._media[name] if name is not None else None
        validator = media.validator(kind) if media is not None else None
        if len(self._sent) >= _REMEMBERED:
            self._sent.clear()
        json = is_json(kind) and kind not in LINES
        found = _Sent(media, kind, header, _is_structured(kind), json, validator)
        self._sent[header] = found
        return found


def _value(media: Media, sent: _Sent, raw: bytes, reasons: list[Reason]) -> JSON:
    """The first reading that the schema takes; else the first there is, with what is wrong with it."""
    first: list[JSON] = []
    validator = sent.validator
    before = len(reasons)
    try:
        if sent.is_json:  # which has one reading
            value = parse_json(raw)
            if validator is not None and not validator.is_valid(value):
                reasons.extend(Reason(each.pointer, each.detail) for each in validator.violations(value))
            return value
        for value in media.readings(raw, sent.kind, sent.header, reasons):
            if len(reasons) > before or validator is None or validator.is_valid(value):
                return value if sent.is_structured else raw
            first = first or [value]
    except RefusedBody as error:
        if not first:
            reasons.append(Reason("", f"the body {error}"))
            return None
    if first and validator is not None:
        reasons.extend(Reason(each.pointer, each.detail) for each in validator.violations(first[0]))
    return first[0] if first and sent.is_structured else raw


def _is_structured(kind: str) -> bool:
    """Whether a handler gets a value rather than the bytes."""
    return is_json(kind) or kind in _STRUCTURED or kind.startswith(("text/", "multipart/")) or "xml" in kind


def _is_utf8(content_type: str) -> bool:
    for part in content_type.lower().split(";")[1:]:
        name, _, value = part.strip().partition("=")
        if name == "charset" and value.strip('"') not in {"utf-8", "utf8", "us-ascii"}:
            return False
    return True
