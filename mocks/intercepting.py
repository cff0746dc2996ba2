"""Mocks that answer a consumer's httpx clients, synchronous and asynchronous, in the consumer's process.

httpx's transports are replaced by respx for as long as an ``Interception`` is open; the application behind
them is the one that ``portal mock`` serves. A host that nothing answers for stays respx's loud failure.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import NoReturn, Self

import anyio.to_thread
import httpx
import respx

from harness.errors import UsageError
from harness.serving.keys import KeyStore
from mocks.asgi import Answered, HungUp, LoopThread
from mocks.conduct import Conduct
from mocks.in_process import InProcessMock
from mocks.kafka_here import TestKafka
from mocks.mock import Mock, build_mock
from mocks.shelf import Shelf

_BETWEEN = ("httpx", "httpcore", "respx", "mocks", "harness", "anyio", "asyncio", "threading", "concurrent")
"""Packages whose frames stand between the consumer's line and ours."""


class Misused(AssertionError):
    """The consumer broke the contract."""


def _raise(text: str) -> NoReturn:
    raise Misused(text)


class Interception:
    """Makes mocks and has them answer; as a context manager it begins and ends.

    ``fail`` is called with the text of a misuse, in the consumer's thread, and does not return.
    ``router`` is respx's, for routes of the test's own.
    """

    def __init__(
        self, shelf: Shelf, loop: LoopThread, keys: KeyStore, fail: Callable[[str], NoReturn] = _raise
    ) -> None:
        self.mocks: list[InProcessMock] = []
        self.router = _Router(self)
        self._shelf, self._loop, self._keys, self._fail = shelf, loop, keys, fail
        self._started: list[Mock] = []

    def __enter__(self) -> Self:
        self.router.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.router.stop(quiet=True)
        while self._started:
            self._started.pop().stop()

    def __call__(
        self,
        contract: str | Path,
        *,
        base_url: str | None = None,
        seed: int = 1,
        state: bool = True,
        strict: bool = True,
        kafka: TestKafka | None = None,
    ) -> InProcessMock:
        """The mock of a contract, answering from now on at ``base_url`` (default ``http://SERVICE.test``).

        contract: the name of a service of the contracts' folder, or the path of a contract's folder or file.
        state: whether it remembers what it is told. strict: a request that breaks the contract fails the
        test; else it is only refused, as documented.
        kafka: where events go and messages come from. Raises ContractError, UsageError.
        """
        read = self._shelf.contract(contract)
        url = httpx.URL(base_url or f"http://{read.service.lower().replace('_', '-')}.test")
        taken = next((each for each in self.mocks if each.url == str(url).rstrip("/")), None)
        if taken is not None or url.scheme not in ("http", "https") or not url.host:
            found = f"{taken.name} answers there already" if taken else "this is no address of a service"
            raise UsageError(f"base_url {url}", found, "an http or https address of its own")
        if kafka is not None:
            kafka.follow(read.channels.values())
        broker = kafka.broker if kafka is not None else None
        built = build_mock(read, broker, self._keys, seed=seed, conduct=Conduct(state=state))
        built.start()
        self._started.append(built)
        self.mocks.append(InProcessMock(read, built, url, self._keys, strict=strict))
        return self.mocks[-1]

    @property
    def misuses(self) -> list[str]:
        """How strict mocks were misused so far."""
        return [text for each in self.mocks if each.strict for text in each.misuses]

    def mock_at(self, url: httpx.URL) -> InProcessMock | None:
        """The mock that answers there: of several the one whose address says most."""
        found = [each for each in self.mocks if each.covers(url)]
        return max(found, key=lambda each: len(each.url), default=None)

    def answer(self, mock: InProcessMock, request: httpx.Request) -> httpx.Response:
        """For a synchronous client."""
        return self._given(mock, request, *self._loop.submit(mock.exchange(request)).result())

    async def answer_async(self, mock: InProcessMock, request: httpx.Request) -> httpx.Response:
        """For a client on any event loop: on one that is not asyncio's, a thread waits."""
        future = self._loop.submit(mock.exchange(request))
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._given(mock, request, *await anyio.to_thread.run_sync(future.result))
        return self._given(mock, request, *await asyncio.wrap_future(future))

    def _given(
        self, mock: InProcessMock, request: httpx.Request, answered: Answered | HungUp, misuse: str
    ) -> httpx.Response:
        if misuse and mock.strict:
            self._fail(misuse + _called_at(sys._getframe()))
        if isinstance(answered, HungUp):
            kind = httpx.ReadError if answered.reset else httpx.RemoteProtocolError
            raise kind(str(answered), request=request)
        return httpx.Response(
            answered.status, headers=answered.headers, content=answered.body, request=request
        )


class _Router(respx.MockRouter):
    """respx's router, which asks our mocks first: only here is a synchronous call told from another."""

    def __init__(self, interception: Interception) -> None:
        super().__init__(assert_all_called=False)
        self._interception = interception

    def handler(self, request: httpx.Request) -> httpx.Response:
        mock = self._interception.mock_at(request.url)
        if mock is None:
            return super().handler(request)
        response = self._interception.answer(mock, request)
        self.record(request, response=response)
        return response

    async def async_handler(self, request: httpx.Request) -> httpx.Response:
        mock = self._interception.mock_at(request.url)
        if mock is None:
            return await super().async_handler(request)
        response = await self._interception.answer_async(mock, request)
        self.record(request, response=response)
        return response


def _called_at(frame: FrameType | None) -> str:
    """The consumer's line that sent the request, where it can be told."""
    while frame is not None:
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package not in _BETWEEN:
            return f"\n\n  called at   {frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return ""
