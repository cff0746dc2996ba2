"""The messaging half of a contract: servers, channels, messages, and who sends or receives them.

AsyncAPI 2.x and 3.x come to the same here: an operation says what the service itself does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.contract.model.causes import Emission
from harness.contract.model.values import EMPTY, JSON, NOWHERE, Place, Schema

SecurityNeeds = tuple[Mapping[str, tuple[str, ...]], ...]
"""Alternatives, each scheme → scopes; empty means that none is needed."""


@dataclass(frozen=True, slots=True)
class MessageExample:
    """``payload`` is None for an example of headers alone, which ``has_payload`` tells from a null."""

    name: str
    payload: JSON
    headers: Mapping[str, JSON] = field(default=EMPTY)
    place: Place = NOWHERE
    summary: str = ""
    has_payload: bool = True


@dataclass(frozen=True, slots=True)
class Message:
    """``key`` is the Kafka binding's key schema; ``subject`` a runtime expression for the patient.

    ``format`` is the ``schemaFormat`` of the payload as written, ``""`` for AsyncAPI's own. An Avro schema
    stands in ``payload`` as the JSON Schema of its JSON encoding. ``untold`` says, as a phrase, why payloads
    on the wire cannot be judged (a schema language that is not read, a binary encoding); ``""`` if they can.
    ``bindings`` are all protocols' as written, ``$ref``s followed at their top.
    """

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
    id: str = ""
    format: str = ""
    untold: str = ""
    summary: str = ""
    deprecated: bool = False
    tags: tuple[str, ...] = ()
    bindings: Mapping[str, JSON] = field(default=EMPTY)

    @property
    def registry(self) -> Mapping[str, str]:
        """The Kafka binding's ``schemaIdLocation``, ``schemaIdPayloadEncoding``, ``schemaLookupStrategy``."""
        kafka = self.bindings.get("kafka")
        written = kafka.items() if isinstance(kafka, Mapping) else ()
        return {name: str(value) for name, value in written if name.startswith("schema")}


@dataclass(frozen=True, slots=True)
class ChannelParameter:
    """One ``{name}`` of a channel's address. ``schema`` holds its values, which are text.

    ``location`` is a runtime expression for where a message repeats the value.
    """

    name: str
    schema: Schema | None = None
    choices: tuple[str, ...] = ()
    default: str | None = None
    examples: tuple[str, ...] = ()
    location: str | None = None
    description: str = ""
    place: Place = NOWHERE

    @property
    def offered(self) -> tuple[str, ...]:
        """Values to use where nobody gives one: the default, the examples, the choices."""
        default = () if self.default is None else (self.default,)
        return (*default, *self.examples, *self.choices)


@dataclass(frozen=True, slots=True)
class Channel:
    """``address`` is the Kafka topic, or the other protocol's address, with its parameters filled in.

    ``template`` is the address as written, with its ``{parameters}``; None where the contract leaves it open
    (``address: null``), and ``address`` is then the channel's id. ``on_kafka`` is False for a channel whose
    servers and bindings are all of other protocols. ``topic_configuration`` is the Kafka binding's.
    """

    id: str
    address: str
    messages: Mapping[str, Message] = field(default=EMPTY)
    partitions: int = 1
    place: Place = NOWHERE
    template: str | None = None
    parameters: Mapping[str, ChannelParameter] = field(default=EMPTY)
    replicas: int | None = None
    topic_configuration: Mapping[str, JSON] = field(default=EMPTY)
    servers: tuple[str, ...] = ()
    on_kafka: bool = True
    title: str = ""
    description: str = ""
    bindings: Mapping[str, JSON] = field(default=EMPTY)


@dataclass(frozen=True, slots=True)
class Reply:
    """Where the answer to a message goes.

    ``address`` is a runtime expression over the request (``$message.header#/replyTo``), None where the
    channel's own address holds.
    """

    address: str | None = None
    channel: Channel | None = None
    messages: tuple[Message, ...] = ()
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Relation:
    """Who stands in which relation to whom, as a message tells it (``x-relation``).

    ``relation`` is a word of ``x-access``; ``actor`` and ``subject`` are runtime expressions, ``begins``
    and ``ends`` criteria over the message. ``within`` is how soon (seconds) an end has to be known.
    """

    relation: str
    actor: str
    subject: str
    begins: str
    ends: str
    within: float = 5.0
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class MessageOperation:
    """One AsyncAPI operation, from the point of view of the service whose contract holds it.

    ``attempts`` and ``backoff`` (seconds) come from ``x-retry``; ``dead_letter`` is the channel that takes
    what could not be processed. ``group`` and ``client`` are the only or default values that the Kafka
    binding's ``groupId`` and ``clientId`` schemas allow; None where they leave a choice. ``records`` is of
    what the messages are the record (``x-records``), which no emission causes.
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
    client: str | None = None
    reply: Reply | None = None
    security: SecurityNeeds = ()
    title: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    bindings: Mapping[str, JSON] = field(default=EMPTY)
    relation: Relation | None = None
    records: Literal["accesses"] | None = None


@dataclass(frozen=True, slots=True)
class MessageServer:
    """Where a contract's messages travel. ``host`` has its variables' defaults filled in.

    ``registry`` is the address of the schema registry that the Kafka binding names, ``vendor`` whose it is.
    """

    name: str
    host: str
    protocol: str
    pathname: str = ""
    security: SecurityNeeds = ()
    registry: str = ""
    vendor: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    bindings: Mapping[str, JSON] = field(default=EMPTY)
    place: Place = NOWHERE
