"""How the tests' Apache Kafka is set up: one node that is broker and controller. See compose.yaml too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

BEHAVIOUR: Mapping[str, str] = {
    # One node: its internal topics have nowhere else to be.
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # A topic that no contract names is a mistake to be seen.
    "auto.create.topics.enable": "false",
    # A broker that was killed may come back after 3 s, not after 9.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    # A member that was killed counts as dead after 3 s, not after 45.
    "group.consumer.session.timeout.ms": "3000",
    "group.consumer.min.session.timeout.ms": "1000",
    "group.consumer.heartbeat.interval.ms": "500",
    "group.consumer.min.heartbeat.interval.ms": "100",
    "group.min.session.timeout.ms": "1000",
    "group.initial.rebalance.delay.ms": "0",
}
"""What the broker does, wherever it runs: here, or in a container."""

NODE = 1
LOOPBACK = "127.0.0.1"


def single_node(ports: Mapping[str, int], data: Path, protocols: Mapping[str, str]) -> dict[str, str]:
    """The whole set-up of a KRaft node on loopback.

    ``ports``: of each listener by name, the controller's (CONTROLLER) and the plain one (PLAINTEXT) among
    them. ``protocols``: what further listeners speak, such as SASL_SSL.
    """
    listeners = {name: f"{name}://{LOOPBACK}:{port}" for name, port in ports.items()}
    spoken = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", **protocols}
    return {
        **BEHAVIOUR,
        "process.roles": "broker,controller",
        "node.id": str(NODE),
        "controller.quorum.voters": f"{NODE}@{LOOPBACK}:{ports['CONTROLLER']}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listeners": ",".join(listeners.values()),
        "advertised.listeners": ",".join(url for name, url in listeners.items() if name != "CONTROLLER"),
        "listener.security.protocol.map": ",".join(f"{name}:{spoken[name]}" for name in ports),
        "log.dirs": str(data),
    }


def written(properties: Mapping[str, str]) -> str:
    """As a Java properties file, in which a backslash would begin an escape."""
    lines = (f"{name}={value}".replace("\\", "\\\\") for name, value in properties.items())
    return "\n".join(lines) + "\n"
