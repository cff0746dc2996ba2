"""The courier: makes the calls of other services that wait, on a thread of its own, one after the other."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING

from harness.contract.model import Operation
from harness.errors import HarnessError
from harness.kafka.consuming import doubled
from harness.serving.outages import Outage
from harness.serving.spans import belongs_to, spans_of
from harness.serving.tracing import Trace
from reference_services.platform import calls
from reference_services.platform.calls import Call
from reference_services.platform.failures import why
from reference_services.platform.peers import Peers
from reference_services.platform.store import Store

if TYPE_CHECKING:
    import httpx

LOG = logging.getLogger(__name__)

TIMEOUT = 5.0
"""Seconds for each step of a call."""

BACKOFF = 0.2
"""Seconds before a second attempt; then twice as long each time, to 5."""

_LOOK = 5.0
"""Seconds after which another process's calls are looked for: it may have ended."""

_SOON = 0.2
_PASSING = frozenset({401, 408, 425, 429})
"""Refusals that another attempt may not meet: a token may have been a moment too old."""


class _Outcome(Enum):
    TAKEN = "taken"
    REFUSED = "refused"
    FAILED = "failed"


class Courier:
    """Woken by every commit that left a call, and when one is due again."""

    def __init__(self, service: str, store: Store, peers: Peers) -> None:
        self._service, self._store, self._peers = service, store, peers
        self._spans = spans_of(service)
        self._outage, self._unread = Outage(LOG), Outage(LOG)
        self._unreachable: set[str] = set()
        self._wake, self._ending = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._client: httpx.Client | None = None
        store.on_commit("calls", lambda _: self._wake.set())

    def start(self) -> None:
        self._ending.clear()
        self._thread = threading.Thread(target=self._run, name="calls", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the call that is being made; what waits is made after the next start."""
        self._ending.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        belongs_to(self._service)
        with ExitStack() as open_until_the_end:
            while not self._ending.is_set():
                self._wake.clear()
                try:
                    pause = self._look(open_until_the_end)
                    self._unread.over(f"{self._service}: calls of other services can be read again")
                except Exception as error:  # the store is away, say: calls must not wait for a restart
                    pause = _LOOK
                    self._unread.failed(
                        f"{self._service}: calls of other services wait, for {self._store.place} cannot be "
                        f"read: {why(error)}; tried again every {_LOOK:g} s",
                        error,
                    )
                self._wake.wait(pause)
            self._client = None

    def _look(self, open_until_the_end: ExitStack) -> float:
        """Make what is due; how many seconds there is nothing to do then."""
        while not self._ending.is_set():
            due = calls.first_due(self._store)
            if due is None:
                return _LOOK
            if self._peers.addresses is None:
                return _SOON
            if (wait := (due - datetime.now(UTC)).total_seconds()) > 0:
                return min(wait, _LOOK)
            if (call := calls.claim(self._store)) is not None:
                self._make(call, self._open(open_until_the_end))
        return 0.0

    def _open(self, open_until_the_end: ExitStack) -> httpx.Client:
        """Made for the first call: most services never make one."""
        if self._client is None:
            import httpx

            self._client = open_until_the_end.enter_context(
                httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False)
            )
        return self._client

    def _make(self, call: Call, client: httpx.Client) -> None:
        whom = f"{call.operation} of {call.service}"
        if self._peers.reached(call.service, call.operation) is None:
            if call.service not in self._unreachable:
                self._unreachable.add(call.service)
                LOG.warning(
                    "%s: %s is not called: where %s listens is not known; --peer %s=URL says it",
                    self._service, whom, call.service, call.service,
                )  # fmt: skip
            calls.done(self._store, call)
            return
        outcome, said, error = self._asked(call, client)
        if outcome is _Outcome.TAKEN:
            self._outage.over(f"{self._service}: other services are called again")
            calls.done(self._store, call)
        elif outcome is _Outcome.REFUSED:
            LOG.warning(
                "%s: %s was refused with %s, and is not called again for this", self._service, whom, said
            )
            calls.done(self._store, call)
        elif datetime.now(UTC) - call.since > calls.WAITS:
            LOG.error("%s: %s is given up: %s", self._service, whom, said)
            calls.done(self._store, call)
        else:
            self._outage.failed(f"{self._service}: {whom} waits: {said}; tried again within 5 s", error)
            calls.again(self._store, call, doubled(BACKOFF, call.attempts))

    def _asked(self, call: Call, client: httpx.Client) -> tuple[_Outcome, str, Exception | None]:
        """What came of one attempt, and what is said of it: never what was sent nor what came back."""
        import httpx

        operation = self._peers.contracts[call.service].operations[call.operation]
        method, url = operation.method.upper(), self._peers.url(call.service, operation, call.path)
        with self._spans.calling(method, url, Trace(call.correlation, call.traceparent)) as span:
            try:
                headers = self._headers(call, operation, span.traceparent or call.traceparent)
                with client.stream(method, url, content=call.body, headers=headers) as answer:
                    status = answer.status_code
            except (httpx.HTTPError, httpx.InvalidURL, HarnessError) as error:
                span.failed(type(error).__name__)
                return _Outcome.FAILED, why(error), error
            span.answered(status, operation.id, operation.path)
        if 200 <= status < 300:
            return _Outcome.TAKEN, str(status), None
        passing = status >= 500 or status in _PASSING
        return (_Outcome.FAILED if passing else _Outcome.REFUSED), f"status {status}", None

    def _headers(self, call: Call, operation: Operation, traceparent: str) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "X-Correlation-Id": call.correlation}
        if traceparent:
            headers["traceparent"] = traceparent
        if (token := self._peers.token(self._service, operation)) is not None:
            headers["Authorization"] = f"Bearer {token}"
        return headers
