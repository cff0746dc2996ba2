"""The requests that a contract's examples describe, the promising ones first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from harness.contract.model import EMPTY, JSON, Body, Contract, MediaType, Operation, Parameter
from harness.contract.schema import compile_schema, example_of, properties, says
from harness.contract.styles import cookie_text

IDEMPOTENCY_KEY = "idempotency-key"
IF_MATCH = "if-match"
_OURS = {IDEMPOTENCY_KEY, IF_MATCH, "x-correlation-id", "traceparent", "prefer", "accept", "authorization"}
"""Headers that are made for each call, never taken from an example."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One example of a request: ``name`` as the contract has it, ``""`` for a generated one."""

    name: str
    path: Mapping[str, JSON] = field(default=EMPTY)
    query: Mapping[str, JSON] = field(default=EMPTY)
    headers: Mapping[str, JSON] = field(default=EMPTY)
    body: JSON = None


def scenarios(operation: Operation, seed: int = 0) -> list[Scenario]:
    """What the examples describe, those first that should succeed; a generated one if there is none.

    An example should succeed if a 2xx response has one of the same name, and should not if only another
    response has. Optional parameters are left out unless an example of that very name is given for them.
    """
    names = sorted(_request_names(operation), key=lambda name: _promise(operation, name))
    return [_scenario(operation, name, seed) for name in names or [""]]


def promising(operation: Operation, seed: int = 0) -> list[Scenario]:
    """The scenarios that are as promising as the first: all that should succeed."""
    known = scenarios(operation, seed)
    best = _promise(operation, known[0].name)
    return [each for each in known if _promise(operation, each.name) == best]


def with_values(scenario: Scenario, having: Mapping[str, JSON]) -> Scenario:
    """A request with those of the wished values for which its body or path has a property of the name."""
    body, path = scenario.body, dict(scenario.path)
    if isinstance(body, Mapping):
        body = {**body, **{name: value for name, value in having.items() if name in body}}
    path |= {name: value for name, value in having.items() if name in path}
    return replace(scenario, body=body, path=path)


def response_example(operation: Operation, name: str = "") -> JSON:
    """The body of the documented success: the example of this name, else the first, else None."""
    for response in operation.successes:
        for media in response.content.values():
            named = {each.name: each.value for each in media.examples}
            if named:
                return named.get(name, next(iter(named.values())))
    return None


def instances(contract: Contract, schema: str) -> Iterator[dict[str, JSON]]:
    """The contract's examples of a component schema: its own, then those of bodies that are of it."""
    component = contract.schemas.get(schema)
    if component is not None:
        given = [*(says(component, "examples") or ()), says(component, "example")]
        yield from (each for each in given if isinstance(each, dict))
    for operation in contract.operations.values():
        for response in operation.responses.values():
            for media in response.content.values():
                if media.schema is not None and media.schema.name == schema:
                    yield from (e.value for e in media.examples if isinstance(e.value, dict))


def json_media(body: Body | None) -> MediaType | None:
    """The body's JSON media type, if it has one."""
    if body is None:
        return None
    return next((m for kind, m in body.content.items() if "json" in kind.lower()), None)


def parameter_value(parameter: Parameter, name: str = "", seed: int = 0) -> JSON:
    """An example of a parameter: of this name, else the first, else of its schema."""
    named = {each.name: each.value for each in parameter.examples}
    if named:
        return named.get(name, next(iter(named.values())))
    return example_of(parameter.schema, seed)


def _request_names(operation: Operation) -> list[str]:
    media = json_media(operation.body)
    names = [each.name for each in media.examples] if media else []
    if not names:
        succeed = [e.name for r in operation.successes for m in r.content.values() for e in m.examples]
        names = [e.name for p in operation.parameters for e in p.examples if e.name in succeed]
    return list(dict.fromkeys(names))


def _promise(operation: Operation, name: str) -> int:
    """0 named by a success, 1 by no response, 2 by a refusal alone."""
    statuses = {
        status
        for status, response in operation.responses.items()
        for media in response.content.values()
        for example in media.examples
        if example.name == name and name
    }
    if any(status.startswith("2") for status in statuses):
        return 0
    return 2 if statuses else 1


def _scenario(operation: Operation, name: str, seed: int) -> Scenario:
    places: dict[str, dict[str, JSON]] = {"path": {}, "query": {}, "header": {}, "cookie": {}}
    places["querystring"] = places["query"]
    for parameter in operation.parameters:
        if parameter.location == "header" and parameter.name.lower() in _OURS:
            continue
        named = bool(name) and any(each.name == name for each in parameter.examples)
        if parameter.required or named:
            places[parameter.location][parameter.name] = parameter_value(parameter, name, seed)
    cookies = (
        cookie_text(parameter, places["cookie"][parameter.name])
        for parameter in operation.parameters
        if parameter.location == "cookie" and parameter.name in places["cookie"]
    )
    if sent := "; ".join(cookies):
        places["header"]["Cookie"] = sent
    body = _body(operation, name, seed)
    return Scenario(name, places["path"], places["query"], places["header"], body)


def _body(operation: Operation, name: str, seed: int) -> JSON:
    media = json_media(operation.body)
    if media is None:
        return None
    named = {each.name: each.value for each in media.examples}
    if named:
        return named.get(name, next(iter(named.values())))
    return example_of(media.schema, seed, "request") if media.schema else {}


def invalid_bodies(operation: Operation) -> Iterator[tuple[str, JSON]]:
    """Bodies that the contract does not admit, each with what is wrong with it, in words."""
    media = json_media(operation.body)
    if media is None or media.schema is None:
        return
    validator = compile_schema(media.schema, "request")
    good = _body(operation, "", 0)
    candidates: list[tuple[str, JSON]] = [("a list instead of the documented body", [])]
    if isinstance(good, Mapping):
        for name in says(media.schema, "required") or ():
            candidates.append((f"without '{name}'", {k: v for k, v in good.items() if k != name}))
        for name in properties(media.schema):
            candidates.append((f"with '{name}' of a wrong type", {**good, name: {"wrong": [1]}}))
    yield from ((what, body) for what, body in candidates if not validator.is_valid(body))
