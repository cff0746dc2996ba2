"""Threads, messages and files as the tests of messaging write them."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Mapping

import httpx

from harness.contract.model import JSON
from tests.services.portal import ESTHER, Portal, patient

SERVICE = "messaging"
NEPHEW = "rel-8w3q6y1c4n"


def proxy(of: str, who: str = NEPHEW) -> dict[str, JSON]:
    return {"actor": "proxy", "sub": who, "proxy_for": [of]}


def clinician(of: str) -> dict[str, JSON]:
    return {"actor": "clinician", "sub": "prv-70000001", "treats": [of]}


def begun(portal: Portal, who: str = ESTHER, by: Mapping[str, JSON] | None = None, **more: JSON) -> str:
    body = {"patientId": who, "subject": "A question", "topic": "question", **more}
    answer = portal.make(SERVICE, "/threads", by or patient(who), body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def say(portal: Portal, thread: str, by: Mapping[str, JSON], **more: JSON) -> httpx.Response:
    return portal.make(SERVICE, f"/threads/{thread}/messages", by, {"body": "Well?\nSay.", **more})


def said(portal: Portal, thread: str, by: Mapping[str, JSON], **more: JSON) -> dict[str, JSON]:
    answer = say(portal, thread, by, **more)
    assert answer.status_code == 201, answer.text
    found: dict[str, JSON] = answer.json()
    return found


def attached(
    portal: Portal, thread: str, by: Mapping[str, JSON], content: bytes, kind: str = "image/png"
) -> httpx.Response:
    body = {"contentType": kind, "title": "My file", "data": base64.b64encode(content).decode()}
    return portal.make(SERVICE, f"/threads/{thread}/attachments", by, body)


def png(width: int = 1) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0\xff")) + chunk(b"IEND", b"")


def pdf(more: bytes = b"") -> bytes:
    start = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n" + more
    return start + b"xref\n0 1\n0000000000 65535 f \ntrailer<<>>\nstartxref\n%d\n%%%%EOF\n" % len(start)


PNG, PDF = png(), pdf()
JPEG = bytes.fromhex(
    "ffd8 ffe0000443 43 ffc0000b 08 0001 0001 01 011100 ffda0008 01 0100 003f00 d2cf20 ffd9".replace(" ", "")
)
