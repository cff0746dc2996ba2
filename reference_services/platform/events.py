"""Events: what of an aggregate goes into a payload, and its way into the outbox of the same transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import CursorResult, bindparam, delete, insert

from harness.contract.model import JSON, Contract, MessageOperation
from harness.contract.schema import Validator, compile_schema, properties
from harness.errors import ContractError
from harness.serving.accesses import NORMAL
from harness.serving.emitting import Cause, Event, make_event
from reference_services.platform import tables
from reference_services.platform.aggregate import PRIVATE
from reference_services.platform.store import Transaction
from reference_services.platform.values import timestamp

_INSERT = insert(tables.outbox)
_TAKE_BACK = delete(tables.outbox).where(tables.outbox.c.seq == bindparam("laid"))


@dataclass(frozen=True, slots=True)
class Happening:
    """What an event tells: an aggregate's document as it stands, and how it came there.

    ``source`` is the state before, None where it begins; ``reason`` a code.
    """

    id: str
    version: int
    document: Mapping[str, JSON]
    source: str | None
    to: str | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SendPlan:
    """A send operation of AsyncAPI with its payload's property names and its validator."""

    operation: MessageOperation
    names: tuple[str, ...]
    nullable: frozenset[str]
    validator: Validator | None

    def payload(self, happening: Happening, now: datetime) -> dict[str, JSON]:
        """Those properties that the contract declares, and no others. Raises ContractError if they do not do.

        ``from``, ``to``, ``reason`` and the like are the happening's; a ``reason`` of the document is the
        patient's own words and never taken.
        """
        told: dict[str, JSON] = {
            "confidentiality": NORMAL,
            **happening.document,
            "id": happening.id,
            "version": happening.version,
            "from": happening.source,
            "to": happening.to,
            "reason": happening.reason,
            "occurredAt": timestamp(now),
        }
        payload = {
            name: told[name]
            for name in self.names
            if name in told and not name.startswith(PRIVATE)
            if told[name] is not None or name in self.nullable
        }
        if self.validator is not None and (wrong := self.validator.violations(payload)):
            raise ContractError(
                str(self.operation.place) if self.operation.place.file else self.operation.id,
                f"the event {self.operation.id} cannot be made of what is kept: "
                + "; ".join(f"{each.pointer or '/'} {each.detail}" for each in wrong),
                "a payload that keeps its schema",
                "Keep those properties in the aggregate, or give the change its reason (because=…)",
            )
        return payload


def send_plans(contract: Contract) -> dict[str, SendPlan]:
    """All send operations of a contract, by id."""
    plans = {}
    for operation in contract.sends.values():
        schema = operation.messages[0].payload if operation.messages else None
        named = {} if schema is None else properties(schema)
        plans[operation.id] = SendPlan(
            operation,
            tuple(named),
            frozenset(name for name, each in named.items() if compile_schema(each).is_valid(None)),
            None if schema is None else compile_schema(schema),
        )
    return plans


def emit(
    transaction: Transaction,
    contract: Contract,
    plan: SendPlan,
    happening: Happening,
    *,
    key: str,
    cause: Cause,
    now: datetime,
) -> None:
    """Lay one event into the outbox; ``ce_sequence`` is the aggregate's version."""
    event = make_event(
        contract,
        plan.operation,
        plan.payload(happening, now),
        key=key,
        cause=cause,
        sequence=happening.version,
        now=now,
    )
    put(transaction, event.topic, event.key, event.headers, event.value)


def put(
    transaction: Transaction,
    topic: str,
    key: str | None,
    headers: Iterable[tuple[str, bytes]],
    value: bytes | None,
) -> None:
    """Lay a record into the outbox."""
    _lay(transaction, topic, key, headers, value)


def put_and_take_back(transaction: Transaction, event: Event) -> None:
    """As much work as ``put`` of an event, and nothing comes of it."""
    laid = _lay(transaction, event.topic, event.key, event.headers, event.value).inserted_primary_key
    if laid is not None:
        transaction.connection.execute(_TAKE_BACK, {"laid": laid[0]})


def _lay(
    transaction: Transaction,
    topic: str,
    key: str | None,
    headers: Iterable[tuple[str, bytes]],
    value: bytes | None,
) -> CursorResult[Any]:
    transaction.must_write()
    pairs = [(name, content.decode("latin-1")) for name, content in headers]
    row = {"topic": topic, "key": key, "headers": orjson.dumps(pairs).decode(), "value": value}
    transaction.wake("outbox")
    return transaction.connection.execute(_INSERT, row)
