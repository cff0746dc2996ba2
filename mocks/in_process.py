"""A mock's in-process face: one service's mock that is called as an application, and no socket is opened."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from harness.contract.model import EMPTY, JSON, Contract
from harness.errors import UsageError
from harness.serving.judging import Judgement, RequestJudge
from harness.serving.keys import JWKS_PATH, KeyStore
from mocks.asgi import Answered, HungUp, ask, scope_of
from mocks.calls import ANYTHING, Call, Expected, near_misses
from mocks.journal import Journal
from mocks.misuse import Sent, media_of, misuse, sent_of
from mocks.mock import Mock

_KEPT = 10_000
"""Calls that are remembered of one mock; of more the oldest is forgotten."""


class InProcessMock:
    """One service's mock in the consumer's own process.

    ``url`` is its base address; ``journal`` tells what it took in and gave out, ``calls`` what the consumer
    called with which bodies; ``misuses`` are the breaches of contract, in words.
    """

    def __init__(
        self, contract: Contract, built: Mock, url: httpx.URL, keys: KeyStore, *, strict: bool = True
    ) -> None:
        self.contract = contract
        self.strict = strict
        self.calls: list[Call] = []
        self.misuses: list[str] = []
        self._built = built
        self._judge = RequestJudge(contract, beside=(JWKS_PATH,))
        self._base, self._keys = url, keys
        paths = [each.path for each in contract.operations.values()]
        prefix = url.path.rstrip("/")
        kept = all(path.startswith(f"{prefix}/") for path in paths)  # the contract's servers say it as well
        self._prefix = "" if kept else prefix

    @property
    def name(self) -> str:
        return self._built.name

    @property
    def url(self) -> str:
        return str(self._base).rstrip("/")

    @property
    def journal(self) -> Journal:
        return self._built.journal

    def token(self, actor: str = "patient", **claims: JSON) -> str:
        """A bearer token that this mock accepts, with every scope that its contract knows unless ``scope``
        says which; ``claims`` such as ``patient`` are put in as they are."""
        ways = [way for each in self.contract.operations.values() for way in each.security]
        scopes = {scope for way in ways for each in way.values() for scope in each}
        return self._keys.mint({"actor": actor, "scope": " ".join(sorted(scopes)), **claims})

    def assert_called(
        self,
        operation: str,
        times: int | None = None,
        *,
        path: Mapping[str, JSON] = EMPTY,
        query: Mapping[str, JSON] = EMPTY,
        headers: Mapping[str, str] = EMPTY,
        body: JSON = ANYTHING,
    ) -> None:
        """Raises AssertionError unless the operation was called like this: ``times`` times, or at all.

        Objects in ``body`` may hold more than is expected of them. The error explains near misses.
        """
        __tracebackhide__ = True
        if operation not in self.contract.operations:
            known = ", ".join(self.contract.operations)
            raise UsageError(operation, f"the contract of {self.name} has no such operation", known)
        expected = Expected(path, query, headers, body)
        called = [each for each in self.calls if each.operation == operation]
        fitting = [each for each in called if not expected.differences(each)]
        if len(fitting) == times or (times is None and fitting):
            return
        wanted = "at least once" if times is None else f"{times} times"
        told = f"{operation} of {self.name} was called {len(fitting)} times as expected, not {wanted}"
        raise AssertionError(
            "\n".join((f"{told}; {len(called)} calls in all", near_misses(called, expected)))
        )

    def covers(self, url: httpx.URL) -> bool:
        """Whether a request to this address is for this mock."""
        base = self._base
        return (url.scheme, url.host, url.port) == (base.scheme, base.host, base.port) and (
            f"{url.path}/".startswith(f"{base.path.rstrip('/')}/")
        )

    async def exchange(self, request: httpx.Request) -> tuple[Answered | HungUp, str]:
        """The answer, and how the request breaks the contract: ``""`` if it does not."""
        target = request.url.raw_path
        if self._prefix:
            target = target[len(self._prefix.encode()) :] or b"/"
        server = (request.url.host, request.url.port)
        scope = scope_of(request.method, request.url.scheme, target, request.headers.raw, server)
        body = request.content
        judgement = await self._judge.judge({**scope, "extensions": {}}, body)
        sent = sent_of(scope, body)
        said = misuse(self.contract, judgement, judgement.problem, sent) if judgement.problem else ""
        answered: Answered | HungUp
        try:
            answered = await ask(self._built.app, scope, body)
        except HungUp as error:
            answered = error
        self._note(judgement, sent, request, answered, said)
        return answered, said

    def _note(
        self, judgement: Judgement, sent: Sent, request: httpx.Request, answered: Answered | HungUp, said: str
    ) -> None:
        operation, taken = judgement.operation, judgement.request
        media = media_of(operation, sent.headers.get("content-type", ""))
        self.calls.append(
            Call(
                operation=operation.id if operation else "",
                method=sent.method,
                url=str(request.url.copy_with(query=None)),
                status=answered.status if isinstance(answered, Answered) else 0,
                path=taken.path if taken else EMPTY,
                query=taken.query if taken else EMPTY,
                headers=sent.headers,
                body=taken.body if taken else sent.body,
                schema=media.schema if media else None,
                misuse=said,
            )
        )
        del self.calls[:-_KEPT]
        if said:
            self.misuses.append(said)
