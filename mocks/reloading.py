"""A mock whose contract may be edited while it answers: the application is swapped behind a lasting one.

Connections stay, since the server knows the lasting one alone. Requests that the old application has taken it
answers too. A contract that was broken by an edit stays as it was before, and every answer says so.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from harness.contract.model import Contract
from harness.errors import ContractError, HarnessError
from harness.serving.connection import WholeAnswer
from harness.serving.envelope import ASGIApp
from harness.serving.known_heads import KnownHeads
from harness.serving.wire import Message, Said, Scope
from mocks.journal import Journal
from mocks.mock import Mock
from mocks.watching import EVERY, Stamps, beside, files_of, pause_after, stamps

LOG = logging.getLogger("portal.mocks")

BROKEN = b"x-portal-contract-error"
"""The header of answers by a contract that is older than its files, which cannot be read."""

DRAIN = 2.0
"""Seconds in which requests that the old contract took are to be answered, before its Kafka face ends."""

_LONGEST = 500


Make = Callable[[Contract, Mock | None], Mock]
"""Builds a contract's mock, which goes on where the other one ends. Raises HarnessError."""


class Reloading:
    """Hosts the mock of ``contract``, and that of ``read()`` whenever the contract's files were edited.

    ``read`` and ``make`` raise HarnessError for a contract that cannot be mocked; ``tell`` hears of that, one
    paragraph, and of each new contract. ``also`` are further files to watch.
    """

    def __init__(
        self,
        contract: Contract,
        read: Callable[[], Contract],
        make: Make,
        tell: Callable[[str], None],
        also: Callable[[], Iterable[Path]] = tuple,
    ) -> None:
        self.name = contract.service
        self._read, self._make, self._tell, self._also = read, make, tell, also
        self._held = self._files = files_of(contract)
        self._seen = self._look()
        self._current = make(contract, None)
        self._application = _Lasting(self._current.app)
        self._controlling = _Lasting(self._current.control) if self._current.control is not None else None
        self._stopped = threading.Event()
        self._watch: threading.Thread | None = None

    @property
    def app(self) -> ASGIApp:
        return self._application

    @property
    def control(self) -> ASGIApp | None:
        return self._controlling

    @property
    def journal(self) -> Journal:
        return self._current.journal

    def start(self) -> None:
        """Begin to answer, and to watch."""
        self._current.start()
        self._watch = threading.Thread(target=self._watching, name=f"mock-{self.name}-contract", daemon=True)
        self._watch.start()

    def stop(self) -> None:
        """End both. Raises what the mock's own ``stop`` does."""
        self._stopped.set()
        if self._watch is not None:
            self._watch.join()
        self._current.stop()

    def _watching(self) -> None:
        pause = 0.0
        while not self._stopped.wait(pause):
            began = time.monotonic()
            found = self._look()
            pause = pause_after(began)
            if found != self._seen:
                self._seen = found
                self._changed()

    def _look(self) -> Stamps:
        return stamps((*self._files, *self._also()))

    def _changed(self) -> None:
        """Read it anew. What cannot be read may be half written: it is told if it stays so."""
        began = time.monotonic()
        try:
            contract = self._read()
            self._check_whole()
            made = self._make(contract, self._current)
        except HarnessError as error:
            self._broken(error.paragraph())
            return
        except Exception as error:  # a defect of ours must not end the watch, nor the mock
            self._broken(f"the contract could not be read ({type(error).__name__})")
            LOG.exception("the contract could not be read")
            return
        self._held = self._files = files_of(contract)
        self._seen = self._look() | {file: at for file, at in self._seen.items() if file in self._files}
        self._swap(made, time.monotonic() - began)

    def _check_whole(self) -> None:
        """A file that is gone may be on its way back; without one of its files a folder may read as well."""
        for file in self._held:
            if not file.exists():
                raise ContractError(str(file), "it is gone", remedy="Put it back, or start the mock anew")

    def _broken(self, why: str) -> None:
        """The file may be half written: it is told unless it was edited again a moment later."""
        self._stopped.wait(2 * EVERY)
        self._files = list(dict.fromkeys((*self._files, *beside(self._files))))
        before = self._seen
        self._seen = {**self._look(), **before}
        if self._seen != self._look() or self._application.broken == why:
            return  # the next look finds what changed
        self._application.broken = why
        self.journal.note("failed", "", why)
        self._tell(f"{self.name}: the contract as edited cannot be served; the one before it stays. {why}")

    def _swap(self, made: Mock, seconds: float) -> None:
        before, self._current = self._current, made
        drained = self._application.swap(made.app)
        if self._controlling is not None and made.control is not None:
            self._controlling.swap(made.control)
        self._tell(f"{self.name}: the contract was read anew, in {seconds * 1000:.0f} ms")
        drained.wait(DRAIN)
        try:
            before.stop()
            made.start()
        except HarnessError as error:
            self._tell(f"{self.name}: {error.paragraph()}")


class _Lasting:
    """An application that passes on to another, which may be swapped from any thread."""

    def __init__(self, app: ASGIApp) -> None:
        self.broken = ""
        self._use = _Use(app)

    def swap(self, app: ASGIApp) -> threading.Event:
        """Pass on to this one from now on. The event is set when the other has no request any more."""
        before, self._use, self.broken = self._use, _Use(app), ""
        before.last = True
        if not before.working:
            before.done.set()
        return before.done

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        use = self._use
        use.working += 1
        try:
            await use.app(scope, receive, self._telling(send) if self.broken else send)
        finally:
            self._left(use)

    def _left(self, use: _Use) -> None:
        use.working -= 1
        if use.last and not use.working:
            use.done.set()

    def at_once(self, scope: Scope, body: bytes) -> Said | None:
        """See ``serving.connection``; while there is something to tell of the contract, it waits."""
        use = self._use
        now: WholeAnswer | None = getattr(use.app, "at_once", None)
        if now is None or self.broken:
            return None
        use.working += 1
        try:
            return now(scope, body)
        finally:
            self._left(use)

    @property
    def heads(self) -> KnownHeads | None:
        """See ``serving.quick``: those of the application that answers, with which they go."""
        return None if self.broken else getattr(self._use.app, "heads", None)

    def _telling(self, send: Any) -> Any:
        why = self.broken[:_LONGEST].encode("latin-1", "replace").replace(b"\n", b" ")

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), (BROKEN, why)]}
            await send(message)

        return tell


class _Use:
    """An application and how many requests it works on. Counted on one event loop alone."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.working = 0
        self.last = False
        self.done = threading.Event()


async def _live(receive: Any, send: Any) -> None:
    """The lifespan (ASGI, "Lifespan Protocol"): applications come and go within it."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
