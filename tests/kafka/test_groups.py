"""Consumer groups, of the new kind (KIP-848) and of the classic one: shares, take-over, replay."""

from __future__ import annotations

import signal
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable

import pytest

from harness.kafka.broker import Broker
from harness.kafka.wire import Record, publish
from tests.kafka.conftest import NewTopic
from tests.kafka.members import TAKE_OVER_SECONDS, classic, consuming, member_process
from tests.kafka.until import until

KEYS = [f"k{n}" for n in range(20)]

Protocol = Callable[[Broker], Broker]


@pytest.fixture(params=["consumer", "classic"])
def grouping(request: pytest.FixtureRequest, broker: Broker) -> Broker:
    """The broker with groups of this protocol."""
    if request.param == "classic":
        return classic(broker)
    if not broker.capabilities.consumer_groups:
        pytest.skip(f"{broker.name} has no groups of KIP-848")
    return broker


def test_a_killed_members_partitions_are_taken_over(grouping: Broker, new_topic: NewTopic) -> None:
    topic, group, seen = new_topic(), uuid.uuid4().hex, set[str | None]()
    publish(grouping, _records(topic, "1"))
    with member_process(grouping, topic, group) as member:
        assert member.stdout is not None
        first = {member.stdout.readline().strip() for _ in KEYS}
        member.send_signal(signal.SIGKILL)
    assert first == set(KEYS)
    with consuming(grouping, topic, lambda record: seen.add(record.key), group=group):
        publish(grouping, _records(topic, "2"))
        assert until(lambda: seen == set(KEYS), TAKE_OVER_SECONDS), f"missing: {set(KEYS) - seen}"


def test_two_members_share_and_the_one_left_takes_all(broker: Broker, new_topic: NewTopic) -> None:
    topic, group = new_topic(), uuid.uuid4().hex
    ours, theirs = defaultdict[str | None, set[bytes | None]](set), list[str]()

    def handle(record: Record) -> None:
        ours[record.key].add(record.value)

    with member_process(broker, topic, group) as member, consuming(broker, topic, handle, group=group):
        output = member.stdout
        assert output is not None
        threading.Thread(target=lambda: theirs.extend(output), daemon=True).start()
        rounds = 0

        def both_have_some() -> bool:
            nonlocal rounds
            rounds += 1
            publish(broker, _records(topic, str(rounds)))
            return bool(ours) and bool(theirs) and rounds > 1

        assert until(both_have_some, TAKE_OVER_SECONDS), "one of them has it all"
        member.send_signal(signal.SIGKILL)
        publish(broker, _records(topic, "last"))
        assert until(lambda: all(b"last" in ours[key] for key in KEYS), TAKE_OVER_SECONDS), ours


def test_a_new_group_replays_everything_in_order(broker: Broker, new_topic: NewTopic) -> None:
    topic, times = new_topic(), 50
    publish(broker, [each for n in range(times) for each in _records(topic, str(n))])

    def replayed() -> dict[str | None, list[bytes | None]]:
        seen = defaultdict[str | None, list[bytes | None]](list)
        with consuming(broker, topic, lambda record: seen[record.key].append(record.value)):
            assert until(lambda: sum(map(len, seen.values())) >= times * len(KEYS), 60)
        return dict(seen)

    whole = {key: [str(n).encode() for n in range(times)] for key in KEYS}
    assert replayed() == whole, "the first time"
    assert replayed() == whole, "and again, whatever another group has read"


def _records(topic: str, value: str) -> list[Record]:
    return [Record(topic, 0, 0, key, (), value.encode()) for key in KEYS]
