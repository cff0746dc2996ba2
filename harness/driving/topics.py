"""The topics of a cluster that no contract names."""

from __future__ import annotations

from harness.driving.bench import Bench
from harness.errors import BrokerError
from harness.kafka.clients import admin_client, reason


def foreign_topics(bench: Bench, most: int = 50) -> list[str]:
    """Topics that are there and that no contract of the system names, at most so many; none of Kafka's own.

    Raises BrokerError.
    """
    from confluent_kafka import KafkaException

    if bench.target.kafka is None:
        return []
    try:
        told = admin_client(bench.target.kafka).list_topics(timeout=bench.limits.timeout)
    except KafkaException as error:
        found = f"it does not tell its topics: {reason(error)}"
        raise BrokerError(bench.target.kafka.name, found) from None
    named = set(bench.system.topics)
    return [topic for topic in sorted(told.topics) if topic not in named and not topic.startswith("__")][
        :most
    ]
