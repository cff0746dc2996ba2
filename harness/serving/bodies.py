"""Bodies from bytes to values, strictly: what could be read two ways, or breaks later, is refused here."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from harness.contract.extent import too_much
from harness.contract.model import JSON, MediaType, Operation
from harness.contract.schema import compile_schema
from harness.serving.problems import Problem, Reason

MAX_BODY = 1024 * 1024
"""Bytes of one request's body, unless ``build_app`` is told otherwise."""

JSON_TYPE = "application/json"


class RefusedBody(Exception):
    """Why a body is not the JSON that it says it is."""


class Bodies:
    """One operation's request body, compiled."""

    def __init__(self, operation: Operation) -> None:
        self._body = operation.body
        content = operation.body.content if operation.body else {}
        self._media = {name.lower().partition(";")[0].strip(): _Media(each) for name, each in content.items()}
        self._accepted = ", ".join(self._media)

    @property
    def expected(self) -> bool:
        """Whether the operation takes a body at all; one that nobody documented is not read."""
        return self._body is not None

    def decode(self, raw: bytes, headers: Mapping[str, str], reasons: list[Reason]) -> tuple[JSON, str]:
        """The body's value and content type. Problem 415 for a type, charset or encoding that is not
        documented; whatever else is wrong goes into ``reasons``."""
        if not raw:
            if self._body is not None and self._body.required:
                reasons.append(Reason("", "the body is required"))
            return None, ""
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise Problem(
                415, detail="A compressed body is not taken.", headers={"Accept-Encoding": "identity"}
            )
        content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        media = self._media.get(content_type) or self._by_range(content_type)
        if media is None or not _is_utf8(headers.get("content-type", "")):
            raise Problem(
                415,
                detail=f"A body must be sent as {self._accepted} in UTF-8.",
                headers={"Accept": self._accepted},
            )
        return media.decode(raw, content_type, reasons), content_type

    def _by_range(self, content_type: str) -> _Media | None:
        major = content_type.partition("/")[0]
        return self._media.get(f"{major}/*") or self._media.get("*/*") if content_type else None


class _Media:
    """One documented content type. Multipart and other binary bodies reach the handler as bytes."""

    def __init__(self, media: MediaType) -> None:
        self._validator = compile_schema(media.schema, "request") if media.schema is not None else None

    def decode(self, raw: bytes, content_type: str, reasons: list[Reason]) -> JSON:
        if is_json(content_type):
            parse: Callable[[bytes], JSON] = parse_json
        elif content_type.startswith("text/"):
            parse = _parse_text
        else:
            return raw
        try:
            value = parse(raw)
        except RefusedBody as error:
            reasons.append(Reason("", f"the body {error}"))
            return None
        if self._validator is not None and not self._validator.is_valid(value):
            reasons.extend(Reason(each.pointer, each.detail) for each in self._validator.violations(value))
        return value


def is_json(content_type: str) -> bool:
    """``application/json`` and every ``+json`` type."""
    return content_type == JSON_TYPE or content_type.endswith("+json")


def parse_json(raw: bytes) -> JSON:
    """JSON as RFC 8259 and RFC 7493 have it: UTF-8, no NaN, no lone surrogates, no duplicate names, no
    number beyond a double, and within ``extent``'s bounds. Integers keep every digit."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise RefusedBody("is not JSON") from None
    if (why := too_much(value, raw)) is not None:
        raise RefusedBody(why)
    try:
        return _strict.decode(raw.decode())
    except (ValueError, RecursionError):
        raise RefusedBody(
            "is not JSON that everybody reads alike (a name is given twice, or a number is too long)"
        ) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate")
    return members


_strict = json.JSONDecoder(object_pairs_hook=_unique)


def _parse_text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise RefusedBody("is not UTF-8") from None


def _is_utf8(content_type: str) -> bool:
    for part in content_type.lower().split(";")[1:]:
        name, _, value = part.strip().partition("=")
        if name == "charset" and value.strip('"') not in {"utf-8", "utf8", "us-ascii"}:
            return False
    return True
