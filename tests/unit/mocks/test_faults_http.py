"""Each fault of an HTTP answer, as the client meets it on its socket."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest

from harness.contract.model import Contract
from harness.contract.schema import compile_schema
from harness.serving.keys import KeyStore
from mocks import fault_words, misbehaving
from mocks.conduct import Conduct
from mocks.fault_rules import Rule, rule_of
from mocks.mock import build_mock
from tests.unit.serving.live import DEADLINE, served

BOOK = "/v1/books/book-1"
SLOW = 0.25
"""Seconds of a delay that is asked for: more than an answer takes on a busy machine, as a rule."""


@dataclass(frozen=True)
class Live:
    """A mock on its socket."""

    client: httpx.Client
    address: tuple[str, int]

    def get(self, fault: str, path: str = BOOK, **headers: str) -> httpx.Response:
        return self.client.get(path, headers={"X-Portal-Fault": fault, **headers})

    def raw(self, fault: str, path: str = BOOK, *, method: str = "GET") -> bytes:
        """Every byte until the mock closes. Raises ConnectionResetError for RST."""
        with socket.create_connection(self.address, timeout=DEADLINE) as connection:
            head = f"{method} {path} HTTP/1.1\r\nHost: h\r\nX-Portal-Fault: {fault}\r\n\r\n"
            connection.sendall(head.encode())
            return b"".join(iter(partial(connection.recv, 65536), b""))


@pytest.fixture(scope="module")
def live(library: Contract, keys: KeyStore) -> Iterator[Live]:
    with served([build_mock(library, keys=keys)]) as addresses:
        url = httpx.URL(addresses.services["library"])
        with httpx.Client(base_url=url, trust_env=False, timeout=DEADLINE) as client:
            yield Live(client, (url.host, url.port or 0))


@pytest.fixture(scope="module")
def whole(live: Live) -> httpx.Response:
    """The answer that nothing has happened to."""
    answer = live.client.get(BOOK)
    assert answer.status_code == 200
    return answer


@pytest.mark.parametrize("latency", ["250", "250ms", "0.25s", "uniform(250,300)", "lognormal(250,0)"])
def test_a_late_answer_is_the_right_one(live: Live, whole: httpx.Response, latency: str) -> None:
    began = time.monotonic()
    answer = live.get(f"latency={latency}")
    assert time.monotonic() - began >= SLOW
    assert answer.json() == whole.json()
    assert answer.headers["x-portal-fault"] == f"latency={latency}"


def test_a_late_answer_keeps_nobody_else_waiting(live: Live) -> None:
    answered = threading.Event()

    def late() -> None:
        live.get("latency=1s")
        answered.set()

    waiting = threading.Thread(target=late)
    waiting.start()
    for _ in range(20):
        assert live.client.get(BOOK).status_code == 200
    assert not answered.is_set()
    waiting.join(DEADLINE)
    assert answered.is_set()


def test_who_goes_away_is_waited_for_no_longer(live: Live) -> None:
    with pytest.raises(httpx.ReadTimeout):
        live.client.get(BOOK, headers={"X-Portal-Fault": "latency=60s"}, timeout=0.2)
    assert live.client.get(BOOK).status_code == 200


def test_a_status_is_answered_as_documented(live: Live) -> None:
    answer = live.get("status=404")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {"type": "about:blank", "title": "Gone", "status": 404}
    assert live.get("status=503").content == b"", "5XX is documented without a body"


def test_an_undocumented_status_is_a_problem(live: Live) -> None:
    answer = live.get("status=418")
    assert (answer.status_code, answer.json()["status"]) == (418, 418)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("status=429", "1"),
        ("status=503", "1"),
        ("status=503; retry-after=7", "7"),
        ("status=500; retry-after=7", "7"),
        ("status=429; retry-after=none", None),
        ("status=500", None),
    ],
)
def test_when_to_come_back_is_told(live: Live, fault: str, expected: str | None) -> None:
    assert live.get(fault).headers.get("retry-after") == expected


def test_a_reset_is_a_reset(live: Live) -> None:
    with pytest.raises(ConnectionResetError):
        live.raw("reset")
    with pytest.raises(httpx.ReadError):
        live.get("reset")


def test_an_empty_reply_is_empty(live: Live) -> None:
    assert live.raw("empty") == b""
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        live.get("empty")


def test_a_dropped_connection_ends_in_the_head(live: Live) -> None:
    said = live.raw("drop")
    assert said.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in said
    with pytest.raises(httpx.RemoteProtocolError):
        live.get("drop")


def test_what_hangs_is_silent_and_then_closed(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mocks.misbehaving.LONGEST", SLOW)
    began = time.monotonic()
    assert live.raw("hang") == b""
    assert time.monotonic() - began >= SLOW


@pytest.mark.parametrize(("fault", "kept"), [("truncate=10", 10), ("truncate=50%", None), ("truncate", None)])
def test_a_truncated_body_breaks_off(live: Live, whole: httpx.Response, fault: str, kept: int | None) -> None:
    head, _, body = live.raw(fault).partition(b"\r\n\r\n")
    assert f"content-length: {len(whole.content)}".encode() in head
    assert len(body) == (len(whole.content) // 2 if kept is None else kept)
    assert whole.content.startswith(body)
    with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
        live.get(fault)


def test_a_truncated_body_may_end_in_a_reset(live: Live) -> None:
    received = bytearray()
    with socket.create_connection(live.address, timeout=DEADLINE) as connection:
        connection.sendall(
            b"GET %s HTTP/1.1\r\nHost: h\r\nX-Portal-Fault: truncate=10; reset\r\n\r\n" % BOOK.encode()
        )
        with pytest.raises(ConnectionResetError):
            while part := connection.recv(65536):
                received += part
    assert len(received.partition(b"\r\n\r\n")[2]) == 10


def test_a_trickling_body_comes_in_pieces(live: Live, whole: httpx.Response) -> None:
    began, came = time.monotonic(), []
    with live.client.stream("GET", BOOK, headers={"X-Portal-Fault": "trickle=400ms"}) as answer:
        came = [(time.monotonic() - began, part) for part in answer.iter_raw()]
    assert b"".join(part for _, part in came) == whole.content
    assert len(came) > 2
    assert came[-1][0] >= 0.4
    assert came[0][0] < came[-1][0]


def test_malformed_json_is_none(live: Live, whole: httpx.Response) -> None:
    answer = live.get("malformed")
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["content-length"]) == len(answer.content)
    with pytest.raises(ValueError):
        answer.json()


@pytest.mark.parametrize(("fault", "missing"), [("invalid", "id"), ("invalid=/title", "title")])
def test_an_invalid_answer_breaks_its_schema(
    live: Live, whole: httpx.Response, library: Contract, fault: str, missing: str
) -> None:
    answers = [live.get(fault).json() for _ in range(2)]
    assert answers[0] == answers[1] == {n: v for n, v in whole.json().items() if n != missing}
    media = library.operations["getBook"].responses["200"].content["application/json"]
    assert media.schema is not None
    assert not compile_schema(media.schema, "response").is_valid(answers[0])


def test_a_wrong_content_type(live: Live, whole: httpx.Response) -> None:
    assert live.get("content-type=text/html").headers["content-type"] == "text/html"
    assert live.get("content-type").headers["content-type"] == "text/html"
    assert live.get("content-type=text/html").content == whole.content


def test_faults_add_up(live: Live) -> None:
    began = time.monotonic()
    answer = live.get("latency=250; status=503; retry-after=3; malformed", BOOK)
    assert time.monotonic() - began >= SLOW
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")


def test_what_is_not_in_the_contract_misbehaves_too(live: Live) -> None:
    assert live.get("status=503", "/elsewhere").status_code == 503
    assert live.raw("empty", "/elsewhere") == b""


def test_a_head_request_misbehaves(live: Live) -> None:
    assert live.raw("truncate", method="HEAD").endswith(b"\r\n\r\n")
    assert live.raw("empty", method="HEAD") == b""


def test_a_fault_that_cannot_be_is_refused_and_named(live: Live) -> None:
    answer = live.get("latancy=300")
    assert answer.status_code == 400
    assert "Did you mean 'latency'?" in answer.json()["detail"]


def rules(*documents: dict[str, Any]) -> tuple[Rule, ...]:
    return tuple(rule_of(each, "here", f"rule-{n}") for n, each in enumerate(documents))


def statuses(library: Contract, keys: KeyStore, found: tuple[Rule, ...], *paths: str) -> list[int]:
    mock = build_mock(library, keys=keys, conduct=Conduct(found))
    with (
        served([mock]) as addresses,
        httpx.Client(base_url=addresses.services["library"], trust_env=False) as client,
    ):
        return [client.get(path).status_code for path in paths]


def test_a_rule_strikes_the_first_so_many_of_what_it_matches(library: Contract, keys: KeyStore) -> None:
    found = rules({"operation": "getBook", "fault": "status=503", "first": 2})
    asked = (BOOK, "/v1/books", BOOK, "/v1/books", BOOK)
    assert statuses(library, keys, found, *asked) == [503, 200, 503, 200, 200]


def test_rules_match_path_query_and_header(library: Contract, keys: KeyStore) -> None:
    found = rules(
        {"fault": "status=500", "match": {"path": {"bookId": "book-2"}}},
        {"fault": "status=502", "match": {"query": {"shelf": "a b", "limit": 2}}},
        {"fault": "status=504", "match": {"header": {"User-Agent": "nobody"}}},
    )
    asked = (
        BOOK,
        "/v1/books/book-2",
        "/v1/books?limit=2&shelf=a+b",
        "/v1/books?limit=2",
        "/v1/books?shelf=a%20b",
    )
    assert statuses(library, keys, found, *asked) == [200, 500, 502, 200, 200]


def test_a_rule_matches_a_body_which_the_mock_still_reads(library: Contract, keys: KeyStore) -> None:
    found = rules({"fault": "status=503", "match": {"body": {"/reader": "bob"}}})
    mock = build_mock(library, keys=keys, conduct=Conduct(found))
    with (
        served([mock]) as addresses,
        httpx.Client(base_url=addresses.services["library"], trust_env=False) as client,
    ):
        answers = [
            client.post("/v1/books/book-1/loans", json={"reader": name}) for name in ("bob", "ann", "bob")
        ]
        large = client.post(
            "/v1/books/book-1/loans", content=b"x" * 2_000_000, headers={"content-type": "application/json"}
        )
    assert [each.status_code for each in answers] == [503, 201, 503]
    assert answers[1].json()["reader"] == "ann"
    assert large.status_code == 413


def test_what_one_request_asks_for_goes_before_the_rules(library: Contract, keys: KeyStore) -> None:
    mock = build_mock(library, keys=keys, conduct=Conduct(rules({"fault": "status=503"})))
    with (
        served([mock]) as addresses,
        httpx.Client(base_url=addresses.services["library"], trust_env=False) as client,
    ):
        told = [client.get(BOOK, headers={"X-Portal-Fault": f}).status_code for f in ("none", "status=500")]
        assert told == [200, 500]


def test_the_same_seed_makes_the_same_faults(library: Contract, keys: KeyStore) -> None:
    found = rules({"fault": "status=503", "probability": 0.5})
    runs = [statuses(library, keys, found, *[BOOK] * 30) for _ in range(2)]
    assert runs[0] == runs[1]
    assert {200, 503} == set(runs[0])


def test_nothing_waits_longer_than_a_minute() -> None:
    assert fault_words.LONGEST == 60.0


def test_a_mock_that_ends_leaves_nobody_hanging(
    library: Contract, keys: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.serving.server.GRACE", 1)
    received: list[bytes | OSError] = []

    def hang(address: tuple[str, int]) -> None:
        with socket.create_connection(address, timeout=DEADLINE) as connection:
            connection.sendall(b"GET %s HTTP/1.1\r\nHost: h\r\nX-Portal-Fault: hang\r\n\r\n" % BOOK.encode())
            try:
                received.append(connection.recv(100))
            except OSError as error:
                received.append(error)

    begun, gone = threading.Event(), misbehaving.gone

    async def waits(receive: Any, seconds: float) -> bool:
        begun.set()
        return await gone(receive, seconds)

    monkeypatch.setattr(misbehaving, "gone", waits)
    with served([build_mock(library, keys=keys)]) as addresses:
        found = re.fullmatch(r"http://(.+):(\d+)", addresses.services["library"])
        assert found is not None
        waiting = threading.Thread(target=hang, args=((found[1], int(found[2])),))
        waiting.start()
        assert begun.wait(DEADLINE)
    waiting.join(DEADLINE)
    (end,) = received
    assert end == b"" or isinstance(end, ConnectionResetError), "it ended, in whichever way"
