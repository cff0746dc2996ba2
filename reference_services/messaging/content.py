"""What a file really is: its first bytes say so, and its parts must bear them out to the last byte.

Sources: PNG (W3C, third edition, 5 and 11), JPEG (ITU-T T.81, annex B), PDF (ISO 32000-2, 7.5).
"""

from __future__ import annotations

import re
import zlib
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping

MOST = 512 * 1024
"""Bytes of one file."""

SUFFIX: Mapping[str, str] = {"image/png": "png", "image/jpeg": "jpg", "application/pdf": "pdf"}

_PNG = b"\x89PNG\r\n\x1a\n"
_PDF = re.compile(rb"%PDF-[12]\.\d[\r\n]")
_PDF_END = re.compile(rb"startxref\s+(\d{1,10})\s+%%EOF\s*\Z")
_STARTS_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})


class NotThis(Exception):
    """Why a file is refused; the phrase follows the name of what was sent."""


def content_of(data: str, content_type: str) -> bytes:
    """The bytes of a file. Raises NotThis for what is no base64, too large, or no such file."""
    try:
        content = b64decode(data, validate=True)
    except Base64Error:
        raise NotThis("is not base64") from None
    if len(content) > MOST:
        raise NotThis(f"is larger than {MOST} bytes")
    if not _IS[content_type](content):
        raise NotThis("is not a whole file of its contentType")
    return content


def _is_png(content: bytes) -> bool:
    """The signature, chunks with right check sums, IHDR first, an IDAT, and IEND at the very end."""
    if not content.startswith(_PNG):
        return False
    kinds: list[bytes] = []
    at = len(_PNG)
    while at + 12 <= len(content) and kinds[-1:] != [b"IEND"]:
        length = int.from_bytes(content[at : at + 4])
        body, end = content[at + 4 : at + 8 + length], at + 12 + length
        if end > len(content) or zlib.crc32(body) != int.from_bytes(content[end - 4 : end]):
            return False
        if not kinds and not _is_header(body):
            return False
        kinds.append(body[:4])
        at = end
    return at == len(content) and b"IDAT" in kinds and kinds[-1] == b"IEND"


def _is_header(body: bytes) -> bool:
    width, height = int.from_bytes(body[4:8]), int.from_bytes(body[8:12])
    return body[:4] == b"IHDR" and len(body) == 17 and width > 0 and height > 0


def _is_jpeg(content: bytes) -> bool:
    """SOI, segments with a frame among them, a scan, and EOI at the very end."""
    if not content.startswith(b"\xff\xd8\xff") or not content.endswith(b"\xff\xd9"):
        return False
    at, framed = 2, False
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF or marker in _BARE:  # filling, and markers without a segment
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(content[at + 2 : at + 4])
        if marker == 0xDA:
            return framed and length >= 6 and content.find(b"\xff\xd9", at) == len(content) - 2
        if length < 2:
            return False
        framed = framed or marker in _STARTS_OF_FRAME
        at += 2 + length
    return False


def _is_pdf(content: bytes) -> bool:
    """The header, a trailer at the very end, and where that leads a table or stream of references."""
    end = _PDF_END.search(content, max(0, len(content) - 1024))
    if _PDF.match(content) is None or end is None:
        return False
    there = content[int(end[1]) :]
    return there.startswith(b"xref") or re.match(rb"\d+\s+\d+\s+obj\b", there) is not None


_IS: Mapping[str, Callable[[bytes], bool]] = {
    "image/png": _is_png,
    "image/jpeg": _is_jpeg,
    "application/pdf": _is_pdf,
}
