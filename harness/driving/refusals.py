"""Requests that the contract says a service must refuse."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.contract.model import Operation
from harness.driving.actors import claims_for, needs_token
from harness.driving.bench import Bench
from harness.driving.requests import Prepared, successful
from harness.driving.scenarios import IDEMPOTENCY_KEY, IF_MATCH, invalid_bodies

UNKNOWN_ETAG = '"999999999"'
"""An entity tag that no version of ours has."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """``name`` says what is wrong with the request, ``statuses`` are the documented answers to that."""

    name: str
    prepared: Prepared
    statuses: frozenset[int]


def refusals(bench: Bench, operation: Operation) -> Iterator[Refusal]:
    """What is wrong in one respect and right in all others. They share one aggregate: none may change it.

    Where the target remembers nothing, only those that the contract alone decides. Raises StateError
    where the right request cannot be made.
    """
    good = successful(bench, operation)
    call = good.call
    if needs_token(operation):
        yield Refusal("no token", good.by(None), frozenset({401}))
    for what, body in list(invalid_bodies(operation))[:3]:
        yield Refusal(
            f"a body {what}", _fresh(good.with_call(replace(call, body=body))), frozenset({400, 422})
        )
    key = operation.parameter("header", IDEMPOTENCY_KEY)
    if key is not None and key.required:
        without = call.with_headers(**{key.name: None})
        yield Refusal("no Idempotency-Key", good.with_call(without), frozenset({400}))
    if bench.remembers:
        yield from _by_what_is_stored(bench, operation, good)


def _by_what_is_stored(bench: Bench, operation: Operation, good: Prepared) -> Iterator[Refusal]:
    call = good.call
    match = operation.parameter("header", IF_MATCH)
    if match is not None:
        stale = call.with_headers(**{match.name: UNKNOWN_ETAG})
        yield Refusal("another version in If-Match", good.with_call(stale), frozenset({412}))
        if "428" in operation.responses:
            without = call.with_headers(**{match.name: None})
            yield Refusal("no If-Match", good.with_call(without), frozenset({428}))
    address = bench.anatomy.acts_on(operation)
    if address is not None and address.pointer == "/id":
        unknown = bench.unknown_id(operation, address)
        elsewhere = replace(call, path={**call.path, address.parameter: unknown})
        yield Refusal(f"a {address.schema} that does not exist", good.with_call(elsewhere), frozenset({404}))
    if good.subject is not None and operation.access and "access" in bench.target.capabilities:
        stranger = claims_for(operation, stranger_to(bench, good.subject), "patient")
        yield Refusal("somebody else's token", _fresh(good.by(stranger)), frozenset({403, 404}))
    yield from _in_the_wrong_state(bench, operation)


def _in_the_wrong_state(bench: Bench, operation: Operation) -> Iterator[Refusal]:
    if not bench.controlled:
        return
    for driven in bench.anatomy.driven(operation):
        if driven.begins or (driven.origin == "response" and driven.expression is not None):
            continue
        schema = driven.lifecycle.schema
        for status in bench.anatomy.status_values(driven.lifecycle):
            if status in driven.sources:
                continue
            if driven.expression is None:
                prepared = successful(bench, operation, status=status)
            else:
                prepared = successful(bench, operation, others={schema: status})
            yield Refusal(f"a {schema} that is {status}", prepared, frozenset({409}))
            break


def stranger_to(bench: Bench, subject: str) -> str:
    """A patient who is somebody else: one of the contract's people, else an id of the same form."""
    for person in bench.system.personas:
        if person.id != subject and _same_form(person.id, subject):
            return person.id
    return str(uuid.uuid4()) if len(subject) == 36 else subject[:-1] + ("a" if subject[-1] != "a" else "b")


def _same_form(one: str, other: str) -> bool:
    return one.partition("-")[0] == other.partition("-")[0]


def _fresh(prepared: Prepared) -> Prepared:
    """With an Idempotency-Key of its own, so that a refusal is not taken for a repeat."""
    from harness.driving.requests import again

    return again(prepared)
