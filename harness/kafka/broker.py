"""What a broker can do, and how to reach one."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.contract.model import Channel
from harness.errors import BrokerError
from harness.kafka import protocol, security
from harness.kafka.clients import Reachable, admin_client, left, reason
from harness.kafka.security import Security

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient, ClusterMetadata

_EMBEDDED_CLUSTER = "mockCluster"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What differs between brokers; ``tests/kafka`` proves each on both kinds.

    durable: keeps everything, over a restart too. transactions: what was aborted is not seen. admin: makes
    topics as they are asked for. acls: refuses a principal without rights. consumer_groups: KIP-848.
    idempotence: what a producer repeats because no acknowledgement came is written once.
    """

    durable: bool
    transactions: bool
    admin: bool
    acls: bool
    consumer_groups: bool
    idempotence: bool


@dataclass(frozen=True, slots=True)
class Broker:
    """``bootstrap`` is ``host:port[,host:port]``; ``name`` is shown to people; ``security`` to nobody."""

    bootstrap: str
    name: str
    capabilities: Capabilities
    security: Security = field(default=security.NONE, repr=False)


@dataclass(frozen=True, slots=True)
class _Sought:
    """What is at an address, before it is known."""

    bootstrap: str
    security: Security


def addresses(bootstrap: str) -> tuple[tuple[str, int], ...]:
    """``host:port[,host:port]`` taken apart. Raises BrokerError if it is anything else."""
    found = []
    for part in bootstrap.split(","):
        host, colon, port = part.strip().rpartition(":")
        if not (colon and host and port.isdecimal() and 0 < int(port) < 65536):
            raise BrokerError(
                f"Kafka address '{bootstrap}'",
                f"'{part.strip()}' is not an address",
                "HOST:PORT, several separated by commas",
                "Give the bootstrap address of a Kafka cluster, for example --kafka localhost:9092",
            )
        found.append((host.strip("[]"), int(port)))
    return tuple(found)


def reach(bootstrap: str, timeout: float = 5.0, secured: Security | None = None) -> Broker:
    """Find out what answers at ``bootstrap`` and what it can do, within ``timeout`` seconds.

    ``secured``: how to speak to it; by default what ``PORTAL_KAFKA_CONFIG`` says. Raises UsageError if that
    makes no sense, BrokerError if nothing there speaks Kafka in time, if it does not let us in, or if the
    brokers advertise addresses that cannot be reached from here.
    """
    deadline = time.monotonic() + timeout
    cluster = _Sought(bootstrap, security.read() if secured is None else secured)
    abilities = _first_answer(cluster, deadline)
    troubles: list[str] = []
    client = admin_client(cluster, lambda error: troubles.append(error.str()))
    metadata = _metadata(client, cluster, deadline, troubles=troubles)
    _reach_advertised(cluster, metadata, deadline)
    if str(metadata.cluster_id or "").startswith(_EMBEDDED_CLUSTER):
        return Broker(bootstrap, f"embedded Kafka at {bootstrap}", _embedded(abilities), cluster.security)
    capabilities = Capabilities(
        durable=True,
        transactions=abilities.has(protocol.INIT_PRODUCER_ID) and abilities.has(protocol.END_TXN),
        admin=abilities.has(protocol.CREATE_TOPICS),
        acls=abilities.has(protocol.DESCRIBE_ACLS)
        and any(_authorizes(client, node, deadline) for node in list(metadata.brokers)[:1]),
        consumer_groups=abilities.has(protocol.CONSUMER_GROUP_HEARTBEAT)
        and abilities.features.get("group.version", 0) >= 1,
        idempotence=abilities.has(protocol.INIT_PRODUCER_ID),
    )
    return Broker(bootstrap, f"Kafka at {bootstrap}", capabilities, cluster.security)


def create_topics(broker: Broker, channels: Iterable[Channel], timeout: float = 10.0) -> None:
    """Make the topics that are not there yet and wait until each can be written to (seconds).

    Existing topics stay as they are. A broker without the admin API makes a topic when it is first asked
    for, with its own number of partitions. Raises BrokerError.
    """
    wanted: dict[str, int] = {}
    for channel in channels:
        wanted[channel.address] = max(channel.partitions, wanted.get(channel.address, 1))
    deadline = time.monotonic() + timeout
    client = admin_client(broker)
    present = _metadata(client, broker, deadline).topics
    missing = {topic: count for topic, count in wanted.items() if topic not in present}
    if not missing:
        return
    if broker.capabilities.admin:
        _ask_to_create(client, broker, missing, deadline)
    _wait_for_leaders(client, broker, missing, deadline)


def _embedded(abilities: protocol.Abilities) -> Capabilities:
    """What librdkafka's mock cluster offers: see ``kafka.embedded``."""
    groups = abilities.has(protocol.CONSUMER_GROUP_HEARTBEAT)
    return Capabilities(
        durable=False,
        transactions=False,
        admin=False,
        acls=False,
        consumer_groups=groups,
        idempotence=False,
    )


def _first_answer(cluster: _Sought, deadline: float) -> protocol.Abilities:
    candidates = addresses(cluster.bootstrap)
    tls = cluster.security.tls()
    reasons = []
    for index, (host, port) in enumerate(candidates):
        share = left(deadline) / (len(candidates) - index)
        try:
            return protocol.ask_abilities(host, port, share, tls)
        except protocol.NotKafka as error:
            reasons.append(f"{host}:{port} {error}")
    raise BrokerError(
        f"Kafka at {cluster.bootstrap}",
        "; ".join(reasons),
        remedy=f"Start the cluster or correct the address{_or_security(cluster)}; "
        "without one, the embedded broker is used",
    )


def _or_security(cluster: Reachable) -> str:
    if cluster.security:
        return f", or what {security.VARIABLE} says"
    return f"; if it wants TLS or a log-in, say how in a file that {security.VARIABLE} names"


def _metadata(
    client: AdminClient,
    cluster: Reachable,
    deadline: float,
    topic: str | None = None,
    troubles: Sequence[str] = (),
) -> ClusterMetadata:
    """``troubles`` is where the client puts what it complains of, latest last."""
    from confluent_kafka import KafkaException

    try:
        if topic is None:
            return client.list_topics(timeout=left(deadline))
        return client.list_topics(topic, timeout=left(deadline))
    except KafkaException as error:
        client.poll(0)  # complaints are handed over here
        found = f"it does not tell its topics: {reason(error)}"
        if why := next((each for each in reversed(troubles) if not each.endswith("are down")), None):
            found += f"; {_phrase(why)}"
        raise BrokerError(
            f"Kafka at {cluster.bootstrap}", found, remedy=f"Check the cluster{_or_security(cluster)}"
        ) from None


def _phrase(trouble: str) -> str:
    """What librdkafka complains of, without the place before it and the time after it."""
    return re.sub(r"^\S+/\S+: | \(after \d+ms in state \w+\)", "", trouble)


def _reach_advertised(cluster: _Sought, metadata: ClusterMetadata, deadline: float) -> None:
    brokers = list(metadata.brokers.values())
    tls = cluster.security.tls()
    for index, each in enumerate(brokers):
        try:
            protocol.ask_abilities(str(each.host), each.port, left(deadline) / (len(brokers) - index), tls)
        except protocol.NotKafka:
            continue
        return
    advertised = ", ".join(f"{each.host}:{each.port}" for each in brokers) or "no broker at all"
    raise BrokerError(
        f"Kafka at {cluster.bootstrap}",
        f"it answers, but names {advertised} as the place to talk to, which cannot be reached from here",
        remedy="Set the cluster's advertised.listeners to an address that this machine can reach",
    )


def _authorizes(client: AdminClient, node: int, deadline: float) -> bool:
    """Whether access rules are enforced. Asked for them, a broker without an authorizer may just say none."""
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import ConfigResource

    resource = ConfigResource(ConfigResource.Type.BROKER, str(node))
    try:
        (asked,) = client.describe_configs([resource], request_timeout=left(deadline)).values()
        entry = asked.result(left(deadline)).get("authorizer.class.name")
    except KafkaException as error:
        return bool(error.args[0].code() == KafkaError.CLUSTER_AUTHORIZATION_FAILED)
    except TimeoutError:
        return False
    return bool(entry and entry.value)


def _ask_to_create(client: AdminClient, broker: Broker, missing: Mapping[str, int], deadline: float) -> None:
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import NewTopic

    topics = [NewTopic(topic, num_partitions=n, replication_factor=-1) for topic, n in missing.items()]
    seconds = left(deadline)
    asked = client.create_topics(topics, operation_timeout=seconds, request_timeout=seconds)
    for topic, future in asked.items():
        try:
            future.result(left(deadline) + 1.0)
        except (KafkaException, TimeoutError) as error:
            if isinstance(error, KafkaException) and error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
                continue
            raise BrokerError(
                f"topic {topic} on {broker.name}",
                f"it could not be created: {reason(error)}",
                remedy="Create it beforehand, where this client may see it, or allow it to create topics",
            ) from None


def _wait_for_leaders(client: AdminClient, broker: Broker, topics: Iterable[str], deadline: float) -> None:
    waiting = set(topics)
    while True:
        for topic in sorted(waiting):
            told = _metadata(client, broker, deadline, topic).topics.get(topic)
            if told and told.partitions and all(p.leader >= 0 for p in told.partitions.values()):
                waiting.discard(topic)
        if not waiting:
            return
        if time.monotonic() > deadline:
            names = ", ".join(sorted(waiting))
            raise BrokerError(broker.name, f"these topics did not become usable in time: {names}")
        time.sleep(0.05)
