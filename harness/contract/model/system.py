"""Contracts as a whole, and all of a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.contract.model.causes import Lifecycle, Transition
from harness.contract.model.http import Link, Operation, Response, SecurityScheme
from harness.contract.model.messages import Channel, MessageOperation, MessageServer
from harness.contract.model.values import EMPTY, JSON, NOWHERE, Place, Schema

if TYPE_CHECKING:
    from harness.contract.model.workflows import WorkflowDocument


@dataclass(frozen=True, slots=True)
class Contract:
    """One service's contract: its HTTP operations and its Kafka channels and operations.

    ``webhooks`` are what the service sends by itself, by operation id.
    ``documents`` maps each file's URI to its raw tree, ``files`` the URI to the path as the user sees it.
    """

    service: str
    title: str
    version: str
    folder: Path
    operations: Mapping[str, Operation] = field(default=EMPTY)
    channels: Mapping[str, Channel] = field(default=EMPTY)
    message_operations: Mapping[str, MessageOperation] = field(default=EMPTY)
    message_servers: Mapping[str, MessageServer] = field(default=EMPTY)
    schemas: Mapping[str, Schema] = field(default=EMPTY)
    lifecycles: Mapping[str, Lifecycle] = field(default=EMPTY)
    security_schemes: Mapping[str, SecurityScheme] = field(default=EMPTY)
    documents: Mapping[str, Any] = field(default=EMPTY, repr=False, compare=False, hash=False)
    files: Mapping[str, str] = field(default=EMPTY, repr=False, compare=False, hash=False)
    webhooks: Mapping[str, Operation] = field(default=EMPTY)

    @property
    def sends(self) -> Mapping[str, MessageOperation]:
        return {k: v for k, v in self.message_operations.items() if v.action == "send"}

    @property
    def receives(self) -> Mapping[str, MessageOperation]:
        return {k: v for k, v in self.message_operations.items() if v.action == "receive"}

    @property
    def access_record(self) -> MessageOperation | None:
        """The send operation that tells of every access (``x-records: accesses``), or None."""
        return next((each for each in self.message_operations.values() if each.records), None)

    def links_to(self, operation: str) -> Iterator[tuple[Operation, Response, Link]]:
        """Every link of this contract that leads to an operation, with where it starts."""
        for source in self.operations.values():
            for response in source.responses.values():
                for link in response.links:
                    if link.operation == operation:
                        yield source, response, link

    def caused_by(self, cause: str) -> Iterator[tuple[Lifecycle, Transition]]:
        """The lifecycle edges that an operationId or a receive operation drives."""
        for lifecycle in self.lifecycles.values():
            for edge in lifecycle.transitions:
                if edge.by == cause:
                    yield lifecycle, edge


@dataclass(frozen=True, slots=True)
class Persona:
    """A synthetic person of ``personas.yaml``; ``facts`` is the entry as written."""

    key: str
    id: str
    name: str
    story: str
    facts: Mapping[str, JSON] = field(default=EMPTY)
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class System:
    """All contracts of a folder, with the people, pacts and workflows beside them."""

    folder: Path
    contracts: Mapping[str, Contract]
    personas: tuple[Persona, ...] = ()
    pacts: tuple[Path, ...] = ()
    workflows: tuple[WorkflowDocument, ...] = ()

    @property
    def topics(self) -> Mapping[str, Channel]:
        """Every Kafka topic that any contract names, by address."""
        channels = (each for contract in self.contracts.values() for each in contract.channels.values())
        return {each.address: each for each in channels if each.on_kafka}

    def sender_of(self, topic: str) -> tuple[Contract, MessageOperation] | None:
        """The contract and send operation that own a topic, or None."""
        for contract in self.contracts.values():
            for operation in contract.sends.values():
                if operation.channel.address == topic:
                    return contract, operation
        return None
