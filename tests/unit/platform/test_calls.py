"""Calls of other services: kept with the change that asks for them, made after it, tried again, bounded."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.contract import load
from harness.contract.model import JSON
from harness.errors import ContractError, UsageError
from harness.serving.emitting import Cause
from harness.serving.keys import KeyStore
from reference_services.platform import calls
from reference_services.platform.courier import Courier
from reference_services.platform.peers import DevelopmentTokens, Peers, TokenFile
from reference_services.platform.store import Store
from tests.services.portal import eventually
from tests.unit.platform.desk import FOLDER

SECRET = "what-nobody-may-read"
PATIENT = "pat-1"
CONTRACTS = {"desk": load(FOLDER)}


class Peer(ThreadingHTTPServer):
    """Answers each request with the next of these statuses, the last one over and over; keeps what came."""

    daemon_threads = True

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.came: list[tuple[str, str, Mapping[str, str], bytes]] = []
        super().__init__(("127.0.0.1", 0), _Answering)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answering(BaseHTTPRequestHandler):
    server: Peer

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.came.append((self.command, self.path, headers, body))
        statuses = self.server.statuses
        self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Not on stderr."""


@contextmanager
def answering(*statuses: int) -> Iterator[Peer]:
    with Peer(*statuses) as peer:
        thread = threading.Thread(target=peer.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield peer
        finally:
            peer.shutdown()
            thread.join()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store(url)
    opened.open()
    yield opened
    opened.close()


@contextmanager
def delivering(store: Store, peers: Peers) -> Iterator[None]:
    made = Courier("front", store, peers)
    made.start()
    try:
        yield
    finally:
        made.stop()


def peers_at(address: str | None) -> Peers:
    found = Peers(CONTRACTS, DevelopmentTokens(KeyStore()))
    found.learn({} if address is None else {"desk": address})
    return found


def lay(store: Store, operation: str = "setWishes", body: JSON = None) -> None:
    with store.transaction(write=True) as transaction:
        cause = Cause("corr-1", "corr-1", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        calls.lay(transaction, "desk", operation, {"patientId": PATIENT}, body or {"say": SECRET}, cause)


def waiting(store: Store) -> bool:
    return calls.first_due(store) is not None


def gone(store: Store) -> None:
    eventually(lambda: None if waiting(store) else True)


def test_what_was_asked_for_is_called_as_a_service_at_the_contract_s_path(store: Store) -> None:
    with answering(200) as peer, delivering(store, peers_at(peer.url + "/")):
        lay(store)
        gone(store)
    ((method, path, headers, body),) = peer.came
    assert (method, path) == ("PUT", f"/v1/patients/{PATIENT}/wishes")
    assert body == b'{"say":"' + SECRET.encode() + b'"}'
    assert (headers["content-type"], headers["x-correlation-id"]) == ("application/json", "corr-1")
    assert headers["traceparent"].startswith("00-4bf92f35")
    claims = KeyStore().authenticator().claims(headers["authorization"].removeprefix("Bearer "))
    assert (claims["actor"], claims["sub"]) == ("service", "front")
    assert claims["scope"] == "desk/Ticket.write"


def test_nothing_is_called_for_a_change_that_was_undone(store: Store) -> None:
    def failing() -> None:
        with store.transaction(write=True) as transaction:
            cause = Cause("corr-1", "corr-1", "")
            calls.lay(transaction, "desk", "setWishes", {"patientId": PATIENT}, {}, cause)
            raise RuntimeError("not today")

    with pytest.raises(RuntimeError):
        failing()
    assert not waiting(store)


def test_what_fails_is_tried_again_and_what_was_there_is_back(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with answering(503, 429, 204) as peer, delivering(store, peers_at(peer.url)):
        lay(store)
        gone(store)
    assert len({body for *_, body in peer.came}) == 1
    assert len(peer.came) == 3
    assert [each.getMessage().partition(", after")[0] for each in caplog.records] == [
        "front: setWishes of desk waits: status 503; tried again within 5 s",
        "front: other services are called again",
    ]


def test_who_does_not_answer_is_called_once_it_does(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    with answering(200) as peer:
        address = peer.url
    with delivering(store, peers_at(address)):
        lay(store)
        eventually(lambda: caplog.records or None)
    assert waiting(store), "it is there after the next start"
    assert "setWishes of desk waits: ConnectError" in caplog.text


def test_what_is_refused_for_good_is_not_tried_again(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    with answering(409) as peer, delivering(store, peers_at(peer.url)):
        lay(store)
        gone(store)
    assert len(peer.came) == 1
    assert "setWishes of desk was refused with status 409" in caplog.text
    assert SECRET not in caplog.text
    assert PATIENT not in caplog.text


@pytest.mark.parametrize("operation", ["setWishes", "noSuchOperation"])
def test_who_cannot_be_reached_is_named_once_and_nothing_is_kept_for_them(
    store: Store, caplog: pytest.LogCaptureFixture, operation: str
) -> None:
    reached = peers_at(None if operation == "setWishes" else "http://127.0.0.1:9")
    with delivering(store, reached):
        for _ in range(3):
            lay(store, operation)
        gone(store)
    (said,) = caplog.records
    assert "--peer desk=URL" in said.getMessage()


def test_until_addresses_are_told_all_waits(store: Store) -> None:
    peers = Peers(CONTRACTS, DevelopmentTokens(KeyStore()))
    with answering(200) as peer, delivering(store, peers):
        lay(store)
        assert waiting(store)
        peers.learn({"desk": peer.url})
        gone(store)
    assert len(peer.came) == 1


def test_what_has_waited_too_long_is_given_up(
    store: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "WAITS", timedelta(0))
    with answering(500) as peer, delivering(store, peers_at(peer.url)):
        lay(store)
        gone(store)
    (said,) = (each for each in caplog.records if each.levelno == logging.ERROR)
    assert "setWishes of desk is given up: status 500" in said.getMessage()


def test_what_somebody_began_who_has_ended_is_begun_by_another(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(store)
    first = calls.claim(store)
    assert first is not None
    assert calls.claim(store) is None, "it is the first one's"
    due = calls.first_due(store)
    assert due is not None
    assert due > datetime.now(UTC)

    monkeypatch.setattr(calls, "LEASE", timedelta(milliseconds=-1))
    calls.again(store, first, 0)
    second = calls.claim(store)
    third = calls.claim(store)
    assert second is not None
    assert third is not None
    assert (second.attempts, third.attempts) == (2, 3)
    calls.again(store, second, 60)
    due = calls.first_due(store)
    assert due is not None
    assert due < datetime.now(UTC), "the second's lease was over, and it has no more say"


def test_what_is_too_large_is_not_kept(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    lay(store, body={"say": SECRET * 60_000})
    assert not waiting(store)
    assert SECRET not in caplog.text


def test_only_what_may_be_called_twice_is_called() -> None:
    peers = peers_at(None)
    peers.check([("desk", "setWishes"), ("nobody-s", "contract")])
    for name, said in (("openTicket", "it is a POST"), ("openTickets", "there is no such operation")):
        with pytest.raises(ContractError) as caught:
            peers.check([("desk", name)])
        assert said in caught.value.found


def test_a_token_file_is_read_at_each_call_and_never_quoted(tmp_path: Path) -> None:
    file = tmp_path / "token"
    tokens = TokenFile(file)
    for written in ("one.two.three\n", "four.five.six"):
        file.write_text(written)
        assert tokens("front", ()) == written.strip()
    for wrong in ("", "two tokens", SECRET * 2000):
        file.write_text(wrong)
        with pytest.raises(UsageError) as caught:
            tokens("front", ())
        assert "this is no token" in caught.value.paragraph()
        assert SECRET not in caught.value.paragraph()
    with pytest.raises(UsageError, match="it cannot be read"):
        TokenFile(tmp_path / "none")("front", ())
