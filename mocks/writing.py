"""How an answer's value is written in its documented content type."""

from __future__ import annotations

import json
from urllib.parse import quote

from harness.contract.model import JSON, MediaType, Parameter
from harness.contract.schema import ANYTHING
from harness.contract.styles import is_json, is_xml, query_pairs, scalar_text
from harness.serving.media import FORM, LINES, Named
from harness.serving.wire import encode_json
from harness.serving.xml_bodies import write_xml

_BOUNDARY = "portal-between-two-parts"
_CONCRETE = (
    "application/json",
    "text/plain",
    "image/png",
    "audio/mpeg",
    "video/mp4",
    "application/problem+json",
    "application/xml",
    "application/octet-stream",
)
"""What is sent for a documented range of types: the first that it names."""


def written(body: JSON, content_type: str, media: MediaType | None = None) -> JSON | bytes:
    """The body as serving sends it: JSON as it is, anything else in bytes."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in LINES:
        items = body if isinstance(body, list) else [body]
        mark = b"\x1e" if kind.endswith("seq") else b""
        return b"".join(mark + encode_json(each) + b"\n" for each in items)
    if is_json(kind):
        return body
    if kind.startswith("multipart/") and isinstance(body, dict | list):
        return _in_parts(body, kind)
    in_words = isinstance(body, str) and is_xml(kind) and not body.lstrip().startswith("<")
    if not in_words and (isinstance(body, str | bytes) or body is None):
        return body.encode() if isinstance(body, str) else body or b""
    if is_xml(kind):
        return write_xml(body, media.schema if media is not None and media.schema is not None else ANYTHING)
    if kind == FORM and isinstance(body, dict):
        fields = [Parameter(name, "query", True, ANYTHING, "form", True) for name in body]
        return "&".join(pair for each in fields for pair in query_pairs(each, body[each.name])).encode()
    return json.dumps(body).encode() if isinstance(body, dict | list) else scalar_text(body, None).encode()


def concrete(content_type: str, accept: str = "") -> str:
    """The type that is sent where the contract documents a range of them: one that the caller names, if it
    names one of the range."""
    if "*" not in content_type:
        parted = content_type.lower().startswith("multipart/") and "boundary" not in content_type
        return f"{content_type}; boundary={_BOUNDARY}" if parted else content_type
    documented = Named(content_type)
    wished = (part.partition(";")[0].strip().lower() for part in accept.split(","))
    offered = (each for each in (*wished, *_CONCRETE) if each and "*" not in each and "/" in each)
    return next((each for each in offered if documented.fits(Named(each))), "application/octet-stream")


def _in_parts(body: dict[str, JSON] | list[JSON], kind: str) -> bytes:
    """A part for each property, or item (RFC 2046, 5.1; RFC 7578 for forms)."""
    mark, written_parts = f"--{_BOUNDARY}".encode(), []
    for name, value in body.items() if isinstance(body, dict) else ((None, each) for each in body):
        structured = isinstance(value, dict | list)
        content = encode_json(value) if structured else scalar_text(value, None).encode()
        head = f"Content-Type: {'application/json' if structured else 'text/plain; charset=utf-8'}\r\n"
        if name is not None:
            use = "form-data" if kind == "multipart/form-data" else "inline"
            head = f'Content-Disposition: {use}; name="{quote(name, safe=" ")}"\r\n{head}'
        written_parts.append(mark + b"\r\n" + head.encode() + b"\r\n" + content.replace(mark, b"") + b"\r\n")
    return b"".join(written_parts) + mark + b"--\r\n"
