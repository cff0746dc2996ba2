"""A mock's control API: its faults, scenarios, journal and events, on a port of its own.

The contract is ``control.openapi.yaml`` beside this file, served as any other contract is. It is read when
somebody first asks: many mocks in one process would otherwise wait for it at start.
"""

from __future__ import annotations

import asyncio
import ipaddress
from pathlib import Path
from typing import Any

from harness.serving.envelope import ASGIApp
from harness.serving.exchange import Answer
from harness.serving.problems import Problem, problem_answer
from harness.serving.tracing import trace_of
from harness.serving.wire import Scope, headers_of, respond
from mocks.control.controls import Controls

CONTRACT = Path(__file__).with_name("control.openapi.yaml")


class ControlApp:
    """The control API as an ASGI application, built at the first request.

    A request that names another host than an address, ``localhost`` or ``host`` is refused: a web page that
    makes its own name lead to this machine (DNS rebinding) must not read the journal.
    """

    def __init__(self, controls: Controls, host: str = "127.0.0.1") -> None:
        self._controls, self._host = controls, host
        self._app: ASGIApp | None = None
        self._building = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        headers = headers_of(scope)
        if not _is_own(headers.get("host", ""), self._host):
            trace = trace_of(headers)
            detail = "The control API answers to addresses and to localhost only."
            await respond(send, problem_answer(Problem(421, detail=detail), trace), trace)
            return
        if self._app is None:
            async with self._building:
                if self._app is None:
                    self._app = await asyncio.to_thread(_built, self._controls)
        await self._app(scope, receive, send)


def _built(controls: Controls) -> ASGIApp:
    from harness.contract import load
    from harness.serving.app import build_app
    from harness.serving.control import CONTRACT as OF_SERVICES
    from harness.serving.control import control_app
    from mocks.control.handlers import handlers_of

    itself = Answer(200, CONTRACT.read_bytes(), content_type="application/yaml")
    own = build_app(
        load(CONTRACT), handlers_of(controls), None, extra_routes={"/openapi.yaml": lambda: itself}
    )
    if controls.kept is None:
        return own
    known = {each.path for each in load(CONTRACT).operations.values()}
    states = frozenset(each.path for each in load(OF_SERVICES).operations.values()) - known
    of_services = control_app(controls.kept)

    async def either(scope: Scope, receive: Any, send: Any) -> None:
        await (of_services if scope["path"] in states else own)(scope, receive, send)

    return either


async def _live(receive: Any, send: Any) -> None:
    """ASGI's lifespan, in which nothing happens."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _is_own(host: str, wanted: str) -> bool:
    """Whether a ``Host`` header's value is an address, ``localhost``, or what was asked for."""
    name = host.rpartition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    if not name or name.lower() in ("localhost", wanted.lower()):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
