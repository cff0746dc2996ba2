"""Provider states, reset and the clock: what tests may do to a service. None of it emits events."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

from harness.contract.aggregates import kept
from harness.contract.model import JSON
from harness.contract.nearest import did_you_mean
from harness.contract.schema import complete
from harness.errors import StateError
from harness.serving.control import Action, Held
from reference_services.platform import records, tables, timers
from reference_services.platform.aggregate import Aggregate
from reference_services.platform.clock import Clock
from reference_services.platform.kinds import Kind, check_document
from reference_services.platform.seeds import id_of, seeds
from reference_services.platform.situation import Knowledge
from reference_services.platform.store import Store, Transaction
from reference_services.platform.timers import Timers
from reference_services.platform.values import instant


class ServiceControl:
    """``harness.serving.control.Control`` over one service's store and clock."""

    def __init__(self, store: Store, knowledge: Knowledge, clock: Clock, clockwork: Timers) -> None:
        self._store, self._knowledge, self._clock, self._timers = store, knowledge, clock, clockwork
        self._types = frozenset(kept(knowledge.contract))

    def change_state(self, schema: str, action: Action, parameters: Mapping[str, JSON]) -> Held:
        """Put in, over what has the same id, or take out. Raises StateError or ContractError."""
        kind = self._kind(schema)
        if action == "teardown":
            self._remove(kind, parameters)
            return Held(schema, None, 0)
        partial = dict(parameters)
        if kind.identified and partial.get("id") is None:
            partial["id"] = kind.new_id()
        document = complete(self._knowledge.contract, schema, partial)
        try:
            aggregate = self._hold(kind, document)
        except StateError:
            own = kind.of_its_own(document, parameters)
            if own == document:
                raise
            aggregate = self._hold(kind, own)
        return Held(schema, aggregate.document, aggregate.version)

    def _hold(self, kind: Kind, document: Mapping[str, JSON]) -> Aggregate:
        with self._store.transaction(write=True) as transaction:
            aggregate = self._put(transaction, kind, id_of(kind, document) or kind.new_id(), document)
            if kind.rules is not None:
                timers.restart(transaction, aggregate, kind.rules, self._clock.now())
        return aggregate

    def reset(self, *, seed: bool) -> None:
        """Empty every table; with ``seed`` put in what the contract's examples show. Real time again."""
        self._clock.set_back()
        with self._store.transaction(write=True) as transaction:
            records.clear(transaction, tables.metadata.sorted_tables)
            if seed:
                self.seed(transaction)
            transaction.wake("timers")

    def seed(self, transaction: Transaction) -> None:
        """Put in what the contract's examples show.

        They stay so: the time of a held slot begins to run when something holds it, or a state is made.
        """
        for type, id, document in seeds(self._knowledge.contract, self._knowledge.kinds):
            self._put(transaction, self._knowledge.kind(type), id, document)

    def seed_if_empty(self) -> None:
        """A service's first start."""
        with self._store.transaction(write=True) as transaction:
            if records.count(transaction, []) == 0:
                self.seed(transaction)

    def now(self) -> datetime:
        return self._clock.now()

    def set_now(self, now: datetime) -> None:
        """Forward it passes through every timer; back it just is."""
        if now > self._clock.now():
            self._timers.advance(now)
        else:
            self._clock.set(now)
            self._timers.again()

    def advance(self, seconds: float) -> None:
        self._timers.advance(self._clock.now() + timedelta(seconds=seconds))

    def healthy(self) -> bool:
        with self._store.transaction(write=False) as transaction:
            timers.next_due(transaction)
        return True

    def _kind(self, schema: str) -> Kind:
        if schema not in self._types:
            raise StateError(
                f"{schema} exists",
                f"{self._knowledge.contract.service} keeps nothing of that kind",
                f"one of {', '.join(sorted(self._types))}",
                did_you_mean(schema, self._types),
            )
        return self._knowledge.kind(schema)

    def _remove(self, kind: Kind, parameters: Mapping[str, JSON]) -> None:
        id = id_of(kind, parameters)
        if id is None:
            raise StateError(
                f"{kind.name} exists", "the parameters do not say which one is to be removed", "its id"
            )
        with self._store.transaction(write=True) as transaction:
            found = records.read(transaction, kind.name, id)
            if found is not None:
                records.remove(transaction, found)

    def _put(self, transaction: Transaction, kind: Kind, id: str, document: Mapping[str, JSON]) -> Aggregate:
        """As if it had come about by itself: in its document's version and status, since now."""
        check_document(kind, document)
        before = records.read(transaction, kind.name, id)
        if before is not None:
            records.remove(transaction, before)
        version = document.get("version", 1) if kind.versioned else 1
        status = document.get(kind.rules.status) if kind.rules is not None else None
        aggregate = Aggregate(
            kind.name,
            id,
            version,
            records.stored(document),
            kind.subject_of(document),
            status,
            instant(self._clock.now()),
            str(uuid.uuid4()),
            kind.unique,
        )
        try:
            records.add(transaction, aggregate)
        except records.Taken as taken:
            raise StateError(
                f"{kind.name} exists", f"another {kind.name} has the same {taken.name}", "a different one"
            ) from None
        return aggregate
