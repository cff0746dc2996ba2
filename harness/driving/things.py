"""Aggregates that exist on the target: made in a wished state, and read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.contract.expressions import Context, evaluate
from harness.contract.lifecycles import is_last
from harness.contract.model import EMPTY, JSON, Operation
from harness.contract.schema import properties, says
from harness.driving.actors import claims_for, needs_token
from harness.driving.anatomy import ids_in
from harness.driving.bench import Bench
from harness.driving.calls import Call, Exchange
from harness.driving.placing import get, put
from harness.driving.scenarios import instances
from harness.errors import StateError
from harness.target import offer_control


@dataclass(frozen=True, slots=True)
class Thing:
    """One aggregate on the target. ``etag`` is what an If-Match needs, as far as it is known.

    ``found`` says that it was there before us and nobody knows whether it suits the request that it is
    for: that it is held for the same patient, say. What is refused for its sake tells nothing.
    """

    schema: str
    document: Mapping[str, JSON]
    etag: str | None = None
    found: bool = False


def exist(
    bench: Bench,
    schema: str,
    *,
    statuses: Sequence[str] = (),
    like: JSON = None,
    agreeing: Mapping[str, JSON] = EMPTY,
    having: Mapping[str, JSON] = EMPTY,
) -> Thing:
    """A new aggregate in one of the wished statuses (none: in any).

    It starts from one of the contract's examples: the one that ``like`` (a request, say) names, that
    speaks of the same ids, or that is in a wished status, in this order of weight. So a slot is held for
    the patient who books it. ``agreeing`` are a request's values, which its properties of the same names
    take over; ``having`` are properties that it must have. Its own id is fresh, so that no two calls
    share it. Without control it is made by the contract's own POSTs.

    Raises StateError where it cannot be made.
    """
    if not bench.controlled:
        from harness.driving.creating import through_api

        return through_api(bench, schema, statuses, having, agreeing)
    wish = {**_start(bench, schema, statuses, like), **_shared(bench, schema, agreeing), **having}
    pointer = bench.anatomy.id_pointer(schema)
    if get(dict(having), pointer) is None and _is_its_own(bench, schema, pointer):
        wish = put(wish, pointer, bench.fresh_id(bench.anatomy.property_schema(schema, pointer)))
    own = {
        name: bench.fresh_value(each) for name, each in bench.anatomy.unique(schema).items() if name in wish
    }
    wish = {**wish, **own, **having}
    made = bench.states.create(schema, wish)
    return Thing(schema, made.document, f'"{made.version}"')


def read(bench: Bench, thing: Thing, actor: str | None = None) -> Exchange | None:
    """What the contract's GET answers for an aggregate now; None if no GET reads it."""
    reader = bench.anatomy.reader(thing.schema)
    if reader is None:
        return None
    operation, pointers = reader
    path = {name: get(thing.document, pointer) for name, pointer in pointers.items()}
    if any(value is None for value in path.values()):
        return None
    call = Call(operation, path=path)
    subject = subject_of(bench, call, thing.document)
    return bench.caller.send(call, claims_for(operation, subject, actor) if needs_token(operation) else None)


def thing_of(schema: str, exchange: Exchange) -> Thing:
    """The aggregate that an answer shows."""
    body = exchange.body if isinstance(exchange.body, Mapping) else {}
    return Thing(schema, dict(body), exchange.headers.get("etag"))


@dataclass(frozen=True, slots=True)
class Reading:
    """What a GET shows of an aggregate, as far as it must not change; all empty if no GET reads it."""

    status: int = 0
    document: JSON = None
    etag: str | None = None


def reading(bench: Bench, thing: Thing) -> Reading:
    """Read an aggregate, to be compared with a later reading."""
    return reading_of(read(bench, thing))


def reading_of(seen: Exchange | None) -> Reading:
    if seen is None:
        return Reading()
    document = seen.body
    if not seen.ok and isinstance(document, Mapping):
        # A problem may tell of this one occurrence (RFC 9457, 3.1).
        document = {name: value for name, value in document.items() if name not in {"detail", "instance"}}
    return Reading(seen.status, document, seen.headers.get("etag"))


def changes(before: Reading, after: Reading) -> str:
    """What a later reading shows otherwise: the names of properties, and the status and ETag whole."""
    told = []
    if before.status != after.status:
        told.append(f"status {after.status} instead of {before.status}")
    if before.etag != after.etag:
        told.append(f"ETag {after.etag} instead of {before.etag}")
    one, other = (e.document if isinstance(e.document, Mapping) else {} for e in (before, after))
    names = [name for name in {**one, **other} if one.get(name) != other.get(name)]
    return ", ".join([*told, *([f"other values of {', '.join(names)}"] if names else [])])


def status_of(bench: Bench, schema: str, document: JSON) -> str | None:
    """The lifecycle status that a document shows, or None."""
    lifecycle = bench.contract.lifecycles.get(schema)
    value = document.get(lifecycle.status) if lifecycle and isinstance(document, Mapping) else None
    return value if isinstance(value, str) else None


def is_over(bench: Bench, schema: str, status: JSON, seen: Exchange) -> bool:
    """Whether a GET answers 410, as it documents, for what no transition leads on from: a merged record."""
    last = is_last(bench.contract.lifecycles.get(schema), status)
    return last and seen.status == 410 and "410" in seen.call.operation.responses


def subject_of(bench: Bench, call: Call, document: JSON = None) -> str | None:
    """The patient whose data a call touches (``x-subject``); ``document`` stands for what is stored."""
    return evaluate_text(call.operation, call.operation.subject, call, document)


def evaluate_text(operation: Operation, expression: str | None, call: Call, document: JSON) -> str | None:
    """What an expression over a call and its (expected) answer says, as text; None if nothing."""
    if expression is None:
        return None
    value = evaluate(expression, request_context(call, document))
    return value if isinstance(value, str) else None


def request_context(call: Call, document: JSON = None) -> Context:
    """What expressions see before the answer is there; ``document`` stands for its body."""
    return Context(
        method=call.operation.method,
        url=call.operation.path,
        request_path=call.path,
        request_query=call.query,
        request_headers={name: str(value) for name, value in call.headers.items()},
        request_body=call.body,
        response_body=document,
    )


def _start(bench: Bench, schema: str, statuses: Sequence[str], like: JSON) -> dict[str, JSON]:
    """What the aggregate starts from: the best example, the whole of it if it is in a wished status."""
    lifecycle = bench.contract.lifecycles.get(schema)
    name = lifecycle.status if lifecycle else ""
    pointer = bench.anatomy.id_pointer(schema)
    spoken = ids_in(like)

    def fits(instance: Mapping[str, JSON]) -> bool:
        return not statuses or lifecycle is None or instance.get(name) in statuses

    def weight(instance: Mapping[str, JSON]) -> float:
        own = get(instance, pointer)
        shared = spoken & ids_in({key: value for key, value in instance.items() if value != own})
        return (2.0 if own in spoken else 0.0) + min(len(shared), 3) + (1.5 if fits(instance) else 0.0)

    best = max(instances(bench.contract, schema), key=weight, default={})
    start = dict(best) if fits(best) else _required(bench, schema, best)
    if lifecycle is not None and statuses and start.get(name) not in statuses:
        start[name] = statuses[0]
    return start


def _shared(bench: Bench, schema: str, request: Mapping[str, JSON]) -> dict[str, JSON]:
    """The values of a request whose names the aggregate has too."""
    component = bench.contract.schemas.get(schema)
    lifecycle = bench.contract.lifecycles.get(schema)
    if component is None:
        return {}
    return {
        name: value
        for name, value in request.items()
        if name in properties(component)
        and name not in {"id", lifecycle.status if lifecycle else "id"}
        and isinstance(value, str | int | float)
    }


def _required(bench: Bench, schema: str, instance: Mapping[str, JSON]) -> dict[str, JSON]:
    component = bench.contract.schemas.get(schema)
    required = says(component, "required") if component else None
    return {name: value for name, value in instance.items() if name in (required or ())}


def _is_its_own(bench: Bench, schema: str, pointer: str) -> bool:
    """Whether what a pointer names is this aggregate's own id, not that of what it belongs to."""
    name = pointer.rpartition("/")[2]
    if name == "id":
        return True
    others = (other for key, other in bench.contract.schemas.items() if key != schema)
    return all(name not in properties(other) for other in others)


def cannot_make(bench: Bench, schema: str, why: str) -> StateError:
    """The error for an aggregate that neither control nor the contract's own POSTs can make."""
    return StateError(
        bench.target.url,
        f"no {schema} can be made: {why}",
        remedy=offer_control(bench.target),
    )
