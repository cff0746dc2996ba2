"""Channels of AsyncAPI documents, by what the text of the specification asks and its schemas cannot say.

Warnings, for whoever judges a document by the published schemas takes such a one for valid.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.contract.message_parts import PLACEHOLDER
from harness.contract.nearest import did_you_mean
from harness.contract.node import Node
from harness.contract.traits import with_traits
from harness.errors import ContractError
from harness.findings import Finding
from harness.lint.rule import Rule, finding
from harness.lint.source import Source


def _held(owner: Node | None, key: str) -> Iterator[Node]:
    """The entries of a mapping, as they are written; none where something else stands."""
    listed = owner.raw(key) if owner is not None else None
    for name in listed.value if listed is not None and isinstance(listed.value, dict) else ():
        if listed is not None and isinstance(listed.value[name], dict) and not name.startswith("x-"):
            yield listed.child(name)


def _channels(source: Source) -> Iterator[tuple[Node, str | None]]:
    """Each channel that the document has itself, with its address; None where it leaves that open."""
    if source.format != "asyncapi" or not isinstance(source.root.value, dict):
        return
    entries = list(_held(source.root, "channels"))
    if source.version >= (3, 0):
        entries += _held(source.root.raw("components"), "channels")
    seen = set[str]()
    for entry in entries:
        try:
            node = entry.follow()
        except ContractError:
            continue  # the rule "reference" says so
        if not isinstance(node.value, dict) or node.uri in seen:
            continue
        seen.add(node.uri)
        said = node.value.get("address") if source.version >= (3, 0) else entry.key
        yield node, said if isinstance(said, str) else None


def parameters_fit(source: Source) -> Iterator[Finding]:
    """Channel Object, ``parameters``: all that the address uses, and no more; many leave it out."""
    for channel, address in _channels(source):
        if "parameters" not in channel.value:
            continue
        used = dict.fromkeys(PLACEHOLDER.findall(address or ""))
        declared = {each.key: each for each in _held(channel, "parameters")}
        for name in used:
            if name not in declared:
                yield finding(
                    "channel-parameter",
                    source,
                    channel.place,
                    f"the channel's parameter '{name}' is not declared",
                    received=str(address),
                    documented=f"'{name}' under 'parameters'. {did_you_mean(name, declared)}".strip(),
                    operation=channel.key,
                    severity="warning",
                )
        for name, node in declared.items():
            if name not in used:
                yield finding(
                    "channel-parameter",
                    source,
                    node.place,
                    f"the channel's address has no '{{{name}}}'",
                    received=address or "no address",
                    documented=f"'{{{name}}}' in the address, or no such parameter",
                    operation=channel.key,
                    severity="warning",
                )


def addresses_are_bare(source: Source) -> Iterator[Finding]:
    """Channel Object, ``address``: query parameters and fragments shall not be used."""
    for channel, address in _channels(source):
        plain = PLACEHOLDER.sub("", address or "")
        for mark, called in (("?", "a query"), ("#", "a fragment")):
            if mark in plain:
                yield finding(
                    "channel-address",
                    source,
                    channel.place,
                    f"a channel's address has {called}",
                    received=str(address),
                    documented="the address alone; a binding says what the protocol needs beside it",
                    operation=channel.key,
                    severity="warning",
                )


def servers_and_channels_are_the_documents(source: Source) -> Iterator[Finding]:
    """Channel Object, ``servers``; Operation Object, ``channel``: what stands at the document's top is meant,
    not a component that nothing there uses."""
    if source.format != "asyncapi" or not isinstance(source.root.value, dict):
        return
    known = {each.key for each in _held(source.root, "servers")}
    for channel in _held(source.root, "channels"):
        listed = channel.value.get("servers")
        for index in range(len(listed) if isinstance(listed, list) else 0):
            each = channel.child("servers").child(index)
            if source.version >= (3, 0):
                yield from _of_components(source, each, "servers")
            elif isinstance(each.value, str) and each.value not in known:
                yield finding(
                    "channel-server",
                    source,
                    each.place,
                    f"there is no server '{each.value}'",
                    received=each.value,
                    documented=f"the name of a server. {did_you_mean(each.value, known)}".strip(),
                    operation=channel.key,
                    severity="warning",
                )
    for operation in _held(source.root, "operations"):
        node = operation.raw("channel")
        if node is not None:
            yield from _of_components(source, node, "channels")


def _of_components(source: Source, node: Node, section: str) -> Iterator[Finding]:
    ref = node.value.get("$ref") if isinstance(node.value, dict) else None
    if isinstance(ref, str) and ref.partition("#")[2].startswith("/components/"):
        yield finding(
            "channel-server",
            source,
            node.place,
            f"this refers to a component, not to one of the document's {section}",
            received=ref,
            documented=f"#/{section}/…, which may itself be a $ref to the component",
            severity="warning",
        )


def ids_differ(source: Source) -> Iterator[Finding]:
    """Operation Object, ``operationId``; Message Object, ``messageId`` (2.x): unique, traits merged in."""
    if source.format != "asyncapi" or source.version >= (3, 0):
        return
    first: dict[tuple[str, str], Node] = {}
    for word, node in _named(source):
        try:
            said = with_traits(node, 2).value.get(word)
        except ContractError:
            continue  # the rule "reference" says so
        if not isinstance(said, str):
            continue
        before = first.setdefault((word, said), node)
        if before.uri != node.uri:
            yield finding(
                "asyncapi-id",
                source,
                node.place,
                f"the {word} '{said}' is taken",
                received=f"{said}, as in {before.place}",
                documented=f"a {word} of its own",
                operation=said,
                severity="warning",
            )


def _named(source: Source) -> Iterator[tuple[str, Node]]:
    for kind, word in (("Operation", "operationId"), ("Message", "messageId")):
        for piece in source.walk.of(kind):
            node = piece.node
            is_used = not node.pointer.startswith("/components/") or node.uri in source.walk.reached
            if piece.first and is_used and isinstance(node.value, dict):
                yield word, node


RULES = (
    Rule(
        "channel-parameter",
        "a channel declares the parameters of its address, and no others",
        source=parameters_fit,
        severity="warning",
        why="Without both halves no address can be made, and no value read from one.",
        mend="Use one name in the address and for the parameter.",
    ),
    Rule(
        "channel-address",
        "a channel's address is bare of query and fragment",
        source=addresses_are_bare,
        severity="warning",
        why="Brokers know no such parts, and tools differ in what they make of them.",
        mend="Say it in a binding of the channel.",
    ),
    Rule(
        "channel-server",
        "operations are on channels of the document, and channels on its servers",
        source=servers_and_channels_are_the_documents,
        severity="warning",
        why="Nobody can connect to a server that is not there, nor listen on a channel that is not.",
        mend="Name a server or channel of the document's own.",
    ),
    Rule(
        "asyncapi-id",
        "operations and messages of AsyncAPI 2.x have ids of their own",
        source=ids_differ,
        severity="warning",
        why="Handlers and generated code are named by them.",
        mend="Give each an id of its own.",
    ),
)
