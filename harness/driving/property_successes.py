"""One request an operation that should succeed, and whether its answer keeps the contract.

Chance seldom brings about what a success in the middle of a lifecycle needs, so each operation is called once
with everything in place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.contract.model import Header, MediaType, Operation, Response, System
from harness.contract.schema import compile_schema
from harness.driving.bench import Bench
from harness.driving.calls import Exchange
from harness.driving.presence import Presence, presence
from harness.driving.property_defects import Defect, schema_cause
from harness.driving.requests import Prepared, send, successful
from harness.driving.scenarios import IF_MATCH
from harness.driving.things import Thing, is_over, status_of
from harness.errors import ContractError, StateError
from harness.target import Limits, Target


def successes(system: System, target: Target, limits: Limits) -> Iterator[Defect | tuple[Operation, int]]:
    """What is wrong with each operation's answer, then the operation with the answer's status.

    An operation for which nothing can be prepared is left out: what follows will still try it.
    Raises TargetError, TokenError, and StateError where the target cannot be reset.
    """
    with Bench(system, target, limits) as bench:
        for operation in sorted(bench.operations(), key=_takes_away):
            try:
                prepared = successful(bench, operation)
                exchange = send(bench, prepared)
            except (StateError, ContractError):
                continue
            yield from defects(operation, exchange)
            yield from _kept(bench, prepared, exchange)
            yield operation, exchange.status


def _takes_away(operation: Operation) -> tuple[bool, int]:
    """Sorts what takes things away behind all else, and a thing behind what belongs to it: nobody may be able
    to make another."""
    away = operation.method.lower() == "delete"
    return away, -operation.path.count("/") if away else 0


def defects(operation: Operation, exchange: Exchange) -> Iterator[Defect]:
    """Where an answer differs from the documented one: status, content type, headers, body."""
    answer = _Answer(operation, exchange, operation.response_for(exchange.status))
    if answer.response is None:
        documented = ", ".join(operation.responses)
        yield answer.defect(
            "Undocumented status code", exchange.received(300), documented, str(exchange.status)
        )
        return
    for name, header in answer.response.headers.items():
        yield from answer.header(name, header)
    if answer.response.content:
        yield from answer.body(answer.response)


def _kept(bench: Bench, prepared: Prepared, exchange: Exchange) -> Iterator[Defect]:
    """What was deleted and still shows, or was made or changed and does not show as it was answered."""
    if not exchange.ok or exchange.status == 202 or not bench.remembers:
        return
    method, schema = exchange.call.operation.method.lower(), bench.anatomy.answers(exchange.call.operation)
    if method == "delete":
        yield from _gone(bench, prepared, exchange)
    elif method in {"post", "put", "patch"} and schema is not None and isinstance(exchange.body, Mapping):
        yield from _shown(bench, Thing(schema, exchange.body), prepared, exchange)


def _gone(bench: Bench, prepared: Prepared, exchange: Exchange) -> Iterator[Defect]:
    """Where deleting is a change of status, it stays to be seen."""
    stays = bench.anatomy.own(exchange.call.operation) is not None
    seen = presence(bench, prepared.thing) if prepared.thing is not None and not stays else None
    if seen is not None and seen.document is not None:
        title = "Deleted resource still available"
        yield _unlike(exchange, seen, title, "there it is", "404, or a list without it,")


def _shown(bench: Bench, thing: Thing, prepared: Prepared, exchange: Exchange) -> Iterator[Defect]:
    """Of what was asked for, as far as the answer says that it was done; and no older version."""
    seen, asked = presence(bench, thing), exchange.call.body
    if seen is None:
        return
    if seen.document is None:
        if is_over(bench, thing.schema, status_of(bench, thing.schema, thing.document), seen.exchange):
            return
        title = "Created resource not found" if exchange.status == 201 else "A change is not kept"
        yield _unlike(exchange, seen, title, "nothing of it", "what was answered")
        return
    names = asked.keys() & thing.document.keys() & seen.document.keys() if isinstance(asked, Mapping) else ()
    other = sorted(name for name in names if thing.document[name] != seen.document[name])
    before, etag = prepared.call.header(IF_MATCH), seen.exchange.headers.get("etag")
    if before is not None and etag == before != exchange.headers.get("etag", before):
        received = f"ETag {etag}, as before"
        yield _unlike(exchange, seen, "A change is not kept", received, exchange.headers["etag"])
    elif other:
        received = f"other values of {', '.join(other)}"
        yield _unlike(exchange, seen, "A change is not kept", received, "what was answered")


def _unlike(exchange: Exchange, seen: Presence, title: str, shown: str, wanted: str) -> Defect:
    operation, reader = exchange.call.operation, seen.exchange.call.operation
    return Defect(
        operation=operation,
        title=title,
        cause="",
        received=f"{exchange.status}, and then {reader.id} answers {seen.exchange.status}: {shown}",
        documented=f"{wanted} from {reader.id} after {operation.id}",
        where=operation.place,
        reproduce=f"{exchange.curl()}\n{seen.exchange.curl()}",
    )


@dataclass(frozen=True, slots=True)
class _Answer:
    operation: Operation
    exchange: Exchange
    response: Response | None

    def header(self, name: str, header: Header) -> Iterator[Defect]:
        value = self.exchange.headers.get(name.lower())
        if value is None:
            if header.required:
                received, documented = f"{self.exchange.status} without {name}", f"required header: {name}"
                yield self.defect("Missing required response headers", received, documented, str([name]))
            return
        if header.schema is not None and _is_text(header):
            for each in compile_schema(header.schema, "response").violations(value):
                title = "Response header does not conform to the schema"
                yield self.defect(title, f"{name}: {each.detail}", each.keyword, f"{name} {each.keyword}")

    def body(self, response: Response) -> Iterator[Defect]:
        received = self.exchange.headers.get("content-type", "")
        media = _media(response, received)
        if media is None:
            told = f"Content-Type: {received or 'none'}"
            yield self.defect("Undocumented Content-Type", told, ", ".join(response.content), received)
            return
        if media.schema is None or "json" not in media.content_type.lower():
            return
        if self.exchange.body is None and self.exchange.raw.strip() != b"null":
            told = self.exchange.received(300)
            yield self.defect("JSON deserialization error", told, media.content_type, "")
            return
        for each in compile_schema(media.schema, "response").violations(self.exchange.body):
            told = f"{self.exchange.status}, at {each.pointer or 'the whole body'}: {each.detail}"
            cause, schema = schema_cause(each.pointer, each.keyword), media.schema.name or "schema"
            yield self.defect("Response violates schema", told, f"{schema}: {each.keyword}", cause)

    def defect(self, title: str, received: str, documented: str, cause: str) -> Defect:
        where = self.response.place if self.response else self.operation.place
        return Defect(self.operation, title, cause, received, documented, where, self.exchange.curl())


def _media(response: Response, received: str) -> MediaType | None:
    """The documented media type that fits, wildcards included."""
    kind = received.partition(";")[0].strip().lower()
    main = kind.partition("/")[0]
    wanted = {kind, f"{main}/*", "*/*"}
    return next(
        (m for t, m in response.content.items() if t.partition(";")[0].strip().lower() in wanted), None
    )


def _is_text(header: Header) -> bool:
    raw = header.schema.raw if header.schema is not None else {}
    return not isinstance(raw, bool) and raw.get("type") == "string"
