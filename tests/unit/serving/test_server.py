"""Many services in one loop: their ports, their start, and a clean end whatever happens."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx
import pytest

from harness.errors import BrokerError, HarnessError, PortInUse, UsageError
from harness.serving.envelope import Envelope
from harness.serving.exchange import Answer
from harness.serving.protocol import HEAD_TIMEOUT
from harness.serving.server import Addresses, bind, run
from harness.serving.tracing import Trace
from harness.serving.wire import Scope, respond
from tests.conftest import ROOT
from tests.unit.serving.live import DEADLINE, Latecomer, Service, served


async def hello(scope: Scope, receive: object, send: Callable[..., object]) -> None:
    """The smallest application."""
    if scope["type"] == "lifespan":
        return
    await respond(send, Answer(200, {"path": scope["path"]}), Trace("c", "t"))


def nothing() -> None:
    """A hook that does nothing."""


def service(
    name: str = "one", on_start: Callable[[], None] = nothing, on_stop: Callable[[], None] = nothing
) -> Service:
    return Service(name, Envelope(hello), on_start=on_start, on_stop=on_stop)


def test_a_port_in_use_is_named_before_anything_starts() -> None:
    started: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse) as caught:
            run(
                [service("one", on_start=lambda: started.append("one")), service("two")],
                ports={"two": port},
            )
    assert f"port {port} for two is in use" in str(caught.value)
    assert not started


def test_sockets_that_were_bound_are_let_go_again() -> None:
    free = bind("127.0.0.1", 0, "a test")
    port = free.getsockname()[1]
    free.close()
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(PortInUse):
        run([service("one"), service("two")], ports={"one": port, "two": taken.getsockname()[1]})
    bind("127.0.0.1", port, "a test").close()


@pytest.mark.parametrize(
    ("host", "port"), [("127.0.0.1", 70000), ("203.0.113.1", 0), ("no.such.host.invalid", 0)]
)
def test_an_impossible_address_is_a_usage_error(host: str, port: int) -> None:
    with pytest.raises(UsageError) as caught:
        run([service()], host=host, ports={"one": port})
    assert host in str(caught.value)


def test_a_wished_port_is_taken_and_control_has_one_of_its_own() -> None:
    free = bind("127.0.0.1", 0, "a test")
    port = free.getsockname()[1]
    free.close()
    one = Service("one", Envelope(hello), control=Envelope(hello))
    with served([one, service("two")], {"one": port}) as addresses:
        assert addresses.services["one"] == f"http://127.0.0.1:{port}"
        assert set(addresses.control) == {"one"}
        assert addresses.control["one"] not in addresses.services.values()
        assert httpx.get(addresses.control["one"] + "/x", trust_env=False).json() == {"path": "/x"}


def test_services_start_before_they_answer_and_stop_in_reverse_after() -> None:
    order: list[str] = []
    hosted = [
        service(name, partial(order.append, f"+{name}"), partial(order.append, f"-{name}"))
        for name in ("one", "two")
    ]
    with served(hosted) as addresses:
        assert order == ["+one", "+two"]
        assert httpx.get(addresses.services["one"], trust_env=False).status_code == 200
    assert order == ["+one", "+two", "-two", "-one"]


def test_a_failing_start_stops_those_that_had_started() -> None:
    order: list[str] = []

    def fail() -> None:
        raise BrokerError("127.0.0.1:9", "nothing answers there")

    hosted = [service("one", on_stop=lambda: order.append("-one")), service("two", on_start=fail)]
    with pytest.raises(BrokerError):
        run(hosted)
    assert order == ["-one"]


def test_requests_are_taken_while_a_service_still_joins_what_else_it_works_for() -> None:
    joined, told = threading.Event(), threading.Event()
    late = Latecomer("late", Envelope(hello), on_join=lambda: _wait(joined))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    stop = threading.Event()
    running = partial(run, [late, service()], ports={"late": port}, stop=stop)
    thread = threading.Thread(target=running, kwargs={"on_ready": lambda _: told.set()}, daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{port}/"
        until(lambda: answers(url))
        assert not told.is_set()
        joined.set()
        assert told.wait(DEADLINE)
    finally:
        stop.set()
        thread.join(DEADLINE)
    assert not thread.is_alive()


def test_one_that_never_joins_can_be_ended() -> None:
    late = Latecomer("late", Envelope(hello), on_join=lambda: _wait(threading.Event()))
    begun, stop = threading.Event(), threading.Event()
    late.on_start = begun.set
    thread = threading.Thread(target=partial(run, [late], stop=stop), daemon=True)
    thread.start()
    assert begun.wait(DEADLINE)
    stop.set()
    thread.join(DEADLINE)
    assert not thread.is_alive()


def test_one_that_fails_to_join_ends_all_with_its_error() -> None:
    def fail() -> None:
        raise BrokerError("group", "refused")

    with pytest.raises(BrokerError):
        run([Latecomer("late", Envelope(hello), on_join=fail)])


def _wait(event: threading.Event) -> None:
    event.wait(DEADLINE)


def answers(url: str) -> bool:
    """Whether anything answers there."""
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def test_one_service_that_hangs_or_fails_at_the_end_does_not_keep_the_others() -> None:
    order: list[str] = []
    stop = threading.Event()

    def fail() -> None:
        raise HarnessError("two", "it cannot stop")

    hosted = [service("one", on_stop=lambda: order.append("-one")), service("two", on_stop=fail)]
    with pytest.raises(HarnessError, match="it cannot stop"):
        run(hosted, stop=stop, on_ready=lambda _addresses: stop.set())
    assert order == ["-one"]


SCRIPT = """
import json, sys, time
from harness.serving.envelope import Envelope
from harness.serving.server import run
from tests.unit.serving.live import Service
from tests.unit.serving.test_server import hello

async def slow(scope, receive, send):
    if scope["type"] == "http" and scope["path"] == "/slow":
        import asyncio
        print("slow", flush=True)
        await asyncio.sleep(600)
    await hello(scope, receive, send)

def on_ready(addresses):
    print(json.dumps(dict(addresses.services)), flush=True)

hang = "hang" in sys.argv

def stop():
    time.sleep(600) if hang else print("stopped", flush=True)

service = Service("one", Envelope(slow), on_stop=stop)
run([service, Service("two", Envelope(hello))], on_ready=on_ready)
print("ended", flush=True)
"""


class Child:
    """The script above in a process of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        script = folder / "serve.py"
        script.write_text(textwrap.dedent(SCRIPT), encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, str(script), *arguments], stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self.process.stdout is not None
        self.lines = self.process.stdout
        self.url: str = json.loads(self.lines.readline())["one"]

    def ended(self, within: float) -> tuple[int, str]:
        """Exit status and what was printed since."""
        code = self.process.wait(within)
        return code, self.lines.read()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.lines.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    with Child(tmp_path) as child:
        assert httpx.get(child.url, trust_env=False).status_code == 200
        child.process.send_signal(number)
        assert child.ended(within=5) == (0, "stopped\nended\n")


def test_idle_connections_and_open_requests_do_not_keep_it(tmp_path: Path) -> None:
    with Child(tmp_path) as child, httpx.Client(trust_env=False) as idle:
        idle.get(child.url)
        waiting = socket.create_connection(("127.0.0.1", httpx.URL(child.url).port or 0))
        waiting.sendall(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
        assert child.lines.readline() == "slow\n"
        child.process.terminate()
        code, printed = child.ended(within=8)
        waiting.close()
    assert (code, printed) == (0, "stopped\nended\n")


def test_a_service_that_hangs_while_stopping_is_left_behind(tmp_path: Path) -> None:
    with Child(tmp_path, "hang") as child:
        child.process.terminate()
        assert child.ended(within=9) == (0, "ended\n")


def test_a_second_signal_waits_for_nobody(tmp_path: Path) -> None:
    with Child(tmp_path) as child:
        waiting = socket.create_connection(("127.0.0.1", httpx.URL(child.url).port or 0))
        waiting.sendall(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
        assert child.lines.readline() == "slow\n"
        started = time.monotonic()
        child.process.send_signal(signal.SIGINT)
        time.sleep(0.3)  # two signals at once would be one
        child.process.send_signal(signal.SIGINT)
        code, _ = child.ended(within=8)
        waiting.close()
    assert code == 0
    assert time.monotonic() - started < 2.5


def test_a_head_that_dawdles_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert HEAD_TIMEOUT <= 30
    monkeypatch.setattr("harness.serving.protocol.HEAD_TIMEOUT", 0.2)
    with served([service()]) as addresses:
        port = httpx.URL(addresses.services["one"]).port or 0
        for begun, told in ((b"", b""), (b"GET / HTTP/1.1\r\nHo", b"HTTP/1.1 408")):
            with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
                connection.sendall(begun)
                assert connection.recv(4096)[:12] == told
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
            whole = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
            connection.sendall(whole)
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
            time.sleep(0.4)  # longer than a head may take: an idle connection is none
            connection.sendall(whole)
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")


def test_addresses_are_plain_values() -> None:
    assert Addresses({"a": "http://x"}, {}) == Addresses({"a": "http://x"}, {})
