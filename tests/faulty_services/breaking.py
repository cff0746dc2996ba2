"""Ways to break a reference service from outside, so that a fault is a line or two.

- ``answers``, ``refusals``: what it says over HTTP is edited on its way out;
- ``events``, ``hasty``: what its outbox publishes is edited, dropped, added to, or published too soon;
- ``handlers``, ``platform``: its own functions, or those that it stands on, are replaced;
- ``otherwise``, ``without``, ``anything``, ``open_body``, ``narrow_body``, ``edges``: it is built from
  another contract than the one that it is held to;
- ``tokens``: it looks less closely at tokens.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

import jwt

from harness.contract.model import EMPTY, JSON, Contract, Schema, Transition
from harness.contract.schema import expand, schema_of
from harness.kafka.broker import Broker
from harness.kafka.wire import Headers, Publisher
from harness.serving.access import Claims
from harness.serving.envelope import ASGIApp
from harness.serving.keys import ALGORITHM, AUDIENCE, ISSUER, KeyStore
from harness.serving.routing import Match, Routes
from harness.serving.security import TokenAuthenticator, unauthorized
from reference_services.platform import events as outgoing
from reference_services.platform import outbox
from reference_services.platform.store import Transaction


@dataclass(slots=True)
class Reply:
    """An answer on its way out; edits change it in place. Header names are lower-case."""

    status: int
    headers: dict[str, str]
    body: JSON


@dataclass(frozen=True, slots=True)
class Event:
    """An event on its way out. ``headers`` are text, ``payload`` is the decoded value."""

    topic: str
    key: str | None
    headers: Mapping[str, str]
    payload: JSON

    def with_header(self, name: str, value: str | None) -> Event:
        kept = {**self.headers, name: value}
        return replace(self, headers={name: text for name, text in kept.items() if text is not None})


Edit = Callable[[Reply], object]
Filter = Callable[[Event], Iterable[Event]]
Patch = tuple[Any, str, Any]
"""What has a function, the function's name, and what stands in its place."""


@dataclass(frozen=True, slots=True)
class Break:
    """What is done to a service that would otherwise keep its contract."""

    contract: Callable[[Contract], Contract] = lambda contract: contract
    handlers: Mapping[str, Callable[..., Any]] = field(default=EMPTY)
    answers: Mapping[str, Edit] = field(default=EMPTY)
    refusals: Mapping[str, Edit] = field(default=EMPTY)
    events: Filter | None = None
    early: float | None = None
    platform: tuple[Patch, ...] = ()
    tokens: Mapping[str, bool] = field(default=EMPTY)

    def module(self, sound: ModuleType) -> ModuleType:
        """The service's handlers with some replaced."""
        module = ModuleType(sound.__name__)
        module.__dict__.update(vars(sound), **self.handlers)
        return module

    def app(self, sound: ASGIApp, contract: Contract) -> ASGIApp:
        """The service's application with some of its answers edited."""
        if not self.answers and not self.refusals:
            return sound
        return _Edited(sound, Routes(contract.operations.values()), self.answers, self.refusals)

    def patches(self, broker: Broker) -> Iterator[Patch]:
        """What is replaced in the platform for as long as the service runs."""
        yield from self.platform
        if self.events is not None:
            instead = self.events
            yield outbox, "Publisher", lambda reached: _Filtered(reached, instead)
        if self.early is not None:
            yield outgoing, "put", _putting_early(broker, self.early)

    def keys(self) -> KeyStore:
        """What mints tokens, and checks them."""
        return _Lax(self.tokens) if self.tokens else KeyStore()


def answers(operation: str, edit: Edit) -> Break:
    """Edit what an operation answers when it succeeds."""
    return Break(answers={operation: edit})


def refusals(operation: str, edit: Edit) -> Break:
    """Edit what an operation answers when it refuses."""
    return Break(refusals={operation: edit})


def events(edit: Filter) -> Break:
    """Publish something else: none, one or several events instead of each."""
    return Break(events=edit)


def hasty(seconds: float) -> Break:
    """Publish every event at once; the commit follows so much later."""
    return Break(early=seconds)


def platform(*patches: Patch) -> Break:
    """Replace what the service stands on."""
    return Break(platform=patches)


def handlers(**functions: Callable[..., Any]) -> Break:
    """Handlers of operations and messages that do something else."""
    return Break(handlers=functions)


def tokens(**options: bool) -> Break:
    """Check tokens with these options of PyJWT."""
    return Break(tokens=options)


def otherwise(operation: str, **said: Any) -> Break:
    """Build the service as if the contract said something else of an operation."""

    def edited(contract: Contract) -> Contract:
        other = replace(contract.operations[operation], **said)
        return replace(contract, operations={**contract.operations, operation: other})

    return Break(contract=edited)


def without(operation: str, parameter: str) -> Break:
    """Build the service as if an operation took no such parameter."""

    def edited(contract: Contract) -> Contract:
        left = tuple(p for p in contract.operations[operation].parameters if p.name != parameter)
        return otherwise(operation, parameters=left).contract(contract)

    return Break(contract=edited)


def anything(operation: str, parameter: str) -> Break:
    """Build the service as if a parameter might be anything."""

    def edited(contract: Contract) -> Contract:
        known = contract.operations[operation].parameters
        loose = tuple(replace(p, schema=schema_of({})) if p.name == parameter else p for p in known)
        return otherwise(operation, parameters=loose).contract(contract)

    return Break(contract=edited)


def open_body(operation: str) -> Break:
    """Build the service as if a body might have properties that nobody documents."""
    return _body(operation, lambda raw: {word: raw[word] for word in raw if word != "unevaluatedProperties"})


def narrow_body(operation: str, optional: str) -> Break:
    """Build the service as if a body must not have one of its optional properties."""

    def narrowed(raw: Mapping[str, JSON]) -> Mapping[str, JSON]:
        known = {name: schema for name, schema in raw["properties"].items() if name != optional}
        return {**raw, "properties": known}

    return _body(operation, narrowed)


def _body(operation: str, edit: Callable[[Mapping[str, JSON]], Mapping[str, JSON]]) -> Break:
    def edited(contract: Contract) -> Contract:
        body = contract.operations[operation].body
        assert body is not None
        content = {kind: replace(m, schema=_rewritten(m.schema, edit)) for kind, m in body.content.items()}
        return otherwise(operation, body=replace(body, content=content)).contract(contract)

    return Break(contract=edited)


def _rewritten(
    schema: Schema | None, edit: Callable[[Mapping[str, JSON]], Mapping[str, JSON]]
) -> Schema | None:
    if schema is None:
        return None
    written = expand(schema)
    assert isinstance(written.raw, Mapping)
    return replace(written, raw=edit(written.raw), uri=f"{written.uri}/rewritten")


def edges(schema: str, edit: Callable[[Transition], Transition | None]) -> Break:
    """Build the service as if a lifecycle's transitions were other ones; None leaves one out."""

    def edited(contract: Contract) -> Contract:
        lifecycle = contract.lifecycles[schema]
        kept = tuple(each for each in map(edit, lifecycle.transitions) if each is not None)
        return replace(
            contract, lifecycles={**contract.lifecycles, schema: replace(lifecycle, transitions=kept)}
        )

    return Break(contract=edited)


def also(schema: str, driver: str, *states: str) -> Break:
    """Let an operation move what is in these states too."""

    def more(edge: Transition) -> Transition:
        moved = edge.by == driver and edge.id is None
        return replace(edge, sources=(*edge.sources, *states)) if moved else edge

    return edges(schema, more)


class _Edited:
    """An application whose answers pass through an edit, each a JSON body in one piece."""

    def __init__(
        self, app: ASGIApp, routes: Routes, successes: Mapping[str, Edit], refusals: Mapping[str, Edit]
    ) -> None:
        self._app, self._routes, self._successes, self._refusals = app, routes, successes, refusals

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        found = self._routes.find(scope["method"], scope["path"]) if scope["type"] == "http" else None
        named = found.operation if isinstance(found, Match) else ""
        if named not in self._successes and named not in self._refusals:
            await self._app(scope, receive, send)
            return
        kept: list[Any] = []

        async def keep(message: Any) -> None:
            kept.append(message)

        await self._app(scope, receive, keep)
        start, *rest = kept
        edit = (self._successes if start["status"] < 300 else self._refusals).get(named)
        if edit is not None and scope["method"] != "HEAD":
            start, rest = _edited(start, rest, edit)
        for message in (start, *rest):
            await send(message)


def _edited(start: Any, rest: list[Any], edit: Edit) -> tuple[Any, list[Any]]:
    raw = b"".join(each.get("body", b"") for each in rest)
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    reply = Reply(start["status"], headers, json.loads(raw) if raw else None)
    edit(reply)
    raw = json.dumps(reply.body).encode() if raw else b""
    if "content-length" in reply.headers:
        reply.headers["content-length"] = str(len(raw))
    pairs = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
    return {**start, "status": reply.status, "headers": pairs}, [{"type": "http.response.body", "body": raw}]


class _Filtered(Publisher):
    """A publisher that sends something else instead of each event."""

    def __init__(self, broker: Broker, instead: Filter) -> None:
        super().__init__(broker)
        self._instead = instead

    def send(self, topic: str, key: str | None, headers: Headers, value: bytes | None) -> None:
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        texts = {name: text.decode() if isinstance(text, bytes) else text for name, text in pairs}
        event = Event(topic, key, texts, json.loads(value or b"null"))
        for each in self._instead(event):
            super().send(each.topic, each.key, each.headers, json.dumps(each.payload).encode())


def _putting_early(broker: Broker, seconds: float) -> Callable[..., None]:
    """``put`` that publishes what it lays into the outbox, while its transaction is still open."""
    put = outgoing.put

    def early(
        transaction: Transaction,
        topic: str,
        key: str | None,
        headers: list[tuple[str, bytes]],
        value: bytes | None,
    ) -> None:
        put(transaction, topic, key, headers, value)
        with Publisher(broker) as publisher:
            publisher.send(topic, key, headers, value)
        time.sleep(seconds)

    return early


class _Lax(KeyStore):
    """The development key, and an authenticator that leaves out some of its checks."""

    def __init__(self, options: Mapping[str, bool]) -> None:
        super().__init__()
        self._options = options

    def authenticator(self, *, issuer: str = ISSUER, audience: str = AUDIENCE) -> TokenAuthenticator:
        lax = super().authenticator(issuer=issuer, audience=audience)
        lax.claims = self._claims  # type: ignore[method-assign]
        return lax

    def _claims(self, token: str) -> Claims:
        try:
            options: Any = dict(self._options)
            said: Claims = jwt.decode(
                token, self.public, [ALGORITHM], options, audience=AUDIENCE, issuer=ISSUER
            )
        except jwt.PyJWTError:
            raise unauthorized("The token is not valid here.") from None
        return said
