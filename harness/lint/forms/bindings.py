"""The bindings of AsyncAPI 3.x: what each protocol's may hold, version by version.

Written from the texts of the AsyncAPI bindings repository. 2.x documents are not held to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from harness.contract.node import Node
from harness.lint.forms.binding_tables import SHAPES, VERSIONS
from harness.lint.forms.holding import Check, Fault, Holding, Table, spoken, wrong

_FREE = (
    *("http", "ws", "amqp", "amqp1", "mqtt", "kafka", "anypointmq", "nats", "jms", "sns", "sqs", "stomp"),
    *("redis", "ibmmq", "solace", "googlepubsub"),
)
"""Protocols whose binding may stand on everything, described or not."""

_PULSAR = ("server", "channel")


def bindings_table(minor: int) -> Table:
    """Binding objects of AsyncAPI 3.``minor``; ROS 2 came with 3.1."""
    table: dict[str, str | Check] = {**SHAPES, **RULES}
    for owner in ("server", "channel", "operation", "message"):
        protocols = [*_FREE, *(["pulsar"] if owner in _PULSAR else [])]
        if minor >= 1 and owner in ("server", "operation"):
            protocols.append("ros2")
        keys = []
        for protocol in protocols:
            versions = VERSIONS.get((protocol, owner))
            name = f"{protocol.capitalize()}{owner.capitalize()}Binding"
            if versions:
                table[name] = _binding(versions)
            keys.append(f"{protocol}:{name if versions else 'any'}")
        table[f"{owner.capitalize()}Bindings"] = " ".join(keys) + " +x"
    return table


def _binding(versions: Mapping[str, str]) -> Check:
    """A binding is of the version that it names, the newest without one. ``versions``: version → shape."""
    newest = next(iter(versions))

    def check(holding: Holding, node: Node) -> Iterator[Fault]:
        if not isinstance(node.value, dict):
            yield wrong(node, "a binding")
            return
        said = node.value.get("bindingVersion", newest)
        if not isinstance(said, str) or said not in versions:
            yield from holding.faults(node.child("bindingVersion"), f"={','.join(versions)}")
            return
        yield from holding.faults(node, versions[said])

    return check


def _one_of(said: str, *forms: Callable[[Mapping[str, Any]], bool]) -> Check:
    """Exactly one of several forms, as the binding's published schema counts them."""

    def check(holding: Holding, node: Node) -> Iterator[Fault]:
        if isinstance(node.value, dict) and sum(form(node.value) for form in forms) != 1:
            title = f"{spoken(node.key)} has none of its forms, or several"
            yield Fault(node.place, title, ", ".join(node.value) or "nothing", said)

    return check


def _is(value: Mapping[str, Any], key: str, said: str) -> bool:
    return bool(value.get(key, said) == said)


def _destination(shape: str) -> Check:
    """Solace: where a message goes is a queue or a topic, and ``destinationType`` says which."""

    def check(holding: Holding, node: Node) -> Iterator[Fault]:
        said = node.value.get("destinationType") if isinstance(node.value, dict) else None
        if isinstance(node.value, dict) and "destinationType" not in node.value:
            title = "this destination has no 'destinationType'"
            yield Fault(node.place, title, ", ".join(node.value) or "nothing", "queue or topic")
        elif isinstance(node.value, dict) and said not in ("queue", "topic"):
            yield wrong(node.child("destinationType"), "one of queue, topic")
        else:
            yield from holding.faults(node, "SolaceOnTopic" if said == "topic" else shape)

    return check


RULES: Mapping[str, Check] = {
    "OneAmqpKind": _one_of(
        "is: routingKey with an exchange, or is: queue with a queue",
        lambda value: _is(value, "is", "routingKey") and "exchange" in value and "queue" not in value,
        lambda value: _is(value, "is", "queue") and "queue" in value and "exchange" not in value,
    ),
    "OneIbmmqKind": _one_of(
        "destinationType: topic without queue, or destinationType: queue with one and without topic",
        lambda value: _is(value, "destinationType", "topic") and "queue" not in value,
        lambda value: _is(value, "destinationType", "queue") and "queue" in value and "topic" not in value,
    ),
    "OneIbmmqMessage": _one_of(
        "type: binary, or type: jms or string without headers",
        lambda value: _is(value, "type", "binary"),
        lambda value: _is(value, "type", "jms") and "headers" not in value,
        lambda value: _is(value, "type", "string") and "headers" not in value,
    ),
    "SolaceDestination": _destination("SolaceOnQueue"),
    "SolaceDestination2": _destination("SolaceOnQueue2"),
}
