"""What a broker is said to be able to do, it does, and what not, it does not.

``transactions`` and ``idempotence`` are proven in files of their own, ``acls`` in test_rights.py, and
``consumer_groups`` in test_groups.py, where the classic groups of brokers without them are tried as well.
"""

from __future__ import annotations

import dataclasses
import os
import re

from harness.contract.model import Channel
from harness.kafka.broker import Broker, Capabilities, create_topics
from harness.kafka.clients import admin_client
from harness.kafka.wire import Publisher, Record
from tests.conftest import ROOT
from tests.kafka.conftest import NewTopic
from tests.kafka.members import consuming
from tests.kafka.until import until

EMBEDDED = Capabilities(
    durable=False,
    transactions=False,
    admin=False,
    acls=False,
    consumer_groups=True,
    idempotence=False,
)
APACHE = Capabilities(
    durable=True,
    transactions=True,
    admin=True,
    acls=False,
    consumer_groups=True,
    idempotence=True,
)
MEGABYTE = 1 << 20
README = ROOT / "README.md"


def test_what_each_broker_is_said_to_be_able_to_do(broker: Broker) -> None:
    found = broker.capabilities
    if broker.name.startswith("embedded"):
        assert found == EMBEDDED
    elif os.environ.get("PORTAL_KAFKA"):  # somebody's own: it may have access rules, and may be old
        assert dataclasses.replace(found, acls=False, consumer_groups=True) == APACHE
    else:
        assert found == APACHE


def test_the_readme_says_the_same() -> None:
    rows = re.findall(
        r"^\| (\w+): .*? \| (yes|no)\b.*? \| (yes|no|where)\b", README.read_text(), re.MULTILINE
    )
    assert {name: (told == "yes") for name, told, _ in rows} == dataclasses.asdict(EMBEDDED)
    assert {name: (told == "yes") for name, _, told in rows} == dataclasses.asdict(APACHE)


def test_admin_makes_topics_as_they_are_asked_for(broker: Broker, new_topic: NewTopic) -> None:
    topic = f"{new_topic()}.seven"
    create_topics(broker, [Channel(topic, topic, partitions=7)])
    made = len(admin_client(broker).list_topics(timeout=10).topics[topic].partitions)
    assert (made == 7) is broker.capabilities.admin


def test_a_durable_broker_keeps_everything(broker: Broker, new_topic: NewTopic) -> None:
    """The other half of durable, a restart, is in test_restart.py."""
    topic, count, seen = new_topic(), 80, list[int]()
    with Publisher(broker) as publisher:
        for n in range(count):
            publisher.send(topic, "one partition", {}, str(n).encode().ljust(MEGABYTE // 10))
            publisher.flush()

    def handle(record: Record) -> None:
        seen.append(int(record.value or b""))

    with consuming(broker, topic, handle):
        assert until(lambda: count - 1 in seen)
    assert (seen == list(range(count))) is broker.capabilities.durable, seen
