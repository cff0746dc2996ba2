"""What AsyncAPI's bindings say: Kafka's as far as the model speaks of it, every other protocol's as written.

Bindings that are not of the documented form are left aside here; lint says what is wrong with them.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.contract.model import EMPTY, JSON
from harness.contract.node import Node

_AVRO_ONLY = frozenset(("record", "fixed", "map", "bytes", "int", "long", "float", "double"))


def bindings_of(owner: Node) -> Mapping[str, JSON]:
    """Protocol → its binding as written, ``$ref``s at its top followed."""
    found = owner.get("bindings")
    if found is None or not isinstance(found.value, dict):
        return EMPTY
    return {name: each.follow().value for name, each in found.items()}


def kafka_of(owner: Node) -> Node | None:
    """The Kafka binding of a server, channel, operation or message, or None."""
    found = owner.get("bindings")
    kafka = found.get("kafka") if found is not None and isinstance(found.value, dict) else None
    return kafka if kafka is not None and isinstance(kafka.value, dict) else None


def count(kafka: Node | None, key: str) -> int | None:
    """A whole number from 1, such as ``partitions``; None if the binding says nothing of the kind."""
    value = kafka.value.get(key) if kafka is not None else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def text(kafka: Node | None, key: str) -> str:
    value = kafka.value.get(key) if kafka is not None else None
    return value if isinstance(value, str) else ""


def settled(kafka: Node | None, key: str) -> str | None:
    """The value that a schema such as ``groupId`` settles on; the text itself in the form of old bindings."""
    schema = kafka.get(key) if kafka is not None else None
    if schema is None:
        return None
    if isinstance(schema.value, str):
        return schema.value
    if not isinstance(schema.value, dict):
        return None
    choices = schema.value.get("enum")
    offered = choices if isinstance(choices, list) else []
    values = (schema.value.get("const"), *offered, schema.value.get("default"))
    return next((str(value) for value in values if value is not None), None)


def is_avro(key: Node) -> bool:
    """Whether a message's key is described in Avro, which Kafka's binding allows beside JSON Schema."""
    value = key.follow().value
    kind = value.get("type") if isinstance(value, dict) else value
    return isinstance(value, str | list) or (isinstance(kind, str) and kind in _AVRO_ONLY)
