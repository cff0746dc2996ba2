"""The journal as it is read: entries in JSON, filtered, without what ``x-phi`` guards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, unquote_plus

import orjson

from harness.contract.model import EMPTY, JSON, Contract, MediaType, Message, Operation, Schema
from harness.contract.phi import WITHHELD, marked, withheld
from harness.contract.schema import compile_schema, phi_properties
from harness.contract.showing import shown
from harness.kafka.wire import codec_for
from harness.serving.routing import Match as Route
from harness.serving.routing import Routes
from mocks.front import query_of
from mocks.journal import Entry, Exchange, Journal, Noted, time_text
from mocks.matching import NOWHERE, Difference, Seen, at

MATCHED = b"x-portal-matched"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are asked for; what is None asks for nothing. ``since`` is Unix seconds, ``status`` a
    number or a range such as ``4XX``, ``matched`` whether the contract has the operation."""

    operation: str | None = None
    status: str | None = None
    session: str | None = None
    since: float | None = None
    after: int | None = None
    matched: bool | None = None
    kind: str | None = None
    limit: int = 100

    def takes(self, entry: Entry) -> bool:
        """Whether an entry is asked for."""
        return (
            (self.operation is None or entry.operation == self.operation)
            and (self.session is None or entry.session == self.session)
            and (self.since is None or round(entry.at, 6) >= self.since)
            and (self.after is None or entry.number > self.after)
            and (self.kind is None or entry.kind == self.kind)
            and (self.matched is None or bool(entry.operation) == self.matched)
            and (self.status is None or _has_status(entry, self.status))
        )


def _has_status(entry: Entry, status: str) -> bool:
    if not isinstance(entry, Exchange):
        return False
    return entry.status == int(status) if status.isdecimal() else f"{entry.status // 100}XX" == status.upper()


class View:
    """Shows one mock's journal. ``phi``: as it is, for a developer who asked for that."""

    def __init__(self, contract: Contract, journal: Journal, *, phi: bool = False) -> None:
        self._contract, self._journal, self._phi = contract, journal, phi
        self._routes = Routes(contract.operations.values())
        self._guarded: bool | None = None

    def page(self, wanted: Filter) -> dict[str, JSON]:
        """The newest ``limit`` of what is asked for, oldest first."""
        entries, forgotten = self._journal.entries()
        taken = [each for each in entries if wanted.takes(each)]
        newest = taken[-wanted.limit :]
        return {
            "entries": [self.document(each) for each in newest],
            "total": len(taken),
            "forgotten": forgotten,
        }

    def one(self, number: int) -> dict[str, JSON] | None:
        """The entry of this number, if it is there."""
        return next((self.document(each) for each in self._journal if each.number == number), None)

    def document(self, entry: Entry) -> dict[str, JSON]:
        """An entry in JSON."""
        rest = self._exchange(entry) if isinstance(entry, Exchange) else self._noted(entry)
        head: dict[str, JSON] = {
            "number": entry.number,
            "kind": entry.kind,
            "at": time_text(entry.at),
            "operation": entry.operation or None,
            "session": entry.session or None,
            "correlation": entry.correlation,
            "milliseconds": round(entry.seconds * 1000, 3),
            "violations": [{"pointer": each.pointer, "detail": each.detail} for each in entry.violations],
            "fault": entry.fault or None,
        }
        return {**head, **rest}

    def seen(self, entry: Entry) -> Seen:
        """What an expectation matches: an exchange's request, or a message; with guarded values."""
        if isinstance(entry, Noted):
            headers = {name: value.decode("utf-8", "replace") for name, value in entry.headers}
            return Seen(headers=headers, body=_decoded(entry.value, headers), key=entry.key)
        return Seen(
            path=self._path(entry),
            query=query_of(entry.query),
            headers=_texts(entry.headers),
            body=_json(entry.body),
        )

    def told(self, entry: Entry, difference: Difference) -> str:
        """A difference in words, with what may be shown of the value."""
        found = difference.found
        if difference.part == "body" and not difference.absent:
            found = at(self._visible(self.seen(entry).body, self._schemas(entry), entry), difference.name)
            found = WITHHELD if found is NOWHERE else found
        return withheld(difference.text(found), self._secrets(entry))

    def _exchange(self, entry: Exchange) -> dict[str, JSON]:
        operation = self._contract.operations.get(entry.operation)
        secrets = self._secrets(entry)
        asked = self._schemas(entry)
        answered = _answer_schemas(operation, entry)
        return {
            "matched": entry.answer_header(MATCHED) or None,
            "request": {
                "method": entry.method,
                "path": _unspelled(entry.path, secrets),
                "query": _unspelled(entry.query, secrets),
                "headers": _without(_texts(entry.headers), secrets),
                "body": _clean(self._visible(_json(entry.body), asked, entry), secrets),
                "bytes": max(entry.size, _declared(entry)),
                "cut": max(entry.size, _declared(entry)) > len(entry.body),
            },
            "response": {
                "status": entry.status or None,
                "headers": _without(_texts(entry.answer_headers), secrets),
                "body": _clean(self._visible(_json(entry.answer), answered), secrets),
                "bytes": entry.answer_size,
                "cut": entry.answer_size > len(entry.answer),
            },
        }

    def _noted(self, entry: Noted) -> dict[str, JSON]:
        secrets = self._secrets(entry)
        headers = {name: value.decode("utf-8", "replace") for name, value in entry.headers}
        payload = self._visible(_decoded(entry.value, headers), self._schemas(entry), entry)
        return {
            "detail": entry.detail,
            "message": None
            if not entry.topic
            else {
                "topic": entry.topic,
                "key": withheld(entry.key, secrets) if entry.key is not None else None,
                "headers": _without(headers, secrets),
                "body": payload,
                "bytes": entry.size,
                "cut": entry.size > len(entry.value or b""),
            },
        }

    def _visible(self, value: JSON, schemas: list[Schema], entry: Entry | None = None) -> JSON:
        """What may be shown of a value that one of these schemas describes, if any does.

        ``entry`` is given for what somebody sent: nothing at all is known of that without a schema.
        """
        if self._phi or value is None:
            return value
        if not schemas:
            return WITHHELD if entry is not None and self._speaks_of_phi() else value
        if len(schemas) > 1 and any(phi_properties(each) for each in schemas):
            fitting = [each for each in schemas if compile_schema(each).is_valid(value)]
            return shown(fitting[0], value) if len(fitting) == 1 else WITHHELD
        return shown(schemas[0], value)

    def _secrets(self, entry: Entry) -> set[str]:
        """The guarded texts of an entry, empty where they may be shown."""
        if self._phi:
            return set()
        if isinstance(entry, Noted):
            return marked(self._schemas(entry), self.seen(entry).body)
        operation = self._contract.operations.get(entry.operation)
        found = marked(self._schemas(entry), _json(entry.body))
        found |= marked(_answer_schemas(operation, entry), _json(entry.answer))
        path, query, headers = self._path(entry), query_of(entry.query), _texts(entry.headers)
        for parameter in operation.parameters if operation is not None else ():
            if "" in phi_properties(parameter.schema):
                places: Mapping[str, JSON] = {"path": path, "query": query}.get(parameter.location, headers)
                given = places.get(parameter.name, places.get(parameter.name.lower()))
                found |= {str(each) for each in (given if isinstance(given, list) else [given]) if each}
        return found

    def _schemas(self, entry: Entry) -> list[Schema]:
        if isinstance(entry, Exchange):
            operation = self._contract.operations.get(entry.operation)
            body = operation.body if operation is not None else None
            return _of_type(body.content if body is not None else EMPTY, entry.header(b"content-type"))
        named = self._contract.message_operations.get(entry.operation)
        messages: Iterable[Message] = named.messages if named is not None else ()
        return [each.payload for each in messages if each.payload is not None and not each.untold]

    def _speaks_of_phi(self) -> bool:
        if self._guarded is None:
            bodies = (each.body for each in self._contract.operations.values())
            media = (each for body in bodies if body is not None for each in body.content.values())
            messages = (m for each in self._contract.message_operations.values() for m in each.messages)
            schemas = (*(m.schema for m in media), *(m.payload for m in messages))
            self._guarded = any(each is not None and phi_properties(each) for each in schemas)
        return self._guarded

    def _path(self, entry: Exchange) -> Mapping[str, JSON]:
        found = self._routes.find(entry.method, entry.path.decode("latin-1"))
        values = found.values if isinstance(found, Route) else EMPTY
        return {name: unquote(value) for name, value in values.items()}


def _answer_schemas(operation: Operation | None, entry: Exchange) -> list[Schema]:
    response = operation.response_for(entry.status) if operation is not None else None
    content = response.content if response is not None else EMPTY
    return _of_type(content, entry.answer_header(b"content-type"))


def _of_type(content: Mapping[str, MediaType], content_type: str) -> list[Schema]:
    """The schema of a body of this type; all of them where it is of none that is documented."""
    kind = content_type.partition(";")[0].strip().lower()
    fitting = [media for name, media in content.items() if name.lower().partition(";")[0].strip() == kind]
    return [media.schema for media in fitting or content.values() if media.schema is not None]


def _declared(entry: Exchange) -> int:
    """How long a request said its body was: one that is refused before is not read."""
    text = entry.header(b"content-length")
    return int(text) if text.isascii() and text.isdecimal() else 0


def _texts(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _json(raw: bytes) -> JSON:
    """The value of a body, its text if it is no JSON, None without one."""
    try:
        return orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError:
        return raw.decode("utf-8", "replace")


def _decoded(value: bytes | None, headers: Mapping[str, str]) -> JSON:
    if value is None:
        return None
    codec = codec_for(headers.get("content-type", "application/json"))
    try:
        return codec.decode(value) if codec is not None else value.decode("utf-8", "replace")
    except ValueError:
        return value.decode("utf-8", "replace")


def _clean(value: JSON, secrets: set[str]) -> JSON:
    """The value without these texts, wherever it repeats them."""
    if not secrets:
        return value
    if isinstance(value, Mapping):
        return {name: _clean(each, secrets) for name, each in value.items()}
    if isinstance(value, list):
        return [_clean(each, secrets) for each in value]
    return withheld(value, secrets) if isinstance(value, str) else value


def _unspelled(raw: bytes, secrets: set[str]) -> str:
    """A part of a URL as it was sent; decoded where a guarded text may be spelled in it."""
    text = raw.decode("latin-1")
    return withheld(unquote_plus(text), secrets) if secrets else text


def _without(texts: Mapping[str, str], secrets: set[str]) -> dict[str, str]:
    return {name: withheld(value, secrets) for name, value in texts.items()}
