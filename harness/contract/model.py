"""What a contract says, free of the version and format it was written in.

Everything here is frozen and holds no behaviour beyond look-ups: readers build it, everybody else
reads it. Runtime expressions, criteria and durations keep their meaning but not their spelling:
expressions stay text (``contract.expressions`` compiles them), durations are seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

JSON = Any
"""A JSON value as Python holds it: dict, list, str, int, float, bool or None."""


class _Empty(Mapping[str, Any]):
    """An immutable default: ``dataclass`` takes only hashable ones, which a mapping proxy is not in 3.11."""

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "{}"


EMPTY: Mapping[str, Any] = _Empty()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thing is written: a file (as the user named its folder) and a line counted from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


NOWHERE = Place("", 0)


@dataclass(frozen=True, slots=True)
class Schema:
    """A JSON Schema at the place where it is used.

    ``uri`` is absolute and ends in a JSON pointer fragment; ``raw`` is the node as written, with its
    ``$ref`` kept; ``resources`` maps each document's URI to its whole raw tree. ``name`` is the
    component schema that the node is or refers to, if any; ``dialect`` says how ``raw`` is to be read.
    Compile with ``contract.schema``.
    """

    uri: str
    raw: Mapping[str, Any] | bool
    place: Place = NOWHERE
    name: str | None = None
    dialect: Literal["2020-12", "openapi-3.0", "draft-07"] = "2020-12"
    resources: Mapping[str, Any] = field(default=EMPTY, repr=False, compare=False, hash=False)


@dataclass(frozen=True, slots=True)
class Example:
    """A named example; ``name`` is ``""`` for a single unnamed one."""

    name: str
    value: JSON
    summary: str = ""
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    location: Literal["path", "query", "header", "cookie"]
    required: bool
    schema: Schema
    style: str = "simple"
    explode: bool = False
    content_type: str | None = None
    examples: tuple[Example, ...] = ()
    description: str = ""
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class MediaType:
    content_type: str
    schema: Schema | None
    examples: tuple[Example, ...] = ()
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Body:
    required: bool
    content: Mapping[str, MediaType]
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Header:
    name: str
    required: bool
    schema: Schema | None
    examples: tuple[Example, ...] = ()
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Link:
    """What may be called next: ``operation`` is an operationId, values are runtime expressions."""

    name: str
    operation: str
    parameters: Mapping[str, JSON] = field(default=EMPTY)
    body: JSON = None
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Response:
    """``status`` as documented: ``"200"``, ``"4XX"`` or ``"default"``."""

    status: str
    description: str = ""
    headers: Mapping[str, Header] = field(default=EMPTY)
    content: Mapping[str, MediaType] = field(default=EMPTY)
    links: tuple[Link, ...] = ()
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Emission:
    """An event that success causes: one entry of ``x-emits``, or one implied by a lifecycle.

    ``operation`` is an AsyncAPI send operation of the same service. ``statuses`` is empty for "any
    2xx" and for message causes. ``key`` and ``correlation`` are runtime expressions over the cause.
    ``within`` is seconds. ``transitions`` are those that it comes from, if it was implied.
    """

    operation: str
    statuses: tuple[str, ...] = ()
    when: str | None = None
    key: str | None = None
    correlation: str | None = None
    count: int = 1
    within: float = 5.0
    transitions: tuple[Transition, ...] = ()
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Transition:
    """One edge of a lifecycle; no ``sources`` means that the aggregate begins here.

    Exactly one of ``by`` (an operationId or a receive operation), ``after`` (seconds spent in the source
    state) and ``follows`` is set. ``follows`` is a timed transition of another lifecycle of the contract,
    as (its schema, its seconds): when that one is made, this one is made with it. ``id`` is a runtime
    expression over the cause that names the aggregate, where it is not the one that the operation itself
    acts on; for ``follows``, ``$response.body`` is the document of the aggregate whose time was up.
    """

    to: str
    sources: tuple[str, ...] = ()
    by: str | None = None
    after: float | None = None
    when: str | None = None
    id: str | None = None
    place: Place = NOWHERE
    follows: tuple[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What a status may turn into. ``schema`` names the component schema, ``status`` its property."""

    schema: str
    status: str
    transitions: tuple[Transition, ...]
    emits: str | None = None
    deadlines: Mapping[str, float] = field(default=EMPTY)
    place: Place = NOWHERE

    @property
    def states(self) -> tuple[str, ...]:
        """Every state that a transition names, in order of appearance."""
        named = (state for edge in self.transitions for state in (*edge.sources, edge.to))
        return tuple(dict.fromkeys(named))


@dataclass(frozen=True, slots=True)
class Operation:
    """One HTTP operation. ``path`` has ``{parameters}`` and includes the server's base path.

    ``security`` lists alternatives, each scheme → scopes; empty means that none is needed.
    ``emits`` holds explicit and lifecycle-implied emissions together. ``requires`` is None if the
    contract does not say.
    """

    id: str
    method: str
    path: str
    summary: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    responses: Mapping[str, Response] = field(default=EMPTY)
    security: tuple[Mapping[str, tuple[str, ...]], ...] = ()
    emits: tuple[Emission, ...] = ()
    requires: tuple[str, ...] | None = None
    subject: str | None = None
    access: Mapping[str, str] = field(default=EMPTY)
    tags: tuple[str, ...] = ()
    deprecated: bool = False
    place: Place = NOWHERE

    @property
    def successes(self) -> tuple[Response, ...]:
        """The documented 2xx responses."""
        return tuple(r for status, r in self.responses.items() if status.startswith("2"))

    def response_for(self, status: int) -> Response | None:
        """The documented response for a status: exact, then ``4XX``, then ``default``."""
        responses = self.responses
        return responses.get(str(status)) or responses.get(f"{status // 100}XX") or responses.get("default")

    def parameter(self, location: str, name: str) -> Parameter | None:
        """The parameter of this name there (headers ignore case), or None."""
        for each in self.parameters:
            same = each.name.lower() == name.lower() if location == "header" else each.name == name
            if each.location == location and same:
                return each
        return None


@dataclass(frozen=True, slots=True)
class MessageExample:
    name: str
    payload: JSON
    headers: Mapping[str, JSON] = field(default=EMPTY)
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Message:
    """``key`` is the Kafka binding's key schema; ``subject`` a runtime expression for the patient."""

    name: str
    payload: Schema | None
    headers: Schema | None = None
    key: Schema | None = None
    content_type: str = "application/json"
    correlation: str | None = None
    subject: str | None = None
    examples: tuple[MessageExample, ...] = ()
    title: str = ""
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Channel:
    """``address`` is the Kafka topic."""

    id: str
    address: str
    messages: Mapping[str, Message] = field(default=EMPTY)
    partitions: int = 1
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class MessageOperation:
    """One AsyncAPI operation, from the point of view of the service whose contract holds it.

    ``attempts`` and ``backoff`` (seconds) come from ``x-retry``; ``dead_letter`` is the channel that
    takes what could not be processed.
    """

    id: str
    action: Literal["send", "receive"]
    channel: Channel
    messages: tuple[Message, ...]
    emits: tuple[Emission, ...] = ()
    attempts: int = 3
    backoff: float = 0.1
    dead_letter: Channel | None = None
    group: str | None = None
    summary: str = ""
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class SecurityScheme:
    """``kind`` is OpenAPI's type; ``scheme`` is e.g. ``bearer`` for kind ``http``."""

    name: str
    kind: str
    scheme: str = ""
    location: str = ""
    parameter: str = ""
    scopes: tuple[str, ...] = ()
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Contract:
    """One service's contract: its HTTP operations and its Kafka channels and operations.

    ``documents`` maps each file's URI to its raw tree, ``files`` the URI to the path as the user sees it.
    """

    service: str
    title: str
    version: str
    folder: Path
    operations: Mapping[str, Operation] = field(default=EMPTY)
    channels: Mapping[str, Channel] = field(default=EMPTY)
    message_operations: Mapping[str, MessageOperation] = field(default=EMPTY)
    schemas: Mapping[str, Schema] = field(default=EMPTY)
    lifecycles: Mapping[str, Lifecycle] = field(default=EMPTY)
    security_schemes: Mapping[str, SecurityScheme] = field(default=EMPTY)
    documents: Mapping[str, Any] = field(default=EMPTY, repr=False, compare=False, hash=False)
    files: Mapping[str, str] = field(default=EMPTY, repr=False, compare=False, hash=False)

    @property
    def sends(self) -> Mapping[str, MessageOperation]:
        return {k: v for k, v in self.message_operations.items() if v.action == "send"}

    @property
    def receives(self) -> Mapping[str, MessageOperation]:
        return {k: v for k, v in self.message_operations.items() if v.action == "receive"}

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
    workflows: tuple[Path, ...] = ()

    @property
    def topics(self) -> Mapping[str, Channel]:
        """Every topic that any contract names, by address."""
        return {c.address: c for contract in self.contracts.values() for c in contract.channels.values()}

    def sender_of(self, topic: str) -> tuple[Contract, MessageOperation] | None:
        """The contract and send operation that own a topic, or None."""
        for contract in self.contracts.values():
            for operation in contract.sends.values():
                if operation.channel.address == topic:
                    return contract, operation
        return None
