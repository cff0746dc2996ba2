"""Mocks and proxies tell of what they do, faults too, where somebody watches; else nothing is different."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import orjson
import pytest

from harness.contract import load
from harness.contract.model import Contract
from harness.kafka.embedded import EmbeddedBroker
from harness.kafka.listening import Listener
from harness.kafka.wire import Record, publish
from harness.serving.keys import KeyStore
from harness.serving.spans import NOBODY, spans_of, watch
from harness.serving.telemetry import LOG, Telemetry
from harness.serving.watched import watched
from mocks.mock import Mock, build_mock
from tests.e2e.collector import CONSUMER, INTERNAL, PRODUCER, SERVER, Collector, Told, collecting
from tests.services.portal import eventually
from tests.unit.mocks.controlled import controlled
from tests.unit.mocks.real_service import proxied
from tests.unit.mocks.running import FORGETFUL, TOPICS, running

CLINIC = Path(__file__).parent / "contracts" / "clinic"
TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
ASKED = f"00-{TRACE}-{CALLER}-01"
WITHIN = 10.0


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Told of all that is built meanwhile."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    with collecting() as collector, telling(collector.url, monkeypatch):
        yield collector


@pytest.fixture(scope="module")
def embedded() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(TOPICS) as broker:
        yield broker


@contextmanager
def telling(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Telemetry]:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    telemetry = Telemetry(url)
    watch(telemetry.spans)
    try:
        yield telemetry
    finally:
        watch(None)
        telemetry.close()


def asked_for(collector: Collector, name: str, **attributes: str | int) -> Told:
    """The span of this name and with these attributes, once it has come."""
    return eventually(
        lambda: collector.only(
            lambda each: each.name == name and attributes.items() <= each.attributes.items()
        )
    )


def mocked(library: Contract, keys: KeyStore, embedded: EmbeddedBroker | None = None) -> Mock:
    return build_mock(library, None if embedded is None else embedded.broker, keys, conduct=FORGETFUL)


def test_a_fault_is_told_as_the_answer_that_it_gives(
    collector: Collector, library: Contract, keys: KeyStore
) -> None:
    with running([mocked(library, keys)]) as urls, httpx.Client(base_url=urls["library"]) as client:
        headers = {"X-Portal-Fault": "status=503", "traceparent": ASKED}
        answer = client.get("/v1/books/book-1", headers=headers)
        with pytest.raises(httpx.RemoteProtocolError):
            client.get("/v1/books", headers={"X-Portal-Fault": "empty"})
    assert answer.status_code == 503
    span = asked_for(collector, "GET /v1/books/{bookId}")
    assert (span.kind, span.trace, span.parent, span.failed) == (SERVER, TRACE, CALLER, True)
    assert answer.headers["traceparent"] == f"00-{TRACE}-{span.id}-01"
    assert span.attributes["http.response.status_code"] == 503
    assert span.attributes["portal.operation"] == "getBook"
    assert "http.response.status_code" not in asked_for(collector, "GET /v1/books").attributes


def test_what_an_exchange_causes_goes_on_from_it(
    collector: Collector, library: Contract, keys: KeyStore, embedded: EmbeddedBroker
) -> None:
    with (
        running([mocked(library, keys, embedded)]) as urls,
        httpx.Client(base_url=urls["library"]) as client,
        Listener(embedded.broker, TOPICS) as listener,
    ):
        client.post("/v1/books/book-1/loans", json={"reader": "eve"}, headers={"traceparent": ASKED})
        asked = asked_for(collector, "POST /v1/books/{bookId}/loans")
        told = eventually(
            lambda: collector.only(lambda each: each.name == "send library.loan" and each.parent == asked.id)
        )
        (record, *_) = _received(listener, "library.loan")
    assert (told.kind, told.trace) == (PRODUCER, TRACE)
    assert record.header("traceparent") == f"00-{TRACE}-{told.id}-01"


def test_what_a_message_causes_goes_on_from_it_and_a_dead_letter_stays_as_it_came(
    collector: Collector, library: Contract, keys: KeyStore, embedded: EmbeddedBroker
) -> None:
    headers = (("ce_id", b"e-told"), ("traceparent", ASKED.encode()))
    good = orjson.dumps({"id": "reader-7", "bookId": "book-9"})
    records = [Record("library.reader", 0, 0, "k", headers, value) for value in (good, b"nonsense")]
    with running([mocked(library, keys, embedded)]), Listener(embedded.broker, TOPICS) as listener:
        publish(embedded.broker, records)
        (loan, *_) = _received(listener, "library.loan")
        (letter,) = _received(listener, "library.dead")
        heard = asked_for(collector, "process library.reader", **{"portal.operation": "readerAsked"})
        told = eventually(
            lambda: collector.only(lambda each: each.kind == PRODUCER and each.parent == heard.id)
        )
        bad = asked_for(collector, "process library.reader", **{"error.type": "malformed"})
    assert (heard.kind, heard.trace, heard.parent) == (CONSUMER, TRACE, CALLER)
    assert loan.header("traceparent") == f"00-{TRACE}-{told.id}-01"
    assert (bad.parent, bad.failed) == (CALLER, True)
    assert letter.header("traceparent") == ASKED


def test_what_somebody_lets_it_say_begins_a_trace(
    collector: Collector, library: Contract, keys: KeyStore, embedded: EmbeddedBroker
) -> None:
    with controlled(mocked(library, keys, embedded)) as told:
        told.tell("/events", {"operation": "loanChanged"}, 202)
        said = asked_for(collector, "say loanChanged")
        sent = eventually(  # what an earlier mock did not come to is worked off here, too
            lambda: collector.only(lambda each: each.name == "send library.loan" and each.parent == said.id)
        )
    assert (said.kind, said.parent) == (INTERNAL, "")
    assert sent.trace == said.trace


def test_a_proxy_stands_in_the_trace_before_its_service(collector: Collector) -> None:
    with proxied(load(CLINIC)) as through:
        through.real.will(200, [])
        through.client.get("/patients?name=Marsh", headers={"traceparent": ASKED})
    span = eventually(lambda: collector.only(lambda each: each.parent == CALLER and each.service == "clinic"))
    assert span.name == "GET /patients"
    assert through.real.asked[0].header("traceparent") == f"00-{TRACE}-{span.id}-01"
    assert not [body for body in collector.bodies if b"Marsh" in body]


def test_what_the_caller_does_not_sample_is_passed_on_and_not_told(
    collector: Collector, library: Contract, keys: KeyStore
) -> None:
    with running([mocked(library, keys)]) as urls, httpx.Client(base_url=urls["library"]) as client:
        quiet = client.get("/v1/books", headers={"traceparent": f"00-{TRACE}-{CALLER}-00"})
        client.get("/v1/books/book-1")
        asked_for(collector, "GET /v1/books/{bookId}")
    version, trace, span, flags = quiet.headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", TRACE, "00")
    assert span != CALLER
    assert [each for each in collector.spans() if each.trace == TRACE] == []


def test_where_nobody_watches_nothing_is_around_an_application(library: Contract, keys: KeyStore) -> None:
    app = mocked(library, keys).app
    assert watched(app, "library") is app
    assert spans_of("library") is NOBODY


def test_a_collector_that_is_gone_is_told_of_once_without_its_password(
    library: Contract, keys: KeyStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer s3cret, no header")
    with telling("http://user:s3cret@127.0.0.1:9/s3cret", monkeypatch):
        with running([mocked(library, keys)]) as urls, httpx.Client(base_url=urls["library"]) as client:
            for _ in range(3):
                assert client.get("/v1/books").status_code == 200
                time.sleep(0.1)  # another batch
            eventually(lambda: caplog.records or None)
        began = time.monotonic()
    assert time.monotonic() - began < 4.0
    assert "s3cret" not in caplog.text
    ours = [each for each in caplog.records if each.name == LOG.name and each.levelno >= logging.WARNING]
    assert len(ours) == 1
    assert "http://127.0.0.1:9 does not take spans" in ours[0].getMessage()
    assert not [each for each in caplog.records if each.exc_info]


def _received(listener: Listener, topic: str) -> list[Record]:
    found = listener.wait_for(lambda record: record.topic == topic, WITHIN)
    assert found is not None
    return found
