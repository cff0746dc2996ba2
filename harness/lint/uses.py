"""Where a contract uses schemas and expressions: the lists that rules go through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from harness.contract.documents import Documents
from harness.contract.message_parts import Reader
from harness.contract.model import Contract, Emission, Message, Place
from harness.contract.node import Node
from harness.lint.source import Source


def messages_of(contract: Contract) -> Iterator[Message]:
    """Every message of the channels that stand in the contract's own folder, each once."""
    seen: set[Place] = set()
    for channel in contract.channels.values():
        for message in channel.messages.values():
            if message.place not in seen and owns(contract, channel.place):
                seen.add(message.place)
                yield message


def messages_in(source: Source) -> Iterator[Message]:
    """``messages_of`` a document's contract, and its component messages that no channel uses."""
    seen: set[Place] = set()
    for message in messages_of(source.contract) if source.contract is not None else ():
        seen.add(message.place)
        yield message
    components = source.root.raw("components") if source.contract is not None else None
    listed = components.raw("messages") if components is not None else None
    reader = Reader(source.root, source.version[0])
    for name, node in listed.items(named=True) if listed is not None else ():
        message = reader.message(node, name)
        if message.place not in seen:
            yield message


def root_of(contract: Contract, kind: Literal["openapi", "asyncapi"]) -> Node | None:
    """The top of the contract's own OpenAPI or AsyncAPI document, or None without one."""
    documents = contract.documents
    if isinstance(documents, Documents):
        for uri, tree in documents.items():  # the contract's own come first
            if isinstance(tree, dict) and kind in tree:
                return Node.at(documents, documents.document(uri))
    return None


def owns(contract: Contract, place: Place) -> bool:
    """Whether a place is in one of the contract's own files rather than in one that it refers to."""
    own = contract.folder.resolve().as_uri() + "/"
    return any(file == place.file and uri.startswith(own) for uri, file in contract.files.items())


def explicit(emissions: tuple[Emission, ...]) -> Iterator[Emission]:
    """Those that an ``x-emits`` says; the others come from lifecycles."""
    return (each for each in emissions if not each.transitions)
