"""How a request is answered with less work: heads checked once, bodies of known answers, ids of our own."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from harness.serving.cycles import Cycle
from harness.serving.tracing import Trace, continued, made_id

TRACE = Trace("c", "t")


class _Transport:
    def __init__(self) -> None:
        self.said = b""

    def write(self, data: bytes) -> None:
        self.said += data

    def close(self) -> None:
        """Nothing to close."""


class _Flow:
    write_paused = False


def _said(headers: list[tuple[bytes, bytes]], body: bytes = b"ab", **more: Any) -> bytes:
    transport: Any = _Transport()
    flow: Any = _Flow()
    unused: Any = None
    scope: Any = {"method": "GET", "http_version": "1.1"}
    cycle = Cycle(
        scope, transport, flow, unused, unused, False, [], asyncio.Event(), False, True, lambda: None
    )
    answer = {"type": "http.response.start", "status": 200, "headers": headers}

    async def say() -> None:
        await cycle.send(answer)
        await cycle.send({"type": "http.response.body", "body": body, **more})

    asyncio.run(say())
    said: bytes = transport.said
    return said


def test_a_head_is_said_in_lower_case_and_counts_its_body() -> None:
    assert _said([(b"X-A", b"1"), (b"Content-Length", b"2")]) == (
        b"HTTP/1.1 200 OK\r\nx-a: 1\r\ncontent-length: 2\r\n\r\nab"
    )
    assert _said([]).endswith(b"transfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    "header",
    [(b"x a", b"1"), (b"x:a", b"1"), (b"x" * 100 + b"\r", b"1"), (b"x-a", b"1\r\nx-b: 2"), (b"x-a", b"\x00")],
)
def test_what_no_header_can_say_is_refused_each_time(header: tuple[bytes, bytes]) -> None:
    for _ in range(2):
        with pytest.raises(RuntimeError, match="Invalid HTTP header"):
            _said([(b"content-length", b"2"), header])


@pytest.mark.parametrize("length", [b"1", b"3"])
def test_a_body_that_is_not_as_long_as_was_said_is_refused(length: bytes) -> None:
    with pytest.raises(RuntimeError, match="Content-Length"):
        _said([(b"content-length", length)])


FORKED = """
import os
from harness.serving.tracing import made_id, continued
for _ in range(3):
    child = os.fork()
    if not child:
        print(made_id(), continued(""), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
print(made_id(), continued(""))
"""


def test_ids_differ_between_requests() -> None:
    many = [made_id() for _ in range(1000)]
    assert len(set(many)) == len(many)
    uuid = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    assert all(uuid.fullmatch(each) for each in many)
    trace = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01")
    assert all(trace.fullmatch(continued("")) for _ in range(100))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_forked_processes_make_ids_of_their_own() -> None:
    # In a process that has no threads: a fork of this one could wait for their locks for ever.
    ran = subprocess.run(
        [sys.executable, "-c", FORKED], check=True, capture_output=True, text=True, timeout=60
    )
    found = ran.stdout.split()
    assert len(found) == len(set(found)) == 8
