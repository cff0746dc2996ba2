"""Log lines as JSON: what each says, and what none does."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from harness.serving import logs
from harness.serving.exchange import Answer, Request
from harness.serving.logs import JsonLines
from harness.serving.marks import Marks
from harness.serving.spans import IN_HAND, InHand, watch
from harness.serving.tracing import ids_of
from tests.unit.serving.live import client_of, contract_from, echoing
from tests.unit.serving.test_exchanges import CONTRACT

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def line(name: str, text: str, *arguments: object, raised: BaseException | None = None) -> dict[str, Any]:
    """What is written of one record."""
    told = None if raised is None else (type(raised), raised, raised.__traceback__)
    record = logging.LogRecord(name, logging.WARNING, __file__, 1, text, arguments, told)
    written = JsonLines().format(record)
    assert "\n" not in written
    document = orjson.loads(written)
    assert isinstance(document, dict)
    return document


def test_a_line_says_when_how_grave_and_from_whom() -> None:
    before = datetime.now(UTC)
    told = line("portal.serving", "correlation %s:\nit broke", "c-1")
    assert (told["level"], told["logger"]) == ("warning", "portal.serving")
    assert told["message"] == "correlation c-1:\nit broke"
    assert abs((datetime.fromisoformat(told["time"]) - before).total_seconds()) < 5
    assert set(told) == {"time", "level", "logger", "message"}


def test_a_line_says_what_is_in_hand() -> None:
    before = IN_HAND.set(InHand("scheduling", "c-1", TRACE))
    try:
        told = line("portal.serving", "it broke")
    finally:
        IN_HAND.reset(before)
    assert (told["service"], told["correlation"]) == ("scheduling", "c-1")
    assert (told["trace_id"], told["span_id"]) == tuple(TRACE.split("-")[1:3])


@pytest.mark.parametrize("correlation", ["Edith Marsh", "a" * 65, '"}\n{"'])
def test_a_correlation_that_is_none_is_not_told(correlation: str) -> None:
    before = IN_HAND.set(InHand("scheduling", correlation))
    try:
        told = line("portal.serving", "it broke")
    finally:
        IN_HAND.reset(before)
    assert told["service"] == "scheduling"
    assert "correlation" not in told


def test_an_exception_is_told_by_its_type_and_place() -> None:
    try:
        raise ValueError("Edith Marsh")
    except ValueError as error:
        told = line("harness.anything", "it broke", raised=error)
    assert told["exception"] == "ValueError"
    assert told["at"].startswith("test_logs.py:")
    assert "Marsh" not in str(told)


def test_what_a_library_puts_into_its_text_is_not_told() -> None:
    assert line("asyncio", "failed: %s\nfuture: Marsh", "Edith")["message"] == "failed: %s"
    assert line("portal.mocks", "too %s %s", "few")["message"] == "too %s %s"
    assert len(line("portal.mocks", "x" * 5000)["message"]) == 1000


@pytest.mark.parametrize("is_async", [False, True])
def test_who_answers_has_the_request_in_hand(tmp_path: Path, is_async: bool) -> None:
    """On the event loop and in a worker's thread; what travels on is that span."""
    seen: list[InHand | None] = []

    def answer(request: Request) -> Answer:
        seen.append(IN_HAND.get())
        assert seen[-1] is not None
        assert request.traceparent == seen[-1].traceparent
        return Answer(200, {})

    async def answer_later(request: Request) -> Answer:
        return answer(request)

    handler: Any = answer_later if is_async else answer
    watch(Marks)
    try:
        with client_of(echoing(contract_from(tmp_path, CONTRACT), getThing=handler)) as client:
            told = client.get("/things/a", headers={"X-Correlation-Id": "c-2", "traceparent": TRACE})
    finally:
        watch(None)
    assert told.status_code == 200
    assert seen == [InHand("tested", "c-2", told.headers["traceparent"])]
    assert ids_of(told.headers["traceparent"])[0] == ids_of(TRACE)[0]
    assert told.headers["traceparent"] != TRACE


def test_a_thread_that_fails_ends_with_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise ValueError("Edith Marsh")

    usual, root = threading.excepthook, logging.getLogger()
    before = list(root.handlers)
    logs.begin()
    try:
        thread = threading.Thread(target=fail, name="outbox")
        thread.start()
        thread.join()
    finally:
        threading.excepthook = usual
        for handler in set(root.handlers) - set(before):
            root.removeHandler(handler)
    (written,) = capsys.readouterr().err.splitlines()
    told = orjson.loads(written)
    assert (told["message"], told["exception"]) == ("outbox ended", "ValueError")
    assert "Marsh" not in written
