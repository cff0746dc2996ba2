"""A request that should succeed, with everything that it needs in place."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from harness.contract.expressions import holds
from harness.contract.model import EMPTY, JSON, Operation, Transition
from harness.driving.actors import claims_for, needs_token
from harness.driving.anatomy import Driven
from harness.driving.bench import Bench
from harness.driving.calls import Call, Exchange
from harness.driving.listings import subject_property
from harness.driving.placing import get, place, split
from harness.driving.scenarios import (
    IDEMPOTENCY_KEY,
    IF_MATCH,
    Scenario,
    parameter_value,
    response_example,
    scenarios,
)
from harness.driving.things import Thing, exist, read, request_context, subject_of
from harness.errors import StateError
from harness.target import Claims


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call whose success is prepared.

    ``thing`` is the aggregate that it addresses, made for this call; ``others`` those that it names
    beside, by the runtime expression that names them. ``subject`` is the patient, if there is one.
    ``assumed`` is empty if all that it needs was made. Else it says what was not and why: the example's
    own id is then taken to exist, or something that was there before us to suit.
    """

    call: Call
    claims: Claims | None
    subject: str | None = None
    thing: Thing | None = None
    others: Mapping[str, Thing] = field(default=EMPTY)
    scenario: str = ""
    assumed: str = ""

    def with_call(self, call: Call) -> Prepared:
        return replace(self, call=call)

    def by(self, claims: Claims | None) -> Prepared:
        return replace(self, claims=claims)


def successful(
    bench: Bench,
    operation: Operation,
    *,
    scenario: Scenario | None = None,
    thing: Thing | None = None,
    status: str | None = None,
    others: Mapping[str, str] = EMPTY,
    actor: str | None = None,
) -> Prepared:
    """A call of the operation that the contract says should succeed.

    ``scenario`` is the example to take (default: the most promising); ``thing`` an aggregate to act
    on, which otherwise is made anew, in ``status`` (default: the first that the lifecycle lets the
    operation act on). ``others`` maps a component schema to the status of the aggregate of it that the
    request names beside. ``actor`` calls in its own relation to the subject. Every call has its own
    aggregates, Idempotency-Key and If-Match, so that none depends on another.

    Raises StateError where what it needs cannot be made.
    """
    scenario = scenario or scenarios(operation, bench.limits.seed)[0]
    call = Call(operation, scenario.path, scenario.query, scenario.headers, scenario.body)
    made: dict[str, Thing] = {}
    assumed = ""
    if bench.remembers:
        thing = thing or _addressed(bench, call, status, made)
        call, beside, assumed = _named_beside(bench, call, others, thing)
        made |= beside
        found = (each.schema for each in (thing, *made.values()) if each is not None and each.found)
        assumed = assumed or "; ".join(f"only a {each} that was there before could be had" for each in found)
        if thing is not None:
            call = _address(bench, call, thing)
    document = thing.document if thing is not None else response_example(operation, scenario.name)
    subject = subject_of(bench, call, document)
    claims = claims_for(operation, subject, actor) if needs_token(operation) or actor else None
    return Prepared(_with_keys(bench, call, thing), claims, subject, thing, made, scenario.name, assumed)


def send(bench: Bench, prepared: Prepared) -> Exchange:
    """Send a prepared call as who it was prepared for."""
    return bench.caller.send(prepared.call, prepared.claims)


def again(prepared: Prepared) -> Prepared:
    """The same call with an Idempotency-Key of its own."""
    key = _header_name(prepared.call.operation, IDEMPOTENCY_KEY)
    return prepared.with_call(prepared.call.with_headers(**{key: str(uuid.uuid4())})) if key else prepared


_FOR_ITS_STATE = {404, 409, 410, 422}


def inconclusive(prepared: Prepared, exchange: Exchange) -> str | None:
    """Why a refusal says nothing about the service; None if it does, or if it is none.

    What was only assumed may be the reason: it is not there, or it is somebody else's.
    """
    if prepared.assumed and exchange.status in _FOR_ITS_STATE:
        return f"{prepared.assumed}; {exchange.call.operation.id} then answered {exchange.briefly()}"
    return None


def possible(edge: Transition, call: Call) -> bool:
    """Whether a transition's criterion holds of a request, as far as the request alone says it.

    A criterion over the answer cannot be told before; it is taken to hold.
    """
    return edge.when is None or "$response" in edge.when or holds(edge.when, request_context(call))


def _admitting(driven: Driven, call: Call) -> tuple[str, ...]:
    """The states from which this very request drives a transition; all that the operation accepts if none."""
    fitting = (state for edge in driven.edges if possible(edge, call) for state in edge.sources)
    return tuple(dict.fromkeys(fitting)) or driven.sources


def _named_beside(
    bench: Bench, call: Call, others: Mapping[str, str], thing: Thing | None
) -> tuple[Call, dict[str, Thing], str]:
    """Make what the request names by ``$request…`` and put the ids into the call.

    ``thing`` is what the call addresses: without control, nothing else says whose the others must be.
    The last says why an example's own id was left where nothing could be made; empty if none was.
    """
    made: dict[str, Thing] = {}
    assumed = ""
    spoken = _spoken(call)
    whose = _whose(bench, thing) if thing is not None and not bench.controlled else {}
    for driven in bench.anatomy.driven(call.operation):
        if driven.expression is None or driven.origin != "request" or driven.begins:
            continue
        schema = driven.lifecycle.schema
        statuses = (others[schema],) if schema in others else _admitting(driven, call)
        try:
            beside = exist(bench, schema, statuses=statuses, like=spoken, agreeing={**whose, **spoken})
        except StateError as error:
            if bench.controlled or schema in others:
                raise
            assumed = error.found  # without control the example's own id may exist: the answer will tell
            continue
        made[driven.expression] = beside
        call = place(call, driven.expression, get(beside.document, bench.anatomy.id_pointer(schema)))
    return call, made, assumed


def _whose(bench: Bench, thing: Thing) -> dict[str, JSON]:
    """The patient to whom a thing belongs, by the name of the property that says so."""
    name = subject_property(bench, thing.schema)
    return {name: thing.document[name]} if name is not None and name in thing.document else {}


def _addressed(bench: Bench, call: Call, status: str | None, made: dict[str, Thing]) -> Thing | None:
    """Make the aggregate that the operation's path addresses, with what its lifecycle moves beside it."""
    address = bench.anatomy.acts_on(call.operation)
    if address is None:
        return None
    own = bench.anatomy.own(call.operation)
    sources = _admitting(own, call) if own and own.lifecycle.schema == address.schema else ()
    context = {
        name: value for name, value in {**call.path, **call.query}.items() if name != address.parameter
    }
    if not bench.controlled and isinstance(call.body, Mapping):
        context = {**call.body, **context}  # what makes it must say the same as what is asked of it
    having = _held_beside(bench, call, address.schema, made)
    if address.pointer != "/id" and call.path.get(address.parameter) is not None:
        having.setdefault(address.pointer.removeprefix("/"), call.path[address.parameter])
    return exist(
        bench,
        address.schema,
        statuses=(status,) if status else sources,
        like=_spoken(call),
        agreeing=context,
        having=having,
    )


def _held_beside(bench: Bench, call: Call, schema: str, made: dict[str, Thing]) -> dict[str, JSON]:
    """Make what the answer will name (``$response.body#/slotId``): the aggregate refers to it already.

    The property that refers to it is the one named after its schema (``slotId`` for Slot), for the
    expression may name where the reference stands afterwards (``previousSlotId``). Without control it
    comes into being together with what refers to it.
    """
    having: dict[str, JSON] = {}
    if not bench.controlled:
        return having
    for driven in bench.anatomy.driven(call.operation):
        if driven.expression is None or driven.origin != "response" or driven.begins:
            continue
        beside = driven.lifecycle.schema
        canonical = beside[:1].lower() + beside[1:] + "Id"
        _, pointer = split(driven.expression)
        name = canonical if bench.anatomy.property_schema(schema, f"/{canonical}") else pointer[1:]
        if not bench.anatomy.property_schema(schema, f"/{name}"):
            continue
        thing = exist(bench, beside, statuses=driven.sources, like=_spoken(call))
        made[driven.expression] = thing
        having[name] = get(thing.document, bench.anatomy.id_pointer(beside))
    return having


def _address(bench: Bench, call: Call, thing: Thing) -> Call:
    """Put an aggregate's ids into the path."""
    path = dict(call.path)
    for address in bench.anatomy.addresses(call.operation):
        value = get(thing.document, address.pointer) if address.schema == thing.schema else None
        if value is not None:
            path[address.parameter] = value
    for name in path:
        if name in thing.document and name != "id":
            path[name] = thing.document[name]
    return replace(call, path=path)


def _with_keys(bench: Bench, call: Call, thing: Thing | None) -> Call:
    """A fresh Idempotency-Key and the current version, where the operation takes them."""
    key = _header_name(call.operation, IDEMPOTENCY_KEY)
    if key:
        call = call.with_headers(**{key: str(uuid.uuid4())})
    match = _header_name(call.operation, IF_MATCH)
    if match:
        call = call.with_headers(**{match: current_etag(bench, call, thing)})
    return call


def current_etag(bench: Bench, call: Call, thing: Thing | None) -> JSON:
    """The version that an If-Match must name: the GET's ETag, else what is known, else the example."""
    if thing is not None:
        exchange = read(bench, thing)
        if exchange is not None and exchange.ok and "etag" in exchange.headers:
            return exchange.headers["etag"]
        if thing.etag:
            return thing.etag
    parameter = call.operation.parameter("header", IF_MATCH)
    return parameter_value(parameter) if parameter else None


def _header_name(operation: Operation, name: str) -> str | None:
    parameter = operation.parameter("header", name)
    return parameter.name if parameter else None


def _spoken(call: Call) -> Mapping[str, JSON]:
    """The request's values by name, for things that must agree with it."""
    body = call.body if isinstance(call.body, Mapping) else {}
    return {**call.path, **call.query, **body}
