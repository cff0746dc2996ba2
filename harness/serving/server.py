"""Many services in one process: each its own socket, all in one event loop, one clean end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import uvicorn
import uvloop

from harness.contract.model import EMPTY
from harness.errors import PortInUse, UsageError
from harness.serving.crowd import room_for
from harness.serving.envelope import ASGIApp
from harness.serving.protocol import connections
from harness.serving.watched import watched

LOOPBACK = "127.0.0.1"
GRACE = 3
"""Seconds that open requests get to finish."""

STOP_TIMEOUT = 5.0
"""Seconds that a service's own ``stop`` gets before the process goes on without it."""

KEPT = 128 * 1024
"""Bytes of answers that the system keeps for a client that does not read; by itself it keeps megabytes."""

_TICK = 0.05


class Hosted(Protocol):
    """A service that ``run`` can serve. ``start`` and ``stop`` run in threads and may block: ``start``
    ends before the first request is taken, ``stop`` begins after the last one."""

    @property
    def name(self) -> str: ...

    @property
    def app(self) -> ASGIApp: ...

    @property
    def control(self) -> ASGIApp | None: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


@runtime_checkable
class Joining(Protocol):
    """A hosted service whose work does not all come by requests. ``join`` runs in a thread and blocks until
    the rest comes too, or was waited for long enough: requests are taken meanwhile, ``on_ready`` waits."""

    def join(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Addresses:
    """Base URLs without a trailing slash, by service."""

    services: Mapping[str, str]
    control: Mapping[str, str]


@dataclass(slots=True)
class _Bound:
    """The sockets that we hold, by service."""

    services: dict[str, socket.socket] = field(default_factory=dict)
    control: dict[str, socket.socket] = field(default_factory=dict)

    def addresses(self) -> Addresses:
        services, control = (
            {name: url_of(each) for name, each in held.items()} for held in (self.services, self.control)
        )
        return Addresses(services, control)

    def close(self) -> None:
        for each in (*self.services.values(), *self.control.values()):
            each.close()


def run(
    hosted: Sequence[Hosted],
    *,
    host: str = LOOPBACK,
    ports: Mapping[str, int] = EMPTY,
    sockets: Mapping[str, socket.socket] = EMPTY,
    control_host: str = LOOPBACK,
    control_ports: Mapping[str, int] = EMPTY,
    on_ready: Callable[[Addresses], None] = lambda _: None,
    stop: threading.Event | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT, SIGHUP or ``stop``; then end cleanly within a few seconds.

    ports: service → port; without one it gets a free port. sockets: service → what listens for it already,
    in other processes too. Control endpoints get ports of their own in
    the same way, on loopback unless control_host says otherwise. on_ready is called once all answer and
    have joined. A second signal ends without waiting. Raises PortInUse, and whatever a service's ``start``
    or ``join`` raises.
    """
    bound = _bind(hosted, (host, ports), (control_host, control_ports), sockets)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(hosted, bound, on_ready, stop or threading.Event()))
    finally:
        bound.close()


_Wished = tuple[str, Mapping[str, int]]
"""A host, and the ports that some services wish for there."""


def _bind(
    hosted: Sequence[Hosted], services: _Wished, control: _Wished, given: Mapping[str, socket.socket]
) -> _Bound:
    bound = _Bound()
    try:
        for each in hosted:
            name = each.name
            listening = given.get(name)
            bound.services[name] = listening or bind(services[0], services[1].get(name, 0), name)
            if each.control is not None:
                bound.control[name] = bind(control[0], control[1].get(name, 0), f"{name}'s control")
    except BaseException:
        bound.close()
        raise
    return bound


def bind(host: str, port: int, purpose: str) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises PortInUse, or UsageError if it cannot be."""
    held = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KEPT)  # its connections have the same
    try:
        held.bind((host, port))
        held.listen(2048)
    except (OSError, OverflowError) as error:
        held.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise PortInUse(
                f"{host}:{port}",
                f"port {port} for {purpose} is in use by another process",
                remedy="End that process, or choose another port (0 takes any free one).",
            ) from None
        raise UsageError(
            f"{host}:{port}",
            f"{purpose} cannot listen there ({getattr(error, 'strerror', None) or error})",
            "an address of this machine and a port from 0 to 65535 that this user may take",
        ) from None
    return held


def url_of(held: socket.socket) -> str:
    """The base URL of what listens there."""
    host, port = held.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """A server that leaves signals to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(app: ASGIApp, most: int) -> _Server:
    """A server that holds at most so many connections."""
    return _Server(
        uvicorn.Config(
            app,
            http=connections(most),
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=GRACE,
        )
    )


async def _serve(
    hosted: Sequence[Hosted], bound: _Bound, on_ready: Callable[[Addresses], None], stop: threading.Event
) -> None:
    servers: list[_Server] = []
    _on_signals(stop, servers)
    started: list[Hosted] = []
    try:
        for each in hosted:
            await in_thread(each.start)
            started.append(each)
        tasks = []
        room = room_for(2 * len(hosted))
        for each in hosted:
            apps = [(watched(each.app, each.name), bound.services[each.name])]
            if each.control is not None:
                apps.append((each.control, bound.control[each.name]))
            for app, held in apps:
                servers.append(_server(app, room))
                tasks.append(asyncio.create_task(servers[-1].serve(sockets=[held])))
        try:
            await _until_started(servers, tasks, stop)
            await _until_joined(started, stop)
            _settle()
            if not stop.is_set():
                on_ready(bound.addresses())
            while not stop.is_set() and not any(task.done() for task in tasks):
                await asyncio.sleep(_TICK)
        finally:  # also if on_ready fails: servers that are merely cancelled complain on stderr
            for server in servers:
                server.should_exit = True
            await asyncio.gather(*tasks)
    finally:
        await _stop(started)


async def _until_started(
    servers: Sequence[_Server], tasks: Sequence[asyncio.Task[None]], stop: threading.Event
) -> None:
    while not stop.is_set() and not all(server.started for server in servers):
        for task in tasks:
            if task.done():
                task.result()
        await asyncio.sleep(0.005)


async def _until_joined(started: Sequence[Hosted], stop: threading.Event) -> None:
    joining = [asyncio.create_task(in_thread(each.join)) for each in started if isinstance(each, Joining)]
    try:
        while not stop.is_set() and not all(each.done() for each in joining):
            await asyncio.sleep(0.005)
        for each in joining:
            if each.done():
                each.result()
    finally:
        for each in joining:
            each.cancel()


def _settle() -> None:
    """Take what was made at start out of the garbage collector's sight, where the process is ours.

    It stays to the end, and going through it again stops every request for some 50 ms, each time that one
    makes many objects.
    """
    if threading.current_thread() is threading.main_thread():
        gc.collect()
        gc.freeze()


def _on_signals(stop: threading.Event, servers: Sequence[_Server]) -> None:
    """First signal: end in good order. Second: do not wait for anybody."""
    if threading.current_thread() is not threading.main_thread():
        return

    def end() -> None:
        if stop.is_set():
            for server in servers:
                server.force_exit = True
        stop.set()

    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if each != signal.SIGHUP or signal.getsignal(each) is not signal.SIG_IGN:  # nohup ignores it
            loop.add_signal_handler(each, end)


async def _stop(started: Sequence[Hosted]) -> None:
    """Stop in reverse order; one that hangs or fails must not keep the others running."""
    failure: Exception | None = None
    for each in reversed(started):
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await in_thread(each.stop)
        except TimeoutError:
            continue
        except Exception as error:
            failure = failure or error
    if failure is not None:
        raise failure


async def in_thread(work: Callable[[], None]) -> None:
    """Run blocking work in a daemon thread of its own, so that it cannot keep the process alive."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: BaseException | None) -> None:
        if not done.done():
            done.set_result(None) if error is None else done.set_exception(error)

    def body() -> None:
        error: BaseException | None = None
        try:
            work()
        except BaseException as caught:
            error = caught
        with contextlib.suppress(RuntimeError):  # the loop has ended without us
            loop.call_soon_threadsafe(settle, error)

    threading.Thread(target=body, daemon=True).start()
    await done
