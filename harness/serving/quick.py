"""Requests that come whole, answered while they are parsed; those whose head is known are not even parsed.

A task and a cycle for each request cost more than many an answer. Where an application has ``at_once`` (see
``connection``), neither is made; all else goes uvicorn's way.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from functools import lru_cache
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from harness.serving.connection import CONNECTION, WholeAnswer
from harness.serving.crowd import Crowd
from harness.serving.cycles import NEVER_CHUNKED, Cycle, name_of
from harness.serving.known_heads import OF_CONNECTION, KnownHeads
from harness.serving.rounds import Rounds
from harness.serving.wire import Said, Scope

_UNUSUAL = frozenset({b"connection", b"transfer-encoding"})
"""Headers of an answer that say what becomes of the connection, or how the body comes."""


_LENGTH = b"\r\ncontent-length: "


class QuickProtocol(HttpToolsProtocol, ABC):
    """What ``BoundedProtocol`` does for requests that come whole. An application may have ``heads``, the
    ``KnownHeads`` of it, or None for the moment."""

    def __init__(
        self, *args: Any, crowd: Crowd | None = None, rounds: Rounds | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._crowd = Crowd() if crowd is None else crowd
        self._rounds = Rounds() if rounds is None else rounds
        self._at_once: WholeAnswer | None = getattr(self.app, "at_once", None)
        self._learns = self._at_once is not None and hasattr(self.app, "heads")
        self._open, self._parting = 0, False
        self._current: Cycle | None = None
        self._connection: Scope | None = None
        self._first, self._held, self._body = True, False, b""
        self._told, self._said = False, b""
        self._rested = 0.0

    def shutdown(self) -> None:
        """uvicorn's: the server ends, it may be in the middle of a round."""
        self.speak()
        super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        """uvicorn's; an answer at once leaves the timer as it is, and only notes the time."""
        left = self._rested + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def _may_be_whole(self, version: str) -> bool:
        """Whether it may be answered while it is parsed; of several in one piece the first alone."""
        return (
            self._at_once is not None
            and self._first
            and self._open == 0
            and version == "1.1"
            and self.scope["method"] != "HEAD"
            and not self.expect_100_continue
            and not self.flow.write_paused
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
        )

    def _answered_if_known(self, data: bytes) -> bool:
        """Whether these bytes are a whole request with a known head, and were answered.

        Between two requests only: see ``BoundedProtocol.data_received``.
        """
        heads: KnownHeads | None = getattr(self.app, "heads", None)
        known = heads.find(data) if heads is not None else None
        if known is None or self._at_once is None:
            return False
        if self._connection is None:
            connection = (self.server, self.client, self.scheme, self.app_state)
            self._connection = dict(zip(OF_CONNECTION, connection, strict=True))
        scope = known.scope(self._connection, {CONNECTION: self})
        return self._answered(scope, data[known.size :])

    def _answered_at_once(self) -> bool:
        """Whether the application had an answer; else it works on the request in a task."""
        scope: Any = self.scope
        if not self._answered(scope, self._body):
            self._begin()
            return False
        self._held, self._body, self._told = False, b"", True
        return True

    def _answered(self, scope: Scope, body: bytes) -> bool:
        try:
            said = self._at_once(scope, body) if self._at_once is not None else None
            if said is not None:
                self._say(scope, said)
            return said is not None
        except Exception as error:  # a defect, or a header that cannot be said: as uvicorn ends it
            self.logger.error("Exception in ASGI application\n", exc_info=error)
            self._parting = True
            self._abort()
            return True

    def _learn(self, data: bytes) -> None:
        """These bytes were parsed, and answered at once; nothing had come before them."""
        heads: KnownHeads | None = getattr(self.app, "heads", None)
        if heads is not None:
            heads.learn(data, cast(Scope, self.scope))

    def _say(self, scope: Scope, said: Said) -> None:
        status, headers, body = said
        self._open += 1
        head = _head(status, self.server_state.default_headers, headers, len(body))
        if head is None:
            self._current = self.cycle = self._new_cycle(scope, keep_alive=True)
            self._current.say(said)
            return
        self._said = head + body
        self._rounds.at_end(self)

    def speak(self) -> None:
        """See ``Rounds``."""
        said, self._said = self._said, b""
        if not said or self._parting:
            return
        self._open -= 1
        if not self.transport.is_closing():
            self.transport.write(said)
            self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._abort_later()
        elif self._open == 0:
            self._rested = self.loop.time()
            if self.timeout_keep_alive_task is None:
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )
            self._rest()

    def _new_cycle(self, scope: Scope, *, keep_alive: bool, expects: bool = False) -> Cycle:
        return Cycle(
            scope=scope,  # type: ignore[arg-type]
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=expects,
            keep_alive=keep_alive,
            on_response=self.on_response_complete,
        )

    @abstractmethod
    def evict(self) -> None:
        """Others need the place: see ``Crowd``."""

    @abstractmethod
    def _begin(self) -> None:
        """Work on the request that is held in a task."""

    @abstractmethod
    def _rest(self) -> None:
        """Everything is answered."""

    @abstractmethod
    def _abort(self) -> None:
        """End the connection now."""

    @abstractmethod
    def _abort_later(self) -> None:
        """End it when the other side had time to."""


def _head(
    status: int, standing: list[tuple[bytes, bytes]], headers: list[tuple[bytes, bytes]], length: int
) -> bytes | None:
    """An answer's head; None for an unusual one, which a cycle says."""
    parts, sized = [STATUS_LINE[status][:-2]], status in NEVER_CHUNKED
    for given, value in (*standing, *headers):
        begun = _begun(given)
        if begun is None:
            return None
        if begun is _LENGTH:
            if int(value) != length:
                return None
            sized = True
        parts += (begun, value)
    if not sized:
        return None
    parts.append(b"\r\n\r\n")
    return b"".join(parts)


@lru_cache(512)
def _begun(given: bytes) -> bytes | None:
    """How a header's line begins, behind the line before; None for an unusual one."""
    name, begun = name_of(given)
    if name == b"content-length":
        return _LENGTH
    return None if name in _UNUSUAL else b"\r\n" + begun
