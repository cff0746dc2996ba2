"""Topic rights: who has none is told so in one paragraph, and goes on once they are given."""

from __future__ import annotations

import logging
import re
import threading
import uuid
from collections.abc import Callable

import pytest

from harness.contract.model import Channel
from harness.errors import BrokerError
from harness.kafka.broker import create_topics
from harness.kafka.listening import Listener
from harness.kafka.wire import Publisher, Record, publish
from tests.kafka.members import TAKE_OVER_SECONDS, consuming
from tests.kafka.secured import PASSWORDS, SecuredKafka
from tests.kafka.until import until

pytestmark = pytest.mark.apache


@pytest.fixture
def topic(secured_kafka: SecuredKafka) -> str:
    name = f"portal.rights.{uuid.uuid4().hex}.v1"
    create_topics(secured_kafka.broker, [Channel(name, name, partitions=2)])
    return name


def refused(act: Callable[[], object]) -> str:
    """The one paragraph that it ends in."""
    with pytest.raises(BrokerError) as told:
        act()
    text = str(told.value)
    assert "\n" not in text
    assert not any(password in text for password in PASSWORDS.values())
    return text


def test_the_cluster_says_that_it_has_rights(secured_kafka: SecuredKafka, topic: str) -> None:
    assert secured_kafka.broker.capabilities.acls
    assert secured_kafka.for_principal("stranger").capabilities.acls, "though it may not look"


def test_a_stranger_may_nothing(secured_kafka: SecuredKafka, topic: str) -> None:
    broker = secured_kafka.for_principal("stranger")
    record = Record(topic, 0, 0, "k", (), b"{}")
    assert re.search(r"takes no records.*authorization failed", refused(lambda: publish(broker, [record])))
    assert f"topic {topic}" in (text := refused(Listener(broker, [topic]).__enter__))
    assert "may not read it" in text
    other = Channel("x", f"{topic}.more")
    assert "could not be created" in refused(lambda: create_topics(broker, [other]))
    with Listener(secured_kafka.broker, [topic]) as listener:
        assert listener.records == []


def test_who_may_write_one_topic_may_not_write_another(secured_kafka: SecuredKafka, topic: str) -> None:
    secured_kafka.allow("stranger", "TOPIC", topic, ["WRITE"])
    broker = secured_kafka.for_principal("stranger")
    elsewhere = f"portal.elsewhere.{uuid.uuid4().hex}.v1"
    create_topics(secured_kafka.broker, [Channel("e", elsewhere)])
    with Publisher(broker) as publisher:
        publisher.send(topic, "k", {}, b"1")
        publisher.flush()
        publisher.send(elsewhere, "k", {}, b"2")
        assert elsewhere in refused(publisher.flush)
        publisher.send(topic, "k", {}, b"3")
    assert "may not read" in refused(lambda: _read(Listener(broker, [topic])))
    secured_kafka.allow("stranger", "TOPIC", topic, ["READ"])
    with Listener(broker, [topic]) as listener:
        publish(broker, [Record(topic, 0, 0, "k", (), b"4")])
        listener.catch_up()
        assert [record.value for record in listener.records] == [b"4"]


def test_a_consumer_without_rights_says_so_and_begins_once_it_has_them(
    secured_kafka: SecuredKafka, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    group, seen = f"portal.{uuid.uuid4().hex}", list[bytes | None]()
    publish(secured_kafka.broker, [Record(topic, 0, 0, "k", (), b"early")])
    secured_kafka.allow("newcomer", "TOPIC", topic, ["READ"])
    broker = secured_kafka.for_principal("newcomer")

    def allow_once_it_complains() -> None:
        assert until(lambda: "Group authorization failed" in caplog.text), caplog.text
        secured_kafka.allow("newcomer", "GROUP", group, ["READ"])

    with caplog.at_level(logging.WARNING, "harness.kafka"):
        helper = threading.Thread(target=allow_once_it_complains)
        helper.start()
        with consuming(broker, topic, lambda record: seen.append(record.value), group=group):
            helper.join(TAKE_OVER_SECONDS)
            assert until(lambda: seen == [b"early"]), (seen, caplog.text)


def _read(listener: Listener) -> None:
    with listener:
        listener.settle(5)
