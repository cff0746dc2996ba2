"""What a cause does to an aggregate that the mock does not keep: told from the exchange and the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from harness.contract.criteria import expressions_in
from harness.contract.expressions import Context, evaluate, holds
from harness.contract.lifecycles import is_one_of
from harness.contract.model import JSON, Contract, Emission, Lifecycle, MessageOperation, Schema
from harness.contract.model import Transition as Edge
from mocks.events import (
    Change,
    Draft,
    caused,
    correlation_of,
    edge_taken,
    example_id,
    key_of,
    lifecycle_of,
)
from mocks.instances import OF_ANOTHER, Instances, told_of
from mocks.known import Document, without


@dataclass(slots=True)
class Changes:
    """Turns causes into drafts of events. Everything here is a function of the contract and the cause."""

    contract: Contract
    instances: Instances

    def of_exchange(
        self, emissions: tuple[Emission, ...], schema: Schema | None, context: Context
    ) -> Iterator[Draft]:
        """The events that an answered request causes. ``schema`` is that of the answer's body, if any."""
        for emission in emissions:
            send = self.contract.sends.get(emission.operation)
            if (
                send is None
                or not caused(emission, context.status, context)
                or _finds_nothing(emission, context)
            ):
                continue
            change = self._exchanged(emission, send, schema, context)
            for _ in range(emission.count):
                yield Draft(send, change, correlation_of(emission, context))

    def of_message(self, receive: MessageOperation, context: Context, cause: str) -> Iterator[Draft]:
        """The events that a message causes; ``cause`` is its id, so that a redelivery makes nothing new."""
        for emission in receive.emits:
            send = self.contract.sends.get(emission.operation)
            if send is None or not caused(emission, None, context) or _finds_nothing(emission, context):
                continue
            for change in self._of_each(emission, send, receive, context, cause):
                for _ in range(emission.count):
                    yield Draft(send, change, correlation_of(emission, context))

    def of_timer(self, change: Change, edge: Edge) -> Iterator[Draft]:
        """The events of a transition that time alone makes: its own, and those of what follows it."""
        lifecycle = change.lifecycle
        if lifecycle is None or change.state is None:
            return
        spoken = _spoken_of(edge) if edge.to == change.state else frozenset[str]()
        facts = {**without(change.facts, spoken), lifecycle.status: edge.to}
        after = self._whole(lifecycle, change.id, edge.to, (change.state,), facts)
        if spoken:  # what such a transition adds, only an example of it knows
            after = replace(after, document=without(after.document, spoken), silent=frozenset())
        yield from self._emitted(after)
        context = Context(response_body=after.document)
        for other in self.contract.lifecycles.values():
            for follower in other.transitions:
                if follower.follows == (lifecycle.schema, edge.after) and _applies(follower, context):
                    yield from self._emitted(self._following(other, follower, context))

    def _emitted(self, change: Change | None) -> Iterator[Draft]:
        send = self.contract.sends.get(change.lifecycle.emits or "") if change and change.lifecycle else None
        if change is not None and send is not None:
            yield Draft(send, change)

    def _following(self, lifecycle: Lifecycle, edge: Edge, context: Context) -> Change | None:
        id = evaluate(edge.id, context) if edge.id else None
        if not isinstance(id, str):
            return None
        return self._whole(lifecycle, id, edge.to, edge.sources, {lifecycle.status: edge.to})

    def _whole(
        self, lifecycle: Lifecycle, id: str, state: str, sources: tuple[str, ...], facts: Document
    ) -> Change:
        """A change of which the document has to be made up, around what is known."""
        document = self.instances.in_state(lifecycle, id, facts)
        silent = self.instances.silent(lifecycle.schema, document)
        return Change(lifecycle, id, state, sources, 1, document, facts, silent)

    def _exchanged(
        self, emission: Emission, send: MessageOperation, schema: Schema | None, context: Context
    ) -> Change:
        lifecycle = lifecycle_of(self.contract, emission)
        body = context.response_body if isinstance(context.response_body, Mapping) else {}
        id = key_of(emission, context) or example_id(send)
        itself = _shows(lifecycle, schema, body, id)
        status = lifecycle.status if lifecycle else "status"
        shown = body.get(status) if itself else None
        edge, sources = edge_taken(emission, context, shown)
        state = edge.to if edge else shown if isinstance(shown, str) else None
        document = self.instances.without_phi(schema, body)
        if not itself:
            return self._elsewhere(lifecycle, id, state, sources, without(document, {*OF_ANOTHER, status}))
        version = document.get("version")
        return Change(
            lifecycle,
            id,
            state,
            sources,
            version if isinstance(version, int) else 1,
            document,
            _facts(document, context.request_body, context.request_path),
            self.instances.silent(lifecycle.schema, document) if lifecycle else frozenset(),
        )

    def _elsewhere(
        self,
        lifecycle: Lifecycle | None,
        id: str,
        state: str | None,
        sources: tuple[str, ...],
        answered: Document,
    ) -> Change:
        """A change of another aggregate than the answer shows: what both have is taken from the answer."""
        if lifecycle is None or state is None or id not in self.instances.known.of(lifecycle.schema):
            return Change(lifecycle, id, state, sources, 1, answered)
        return self._whole(lifecycle, id, state, sources, {lifecycle.status: state})

    def _of_each(
        self,
        emission: Emission,
        send: MessageOperation,
        receive: MessageOperation,
        context: Context,
        cause: str,
    ) -> Iterator[Change]:
        """The one change that a message causes; where it names many, that of each which the examples show."""
        each = emission.transitions[0].each if emission.transitions else None
        lifecycle = lifecycle_of(self.contract, emission)
        if each is None or lifecycle is None:
            yield self._received(emission, send, receive, context, cause)
            return
        for id, document in self.instances.known.of(lifecycle.schema).items():
            status = document.get(lifecycle.status)
            edges = (e for e in emission.transitions if status in e.sources and _applies(e, context))
            edge = next((e for e in edges if is_one_of(e, document, context)), None)
            if edge is not None:
                yield self._whole(lifecycle, id, edge.to, (str(status),), {lifecycle.status: edge.to})

    def _received(
        self,
        emission: Emission,
        send: MessageOperation,
        receive: MessageOperation,
        context: Context,
        cause: str,
    ) -> Change:
        lifecycle = lifecycle_of(self.contract, emission)
        edge, sources = edge_taken(emission, context, None)
        payload = context.message_payload if isinstance(context.message_payload, Mapping) else {}
        known = self.contract.schemas.get(lifecycle.schema) if lifecycle else None
        id = key_of(emission, context) or example_id(send)
        if known is not None and edge is not None and edge.id is None and not edge.sources:
            id = self.instances.new_id(known, example_id(send), cause)
        facts = told_of(known, receive, payload)
        if lifecycle is None or edge is None:
            return Change(lifecycle, id, None, sources, 1, facts, facts)
        return self._whole(lifecycle, id, edge.to, sources, {**facts, lifecycle.status: edge.to})


def _spoken_of(edge: Edge) -> frozenset[str]:
    """The properties that a transition's criterion compares: one that leads nowhere else changes those."""
    found = expressions_in(edge.when) if edge.when is not None else ()
    return frozenset(each.tokens[0] for each in found if each.tokens)


def _finds_nothing(emission: Emission, context: Context) -> bool:
    """Whether a transition's ``id`` names no aggregate: then nothing moves."""
    named = bool(emission.transitions) and emission.transitions[0].id is not None
    return named and key_of(emission, context) is None


def _applies(edge: Edge, context: Context) -> bool:
    return edge.when is None or holds(edge.when, context)


def _shows(lifecycle: Lifecycle | None, schema: Schema | None, body: Document, id: str) -> bool:
    """Whether an answer's body is the very aggregate that an emission tells about."""
    if lifecycle is not None and schema is not None and schema.name not in (None, lifecycle.schema):
        return False
    return body.get("id") == id


def _facts(document: Document, body: JSON, path: Mapping[str, JSON]) -> dict[str, JSON]:
    """What of a document came with the request: ids, and what the request body says too."""
    sent = body if isinstance(body, Mapping) else {}
    return {
        name: value
        for name, value in document.items()
        if name.endswith("Id") or name in path or (name in sent and sent[name] == value)
    }
