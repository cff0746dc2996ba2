"""Whether an expected event arrives: in time, under the declared key and cause, and after its commit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.driving.bench import Bench
from harness.driving.calls import Exchange
from harness.driving.messages import CAUSATION, Posting
from harness.driving.placing import get
from harness.driving.requests import Prepared
from harness.driving.speech import reproduced
from harness.driving.things import Thing, is_over, read
from harness.driving.watching import (
    Expected,
    Watch,
    correlation_of,
    headers_of,
    payload_of,
    tells_of_its_timer,
)
from harness.kafka.wire import Record


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with one effect, in the words of a finding.

    ``waited`` is set where nothing came: so many seconds.
    """

    title: str
    received: str
    documented: str
    reproduce: str
    waited: float | None = None


def troubles(watch: Watch, expected: Expected, mark: int, thing: Thing | None) -> Iterator[Trouble]:
    """Wait for the expected events and say what is wrong with them; nothing if all is as declared.

    ``thing`` is the aggregate of which they tell: a GET must show what the event says when it arrives.
    """
    waited = watch.patience(expected)
    records = watch.arrival(expected, mark)
    if records is None:
        told = _instead(watch, expected, mark)
        title = told[1] if told else f"{expected.send.id} was not published"
        received = told[0] if told else f"no such event on {expected.topic} within {waited:g} s"
        nothing = None if told else waited
        yield Trouble(title, received, declared(expected), expected.reproduce, nothing)
        return
    record = records[0]
    if expected.key is not None and record.key != expected.key:
        title = f"{expected.send.id} has another key than declared"
        yield Trouble(title, f"key {record.key}", f"key {expected.key}", reproduced(watch.bench, record))
    named = headers_of(record).get(CAUSATION)
    if expected.causation is not None and named is not None and named != expected.causation:
        title, right = f"{expected.send.id} names another cause", f"{CAUSATION}: {expected.causation}"
        yield Trouble(title, f"{CAUSATION}: {named}", right, reproduced(watch.bench, record))
    if watch.bench.remembers and thing is not None and not _deletes(watch.bench, expected.cause):
        looked = watch.looked.get((record.topic, record.partition, record.offset))
        seen = looked if looked is not None and record.key == expected.key else read(watch.bench, thing)
        if seen is not None:
            yield from _committed(watch.bench, expected, record, thing, seen)


def late(watch: Watch, expected: Expected, mark: int, missing: Trouble) -> Trouble | None:
    """What is wrong after all with events that had not come when ``troubles`` gave up waiting.

    None if they have come since and were not waited for as long as is declared: then nobody can tell.
    """
    within, came = expected.emission.within, watch.came(expected, mark)
    if came < expected.emission.count:
        return missing
    if missing.waited is None or missing.waited < within:
        return None
    received = f"not all within {within:g} s; {came} of them by the end"
    return replace(missing, title=f"{expected.send.id} came later than declared", received=received)


def _deletes(bench: Bench, cause: str) -> bool:
    """Whether a cause leaves nothing behind that a GET could show."""
    operation = bench.contract.operations.get(cause)
    return operation is not None and operation.method.lower() == "delete"


def _committed(
    bench: Bench, expected: Expected, record: Record, thing: Thing, seen: Exchange
) -> Iterator[Trouble]:
    """When the event arrives, a GET shows at least what it tells."""
    payload = payload_of(record)
    lifecycle = bench.contract.lifecycles.get(thing.schema)
    told = payload.get("to") if isinstance(payload, Mapping) else None
    version = payload.get("version") if isinstance(payload, Mapping) else None
    shown = seen.body.get(lifecycle.status) if lifecycle and isinstance(seen.body, Mapping) else None
    etag = seen.headers.get("etag", "").strip('W/"')
    behind = isinstance(version, int) and etag.isdigit() and int(etag) < version
    stale = told is not None and shown != told and not etag.isdigit()
    if is_over(bench, thing.schema, told, seen):
        return
    if not seen.ok or behind or stale:
        yield Trouble(
            f"{expected.send.id} arrived before its change can be read",
            f"the event tells {told!r}, version {version}; a GET at that moment: {seen.received()}",
            "an event is published after the commit: a GET shows what it tells",
            f"{expected.reproduce}\n{seen.curl()}",
        )


def _instead(watch: Watch, expected: Expected, mark: int) -> tuple[str, str] | None:
    """What came in place of an event that did not, and a title that says what is wrong; None if nothing."""
    send = expected.send
    # What made things ready may still be under way: it stands for nothing.
    others = watch.bench.caller.correlations - {expected.correlation}
    for record in watch.since(mark):
        if record.topic != expected.topic or not tells_of_its_timer(record, expected):
            continue
        if correlation_of(record, send) in others:
            continue
        if expected.key is not None and record.key == expected.key:
            if expected.correlation not in (None, correlation_of(record, send)):
                return reproduced(watch.bench, record), f"{send.id} does not carry the correlation on"
            return reproduced(watch.bench, record), f"{send.id} names another cause"
        if correlation_of(record, send) == expected.correlation:
            wrong = "names another cause" if expected.key is None else "has another key than declared"
            return reproduced(watch.bench, record), f"{send.id} {wrong}"
    return None


def declared(expected: Expected) -> str:
    """What the contract promises, in words."""
    count = expected.emission.count
    parts = [f"{count} {expected.send.id} on {expected.topic} within {expected.emission.within:g} s"]
    parts += [f"key {expected.key}"] if expected.key is not None else []
    parts += [f"correlation {expected.correlation}"] if expected.correlation is not None else []
    return ", ".join(parts)


def schema_of(bench: Bench, expected: Expected) -> str | None:
    """The component schema whose lifecycle implies an emission."""
    for schema, lifecycle in bench.contract.lifecycles.items():
        if any(edge in lifecycle.transitions for edge in expected.emission.transitions):
            return schema
    return None


def of_those_made(bench: Bench, message: Posting, expected: Sequence[Expected]) -> list[Expected]:
    """What a message must cause: where it moves all that have a value (``each``), one event of what was made
    for it, for nothing else has that value.
    """
    found = []
    for each in expected:
        if all(edge.each is None for edge in each.emission.transitions):
            found.append(each)
            continue
        schema = schema_of(bench, each) or ""
        thing = message.things.get(schema)
        key = get(thing.document, bench.anatomy.id_pointer(schema)) if thing is not None else None
        if isinstance(key, str):
            found.append(replace(each, key=key))
    return found


def told_of(bench: Bench, expected: Expected, exchange: Exchange, prepared: Prepared) -> Thing | None:
    """The aggregate of which an event tells, as far as the call and its answer show it."""
    schema = schema_of(bench, expected) or bench.anatomy.answers(exchange.call.operation)
    if schema is None or expected.key is None:
        return None
    known = [prepared.thing, *prepared.others.values()]
    if isinstance(exchange.body, Mapping):
        known.insert(0, Thing(schema, exchange.body))
    name = bench.anatomy.id_pointer(schema)[1:]
    for thing in known:
        if thing is not None and thing.schema == schema and thing.document.get(name) == expected.key:
            return thing
    return None
