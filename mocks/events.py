"""Which events a success causes, and what they say: the contract's example, overlaid with the exchange.

Pure functions from the contract and what is known of the cause to drafts; ``publishing`` sends them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from harness.contract.expressions import Context, evaluate, holds
from harness.contract.model import (
    EMPTY,
    JSON,
    Contract,
    Emission,
    Lifecycle,
    Message,
    MessageOperation,
    Transition,
)
from harness.contract.schema import compile_schema, example_of, properties, says
from harness.errors import ContractError
from mocks.known import Document, without

_ITS_OWN = frozenset({"id", "version", "from", "to", "reason", "occurredAt"})
"""What an event says about its own change: never copied from a document."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a cause did to one aggregate, as far as a mock can know.

    ``facts`` are those properties that came from the cause rather than from an example. ``lifecycle`` is
    None for an event that no lifecycle emits. ``version`` is that of the document, where it has one.
    ``silent`` are the properties that the document could have and has not.
    """

    lifecycle: Lifecycle | None
    id: str
    state: str | None
    sources: tuple[str, ...] = ()
    version: int = 1
    document: Document = field(default=EMPTY, repr=False)
    facts: Document = field(default=EMPTY, repr=False)
    silent: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Draft:
    """An event that is going to be: everything but its headers, version and time.

    ``kept`` says that it tells of what a state holds: then its version is the one of the thing. ``session``
    is the one whose state that is.
    """

    send: MessageOperation
    change: Change
    correlation: str | None = None
    kept: bool = False
    session: str = ""

    @property
    def key(self) -> str:
        return self.change.id


def lifecycle_of(contract: Contract, emission: Emission) -> Lifecycle | None:
    """The lifecycle that an emission tells about: the one it is implied by, else one with that event."""
    emitting = [each for each in contract.lifecycles.values() if each.emits == emission.operation]
    for lifecycle in emitting:
        if emission.transitions and emission.transitions[0] in lifecycle.transitions:
            return lifecycle
    return emitting[0] if len(emitting) == 1 else None


def caused(emission: Emission, status: int | None, context: Context) -> bool:
    """Whether an outcome causes this emission: its status (HTTP only) and its ``when``."""
    if status is not None:
        code = str(status)
        wanted = emission.statuses or ("2XX",)
        if not any(code == each or (each.upper().endswith("XX") and code[0] == each[0]) for each in wanted):
            return False
    if emission.when is not None and not holds(emission.when, context):
        return False
    return not emission.transitions or any(_edges(emission, context))


def edge_taken(
    emission: Emission, context: Context, shown: JSON
) -> tuple[Transition | None, tuple[str, ...]]:
    """The transition that an emission reports, with every state that it may have come from.

    Of those whose ``when`` holds it is the one that leads to the ``shown`` status, else the first.
    """
    edges = list(_edges(emission, context))
    if not edges:
        return None, ()
    taken = next((edge for edge in edges if edge.to == shown), edges[0])
    sources = (source for edge in edges if edge.to == taken.to for source in edge.sources)
    return taken, tuple(dict.fromkeys(sources))


def _edges(emission: Emission, context: Context) -> Iterator[Transition]:
    return (edge for edge in emission.transitions if edge.when is None or holds(edge.when, context))


def key_of(emission: Emission, context: Context) -> str | None:
    """The Kafka key that the contract's expression names, or None if the exchange does not hold it."""
    value = evaluate(emission.key, context) if emission.key else None
    return (
        value
        if isinstance(value, str)
        else None
        if value is None or isinstance(value, dict | list)
        else str(value)
    )


def correlation_of(emission: Emission, context: Context) -> str | None:
    """The correlation id that the contract's expression names, or None for the cause's own."""
    value = evaluate(emission.correlation, context) if emission.correlation else None
    return value if isinstance(value, str) else None


def payload_of(draft: Draft, version: int, now: datetime) -> tuple[Message, Document]:
    """The message and a payload that its schema allows, telling as much of the change as that permits.

    Raises ContractError if no true one is valid.
    """
    for message in draft.send.messages:
        if message.untold:
            remedy = "Give the message a JSON content type, or send it yourself"
            raise ContractError(str(message.place), message.untold, "a payload that is JSON", remedy)
        for payload in _candidates(message, draft.change, version, now):
            if message.payload is None or compile_schema(message.payload).is_valid(payload):
                return message, payload
    raise ContractError(
        str(draft.send.place),
        f"no valid payload of {draft.send.id} tells of a change to {draft.change.state or 'nothing'}",
        "a message whose schema has room for that change, and an example of it",
        "Give the message an example that is an object",
    )


def example_id(send: MessageOperation) -> str:
    """The id that the contract's first example of an event carries; ``""`` without one."""
    for message in send.messages:
        payload = _example(message, Change(None, "", None))
        if isinstance(payload, Mapping) and isinstance(payload.get("id"), str):
            return str(payload["id"])
    return ""


def _candidates(message: Message, change: Change, version: int, now: datetime) -> Iterator[Document]:
    """Payloads to try, the most telling first."""
    example = _example(message, change)
    if not isinstance(example, Mapping):
        return
    known = frozenset(properties(message.payload)) if message.payload else frozenset(example)
    told = {n: v for n, v in change.document.items() if n in known and n not in _ITS_OWN}
    sure = {n: v for n, v in change.facts.items() if n in known and n not in _ITS_OWN}
    own = _own(change, version, now, known)
    essential = {name: value for name, value in own.items() if name not in ("version", "occurredAt")}
    for claimed in (own, essential):
        for overlay in (told, sure, {}):
            for start in _starts(message, example, change):
                for origin in _origins(change, example, known):
                    yield {**without(start, ("from",)), **overlay, **claimed, **origin}
    if change.lifecycle is None:  # an event of a change must not tell of another one
        yield {**example, **({"id": change.id} if "id" in known else {})}
        yield example


def _starts(message: Message, example: Document, change: Change) -> Iterator[Document]:
    """What an event can begin with: the example, less what it says of another change or document."""
    required = says(message.payload, "required") if message.payload else None
    needed = frozenset(required) if isinstance(required, list) else frozenset()
    if not _tells(example, change):
        yield {name: value for name, value in example.items() if name in needed}
    silent = change.silent - needed - _ITS_OWN
    yield {name: value for name, value in example.items() if name not in silent}
    yield example


def _tells(example: Document, change: Change) -> bool:
    """Whether an example tells of the same transition."""
    if change.state is None or "to" not in example:
        return True
    begun = example.get("from")
    return example["to"] == change.state and (begun in change.sources if change.sources else begun is None)


def _example(message: Message, change: Change) -> JSON:
    """The example that tells the most similar change: same target state, then the most equal properties."""
    payloads = [each.payload for each in message.examples if each.has_payload]
    if not payloads:
        return example_of(message.payload) if message.payload else {}

    document = {**change.document, **change.facts}

    def agreement(payload: JSON) -> tuple[bool, bool, int]:
        if not isinstance(payload, Mapping):
            return False, False, 0
        equal = sum(1 for name, value in document.items() if name in payload and payload[name] == value)
        return payload.get("to") == change.state, _tells(payload, change), equal

    return max(payloads, key=agreement)


def _own(change: Change, version: int, now: datetime, known: frozenset[str]) -> dict[str, JSON]:
    own: dict[str, JSON] = {
        "id": change.id,
        "version": version,
        "occurredAt": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    if change.state is not None:
        own["to"] = change.state
        if change.lifecycle is not None:
            own[change.lifecycle.status] = change.state
    return {name: value for name, value in own.items() if name in known}


def _origins(change: Change, example: Document, known: frozenset[str]) -> Iterator[dict[str, JSON]]:
    """What ``from`` may be: the single source; with several nobody knows, so absent or null, else a guess."""
    if "from" not in known:
        yield {}
        return
    if len(change.sources) == 1:
        yield {"from": change.sources[0]}
        return
    yield {}
    yield {"from": None}
    told = example.get("from")
    if told in change.sources or not change.sources:
        yield {"from": told}
    yield from ({"from": state} for state in change.sources)
