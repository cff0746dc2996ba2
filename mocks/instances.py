"""Whole documents of what a mock does not keep: from the contract's examples and what a cause tells."""

from __future__ import annotations

import re
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.contract.expressions import Context
from harness.contract.model import JSON, Contract, Lifecycle, MessageOperation, Schema, Transition
from harness.contract.schema import compile_schema, complete, generate, phi_properties, properties, says
from harness.errors import ContractError
from mocks.known import Document, Known, without

OF_ANOTHER = frozenset({"id", "version", "from", "to", "reason", "occurredAt"})
"""Properties that speak of one aggregate's own change, so they mean nothing for another."""


@dataclass(slots=True)
class Instances:
    """Makes instances of one contract's component schemas, always the same ones for the same cause."""

    contract: Contract
    known: Known
    _guarded: dict[str, frozenset[str]] = field(default_factory=dict)

    def in_state(self, lifecycle: Lifecycle, id: str, facts: Document) -> dict[str, JSON]:
        """``whole``, without ``x-phi``."""
        schema = self.contract.schemas.get(lifecycle.schema)
        return self.without_phi(schema, self.whole(lifecycle, id, facts))

    def whole(self, lifecycle: Lifecycle, id: str, facts: Document) -> dict[str, JSON]:
        """The thing with this id of which these facts are known, its state among them.

        The known one if it is in that state; else one that is in it, with what the known one says of the same
        properties, and without references to what only the other one has to do with. Only the facts, if no
        whole document can be made.
        """
        schema, state = lifecycle.schema, facts.get(lifecycle.status)
        before = self.known.of(schema).get(id, {})
        certain = {"id": id, **facts}
        if before and before.get(lifecycle.status) == state:
            return {**before, **certain}
        for partial in (certain, {"id": id, lifecycle.status: state}, {lifecycle.status: state}, {}):
            try:
                whole = complete(self.contract, schema, partial)
            except ContractError:
                continue
            same = {name: before[name] for name in whole if name in before}
            whole = without(whole, self._foreign(schema, whole, {*before, *certain}))
            return {**whole, **same, **certain}
        return certain

    def begun(
        self, operation: MessageOperation, schema: str, edge: Transition, context: Context, cause: str
    ) -> tuple[str, dict[str, JSON]] | None:
        """The key and document of what a message begins; None if its component schema is not known."""
        known, lifecycle = self.contract.schemas.get(schema), self.contract.lifecycles.get(schema)
        if known is None or lifecycle is None:
            return None
        payload = context.message_payload if isinstance(context.message_payload, Mapping) else {}
        model = next(iter(self.known.of(schema)), "")
        id = self.new_id(known, model, cause)
        facts = told_of(known, operation, payload)
        return id, self.whole(lifecycle, id, {**facts, lifecycle.status: edge.to})

    def _foreign(self, schema: str, whole: Document, known: set[str]) -> set[str]:
        required = says(self.contract.schemas[schema], "required") or ()
        return {name for name in whole if name.endswith("Id") and name not in known and name not in required}

    def without_phi(self, schema: Schema | None, document: Document) -> dict[str, JSON]:
        """The document without every property that is, or holds, ``x-phi``: an event carries none."""
        if schema is None:
            return dict(document)
        if schema.uri not in self._guarded:
            self._guarded[schema.uri] = frozenset(p.split("/")[1] for p in phi_properties(schema) if "/" in p)
        return without(document, self._guarded[schema.uri])

    def silent(self, schema: str, document: Document) -> frozenset[str]:
        """The properties that a component schema describes and a document of it does not have."""
        described = self.contract.schemas.get(schema)
        return frozenset(properties(described)) - document.keys() if described is not None else frozenset()

    def new_id(self, schema: Schema, model: str, cause: str) -> str:
        """An id for what ``cause`` begins: of the schema's shape, like ``model`` if that is allowed."""
        described = properties(schema).get("id")
        name = uuid.uuid5(uuid.NAMESPACE_URL, f"{self.contract.service}/{schema.name}/{cause}")
        if described is None:
            return str(name)
        head, dash, tail = model.rpartition("-")
        for candidate in (f"{head}{dash}{name.hex[: max(len(tail), 12)]}", str(name)):
            if compile_schema(described).is_valid(candidate):
                return candidate
        return str(generate(described, zlib.crc32(name.bytes)))


def told_of(schema: Schema | None, receive: MessageOperation, payload: Document) -> dict[str, JSON]:
    """What a message says of an aggregate: properties that both have, and the id of what it is about.

    An ``appointmentId`` is the ``id`` of a message on the appointments' channel.
    """
    facts = without(payload, OF_ANOTHER)
    if schema is None:
        return facts
    named = properties(schema)
    about = {name: payload["id"] for name in named if "id" in payload and _names_entity(name, receive)}
    return {name: value for name, value in facts.items() if name in named} | about


def _names_entity(name: str, receive: MessageOperation) -> bool:
    """Whether a property such as ``appointmentId`` names what a channel's messages are about."""
    if not name.endswith("Id"):
        return False
    channel = receive.channel
    spoken = (channel.id, *channel.address.split("."), *(message.name for message in receive.messages))
    words = {re.sub(r"[^a-z0-9]", "", word.lower()) for word in spoken}
    return name[:-2].lower() in words | {word.removesuffix("changed") for word in words}
