"""Topic rights: who has none is told so in one paragraph, and goes on once they are given."""

from __future__ import annotations

import argparse
import logging
import shlex
import threading
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import orjson
import pytest

from harness.contract import load
from harness.contract.model import Channel
from harness.errors import BrokerError
from harness.kafka.broker import create_topics
from harness.kafka.consuming import Consumption
from harness.kafka.listening import Listener
from harness.kafka.security import VARIABLE
from harness.kafka.wire import Publisher, Record, publish
from tests.e2e.portal import portal, running
from tests.kafka.members import TAKE_OVER_SECONDS, consuming
from tests.kafka.secured import PASSWORDS, SecuredKafka
from tests.kafka.until import until

pytestmark = pytest.mark.apache

ARRIVAL_SECONDS = 40.0


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
    told = refused(lambda: publish(broker, [record]))  # at once, or once the topic was asked for
    assert "authorization failed" in told
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


ANSWERS, BURIED = "portal.coverage.eligibility.v1", "portal.coverage.dead-letter.v1"


@pytest.fixture
def allowed(secured_kafka: SecuredKafka) -> SecuredKafka:
    """The cluster after the commands that ``portal manifests --rights`` prints for coverage."""
    script = portal("manifests", "coverage", "--rights", "--kafka", secured_kafka.bootstrap)
    assert script.code == 0, script.text
    for words in map(shlex.split, script.out.splitlines()):
        carry_out(secured_kafka, words)
    return secured_kafka


@pytest.fixture
def appointments(contracts: Path) -> Channel:
    """What coverage reads and scheduling alone writes."""
    return load(contracts / "scheduling").sends["appointmentChanged"].channel


def test_what_its_contract_says_is_enough_for_a_service(
    allowed: SecuredKafka, appointments: Channel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads, in its group; it answers; and it buries what it cannot read."""
    monkeypatch.setenv(VARIABLE, str(allowed.properties_file(allowed.with_password("coverage"))))
    pending, junk = asked(appointments), Record(appointments.address, 0, 0, "apt-junk0000", (), b"{")
    serve = ["serve", "coverage", "--kafka", allowed.at("SASL")]
    with Listener(allowed.broker, [ANSWERS, BURIED]) as listener, running(serve, tmp_path):
        publish(allowed.broker, [pending, junk])

        def arrived() -> bool:
            listener.catch_up()
            causes = [each.header("ce_causationid") for each in listener.records if each.topic == ANSWERS]
            buried = [each.key for each in listener.records if each.topic == BURIED]
            return pending.header("ce_id") in causes and junk.key in buried

        assert until(arrived, ARRIVAL_SECONDS), (tmp_path / "log.txt").read_text()


def test_what_its_contract_does_not_say_the_broker_refuses(
    allowed: SecuredKafka, appointments: Channel, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever has a service's password can do no more than the service."""
    as_coverage, another = allowed.for_principal("coverage"), "portal.scheduling.slot.v1"
    create_topics(allowed.broker, [Channel(another, another)])
    for forbidden in (another, appointments.address):
        forged = Record(forbidden, 0, 0, "k", (), b"{}")
        assert "authorization failed" in refused(partial(publish, as_coverage, [forged]))
    assert "may not read it" in refused(Listener(as_coverage, [another]).__enter__)
    stop, topics = threading.Event(), [appointments.address]
    member = Consumption(as_coverage, "portal.scheduling", topics, lambda record: None, stop)
    with caplog.at_level(logging.WARNING, "harness.kafka"):
        thread = threading.Thread(target=member.run)
        thread.start()
        try:
            assert until(lambda: "Group authorization failed" in caplog.text), caplog.text
        finally:
            stop.set()
            thread.join()


def carry_out(cluster: SecuredKafka, words: Sequence[str]) -> None:
    """What Apache Kafka's own command of these words does; nothing else than these is understood."""
    if not words or not words[0].startswith("kafka-"):
        return
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--bootstrap-server", choices=[cluster.bootstrap], required=True)
    parser.add_argument("--command-config", required=True)
    for flag in ("--create", "--if-not-exists", "--add"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--partitions", type=int)
    parser.add_argument("--allow-principal")
    for several in ("--topic", "--group", "--operation"):
        parser.add_argument(several, action="append", default=[])
    said = parser.parse_args(words[1:])
    if words[0] == "kafka-topics.sh":
        assert said.create
        assert said.if_not_exists
        create_topics(
            cluster.broker, [Channel(each, each, partitions=said.partitions) for each in said.topic]
        )
        return
    assert words[0] == "kafka-acls.sh"
    assert said.add
    principal = said.allow_principal.removeprefix("User:")
    operations = [each.upper() for each in said.operation]
    for kind, names in (("TOPIC", said.topic), ("GROUP", said.group)):
        for name in names:
            cluster.allow(principal, kind, name, operations, "LITERAL")


def asked(channel: Channel) -> Record:
    """The contract's example of an appointment that waits for coverage, as a new one."""
    (message,) = channel.messages.values()
    example = message.examples[0]
    new = f"apt-{uuid.uuid4().hex[:12]}"
    headers = {**example.headers, "ce_id": str(uuid.uuid4()), "ce_subject": new}
    value = orjson.dumps({**example.payload, "id": new})
    pairs = tuple((name, str(content).encode()) for name, content in headers.items())
    return Record(channel.address, 0, 0, new, pairs, value)


def _read(listener: Listener) -> None:
    with listener:
        listener.settle(5)
