"""While the database is away, what works in the background says so in one line, and goes on by itself."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from harness.errors import BrokerError
from harness.kafka.broker import Broker
from harness.kafka.embedded import EmbeddedBroker
from harness.serving.outages import Outage
from harness.serving.problems import Problem
from reference_services.platform import outbox, timers
from reference_services.platform.engine import place_of
from reference_services.platform.failures import why
from tests.services.portal import eventually
from tests.unit.platform.desk import Desk, running
from tests.unit.platform.test_kafka import TOPICS

LOG = logging.getLogger("tests.outages")


@pytest.fixture
def broker() -> Iterator[Broker]:
    with EmbeddedBroker(TOPICS) as embedded:
        yield embedded.broker


def test_while_the_database_is_away_each_says_so_once(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for module, name in ((outbox, "_IDLE"), (timers, "_IDLE"), (timers, "_RETRY")):
        monkeypatch.setattr(module, name, 0.01)
    monkeypatch.setattr(outbox, "_BACKOFF_LONGEST", 0.01)
    caplog.set_level(logging.DEBUG, "reference_services.platform")
    with running(Desk(broker=broker)) as desk:
        database = desk.service.store._database
        desk.service.store._database = None
        tries = {outbox.LOG.name: 0, timers.LOG.name: 0}

        def tried() -> bool | None:
            for name in tries:
                tries[name] = sum(
                    each.levelno == logging.DEBUG for each in caplog.records if each.name == name
                )
            return min(tries.values()) >= 5 or None

        eventually(tried)
        desk.service.store._database = database
        eventually(lambda: len(warned(caplog, outbox.LOG)) == len(warned(caplog, timers.LOG)) == 2 or None)

    for log, what in ((outbox.LOG, "events wait"), (timers.LOG, "timers cannot be worked off")):
        away, back = warned(caplog, log)
        assert away.getMessage().startswith(f"desk: {what}")
        assert "tried again every 0.01 s" in away.getMessage()
        assert " again, after " in back.getMessage()
        assert not any(each.exc_info for each in (away, back)), "a traceback only at debug"


def warned(caplog: pytest.LogCaptureFixture, log: logging.Logger) -> list[logging.LogRecord]:
    """What this logger said for everybody to read."""
    return [each for each in caplog.records if each.name == log.name and each.levelno >= logging.WARNING]


def test_an_outage_that_lasts_is_told_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    outage = Outage(LOG, lambda: now[0])
    outage.over("all is well")
    for now[0] in (0.0, 1.0, 59.0, 60.0, 61.0):
        outage.failed(f"away since {now[0]:g}")
    outage.over("it is back")
    outage.over("it is back")
    outage.failed("away again")
    said = [each.getMessage() for each in caplog.records]
    assert said == ["away since 0", "away since 60", "it is back, after 61 s", "away again"]


@pytest.mark.parametrize(
    ("url", "schema", "place"),
    [
        (None, None, "its temporary database"),
        ("sqlite:////data/scheduling.db", None, "sqlite:////data/scheduling.db"),
        (
            "postgresql://someone:s3cret@db:5433/portal?sslpassword=s3cret",
            "billing",
            "postgresql://db:5433/portal (schema billing)",
        ),
    ],
)
def test_a_place_is_told_without_who_and_how(url: str | None, schema: str | None, place: str) -> None:
    assert place_of(url, schema) == place


def test_why_is_told_without_values() -> None:
    """By type, so that no text of an exception is shown that may hold what somebody sent."""
    refused = OperationalError(
        "SELECT 1", {"name": "Edith"}, sqlite3.OperationalError("disk I/O error\nmore")
    )
    try:
        raise Problem(503, detail="busy") from refused
    except Problem as problem:
        assert why(problem) == "disk I/O error"
    try:
        raise ValueError("Edith")
    except ValueError as error:
        assert why(error).startswith(f"ValueError at {Path(__file__).name}:")
        assert "Edith" not in why(error)
    assert why(BrokerError("a topic", "nobody is there")) == "a topic: nobody is there"
