"""AsyncAPI operations speak of messages that their channel lists."""

from __future__ import annotations

from collections.abc import Iterator

from harness.contract.nearest import did_you_mean
from harness.contract.node import Node
from harness.errors import ContractError
from harness.findings import Finding
from harness.lint.rule import Rule, finding
from harness.lint.source import Source


def messages_are_the_channels(source: Source) -> Iterator[Finding]:
    """Of operations and of replies (AsyncAPI 3.0, Operation Object and Operation Reply Object: messages)."""
    if source.format != "asyncapi" or source.version[0] < 3:
        return
    for piece in source.walk.of("Operation", "Reply"):
        node = piece.node
        try:
            channel = node.get("channel") if isinstance(node.value, dict) else None
        except ContractError:
            continue  # a reference that leads nowhere
        if channel is not None and isinstance(channel.value, dict):
            yield from _missing(source, node, channel)


def _missing(source: Source, node: Node, channel: Node) -> Iterator[Finding]:
    held = channel.value.get("messages")
    names = list(held) if isinstance(held, dict) else []
    known = {uri for name in names for uri in _ways(channel.child("messages").child(name))}
    listed = node.value.get("messages")
    for index in range(len(listed) if isinstance(listed, list) else 0):
        entry = node.child("messages").child(index)
        ways = _ways(entry)
        if ways and known.isdisjoint(ways):
            called = ways[-1].rpartition("/")[2]
            yield finding(
                "channel-message",
                source,
                entry.place,
                f"the channel '{channel.key}' does not list the message '{called}'",
                received=str(entry.value.get("$ref") if isinstance(entry.value, dict) else called),
                documented=f"a $ref to a message of '{channel.key}'. {did_you_mean(called, names)}",
                operation=node.key,
            )


def _ways(node: Node) -> list[str]:
    """URIs of all that a chain of references passes, empty if it leads nowhere."""
    passed = [node.uri]
    while isinstance(node.value, dict) and isinstance(node.value.get("$ref"), str):
        try:
            found = node.documents.resolve(node.document.uri, node.value["$ref"], node.place, node.pointer)
        except ContractError:
            return []
        node = Node.at(node.documents, *found)
        if node.uri in passed:
            return []
        passed.append(node.uri)
    return passed


RULES = (
    Rule(
        "channel-message",
        "operations speak of messages that their channel lists",
        source=messages_are_the_channels,
        why="What the channel does not list cannot be on it, so the operation can never happen.",
        mend="Add the message to the channel, or refer to one that is there.",
    ),
)
