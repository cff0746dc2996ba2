"""Doing something and listening meanwhile, so that what an event tells is read when it arrives.

A service that publishes before it commits mostly answers after both: whoever reads only then sees nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from harness.driving.anatomy import Anatomy
from harness.driving.calls import CORRELATION
from harness.driving.listings import subject_property
from harness.driving.requests import Prepared
from harness.driving.things import Thing, read
from harness.driving.watching import Watch, belongs, correlation_of, payload_of
from harness.kafka.wire import Record

Done = TypeVar("Done")
Tells = Callable[[Record], Thing | None]
"""The aggregate of which a record tells, None if it is none of what is being done."""

_MOMENT = 0.005


def attended(watch: Watch, act: Callable[[], Done], tells: Tells) -> Done:
    """Do it in a thread; meanwhile GET the aggregate of each event that arrives, for ``Watch.looked``.

    Raises what ``act`` raises.
    """
    if not watch.bench.remembers:
        return act()
    mark = watch.mark()
    with ThreadPoolExecutor(1) as pool:
        doing = pool.submit(act)
        while not doing.done():
            for record in watch.since(mark):
                mark += 1
                thing = tells(record)
                seen = read(watch.bench, thing) if thing is not None else None
                if seen is not None:
                    watch.looked[record.topic, record.partition, record.offset] = seen
            wait([doing], timeout=_MOMENT)
        return doing.result()


def told_by_request(watch: Watch, prepared: Prepared) -> Tells:
    """What events of a request tell of: by its ``X-Correlation-Id``, which the call must have."""
    bench, operation = watch.bench, prepared.call.operation
    correlation = prepared.call.header(CORRELATION)
    known = [thing for thing in (prepared.thing, *prepared.others.values()) if thing is not None]

    def tells(record: Record) -> Thing | None:
        sends = [s for s in bench.contract.sends.values() if s.channel.address == record.topic]
        send = next((each for each in sends if belongs(record, each)), None)
        if send is None or correlation_of(record, send) != correlation:
            return None
        schema = _schema_of(bench.anatomy, send.id) or bench.anatomy.answers(operation)
        if schema is None:
            return None
        name = bench.anatomy.id_pointer(schema)[1:]
        for thing in known:
            if thing.schema == schema and thing.document.get(name) == record.key:
                return thing
        payload = payload_of(record)
        patient = subject_property(bench, schema)
        subject = {patient: prepared.subject} if patient and prepared.subject else {}
        told = payload if isinstance(payload, Mapping) else {}
        return Thing(schema, {**told, **subject, name: record.key})

    return tells


def told_by_key(things: Sequence[Thing], keys: Sequence[str | None]) -> Tells:
    """What events of a timer tell of: these things, each by its event's key."""
    known: Mapping[str | None, Thing] = dict(zip(keys, things, strict=True))
    return lambda record: known.get(record.key)


def _schema_of(anatomy: Anatomy, send: str) -> str | None:
    lifecycles = anatomy.contract.lifecycles
    return next((schema for schema, lifecycle in lifecycles.items() if lifecycle.emits == send), None)
