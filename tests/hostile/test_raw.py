"""The attacker's own ears: what was announced is waited for."""

from __future__ import annotations

import asyncio

from tests.hostile import raw


async def _end_comes_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n")
    writer.write(b"content-type: application/problem+json\r\nx-correlation-id: c\r\n\r\n")
    await asyncio.sleep(4 * raw.QUIET)
    writer.close()


def test_an_announced_end_is_heard_however_late() -> None:
    async def told() -> str:
        async with await asyncio.start_server(_end_comes_late, "127.0.0.1", 0) as server:
            heard = await raw.ask(server.sockets[0].getsockname(), raw.request("GET", "/"))
            return heard.told

    assert asyncio.run(told()) == "408 closed"
