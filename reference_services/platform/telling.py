"""What one transaction tells: the events of its changes, laid into its outbox."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from harness.contract.expressions import Context, evaluate, holds
from harness.contract.model import EMPTY, JSON, Emission, Transition
from harness.serving.emitting import Cause
from harness.serving.exchange import Answer
from reference_services.platform.aggregate import Aggregate
from reference_services.platform.events import Happening, emit
from reference_services.platform.kinds import Kind
from reference_services.platform.situation import Knowledge, Situation
from reference_services.platform.store import Transaction


class Telling:
    """Remembers how each aggregate came to be as it is, for whatever else is told of it."""

    def __init__(self, transaction: Transaction, knowledge: Knowledge, situation: Situation) -> None:
        self._transaction, self._knowledge, self._situation = transaction, knowledge, situation
        self._told: dict[tuple[str, str], Happening] = {}

    def happened(
        self,
        aggregate: Aggregate,
        kind: Kind,
        edge: Transition | None,
        before: str | None,
        because: str | None,
    ) -> None:
        """An aggregate has changed: a transition's event, if it made one. ``before`` is its status then."""
        happening = Happening(
            aggregate.id, aggregate.version, aggregate.document, before, aggregate.status, because
        )
        self._told[(aggregate.type, aggregate.id)] = happening
        if edge is not None and kind.rules is not None and kind.rules.emits is not None:
            self._emit(kind.rules.emits, happening, aggregate.id, self._situation.cause)

    def explicitly(
        self, emissions: Iterable[Emission], about: Aggregate | None, answer: Answer | None
    ) -> None:
        """What explicit ``x-emits`` say of a success; ``answer`` is None where a message was its cause."""
        body = answer.body if answer is not None else None
        context = replace(
            self._situation.context,
            status=0 if answer is None else answer.status,
            response_headers=EMPTY if answer is None else answer.headers,
            response_body=None if isinstance(body, bytes) else body,
        )
        for emission in emissions:
            if answer is not None and not _covers(emission, answer.status):
                continue
            if emission.when is None or holds(emission.when, context):
                self._emit_explicit(emission, about, context)

    def _emit_explicit(self, emission: Emission, about: Aggregate | None, context: Context) -> None:
        happening = self._of(about, context.response_body)
        if happening is None:
            return
        key = evaluate(emission.key, context) if emission.key is not None else None
        correlation = evaluate(emission.correlation, context) if emission.correlation is not None else None
        own = self._situation.cause
        cause = own if correlation is None else replace(own, correlation=str(correlation))
        for _ in range(emission.count):
            self._emit(emission.operation, happening, happening.id if key is None else str(key), cause)

    def _of(self, about: Aggregate | None, body: JSON) -> Happening | None:
        """What an explicit event tells: of the aggregate that was touched, else of the answer."""
        if about is not None:
            told = self._told.get((about.type, about.id))
            return told or Happening(about.id, about.version, about.document, None, about.status)
        if isinstance(body, Mapping) and body.get("id") is not None:
            return Happening(str(body["id"]), 1, body, None, None)
        return None

    def _emit(self, operation: str, happening: Happening, key: str, cause: Cause) -> None:
        plan, now = self._knowledge.sends[operation], self._situation.now
        emit(self._transaction, self._knowledge.contract, plan, happening, key=key, cause=cause, now=now)


def _covers(emission: Emission, status: int) -> bool:
    if emission.statuses:
        return str(status) in emission.statuses or f"{status // 100}XX" in emission.statuses
    return 200 <= status < 300
