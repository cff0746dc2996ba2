"""What an operation documents as answers, in the order in which a mock considers them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from harness.contract.model import JSON, Example, MediaType, Operation, Parameter, Response
from harness.contract.schema import compile_schema
from harness.contract.styles import is_json, is_xml
from harness.serving.bodies import JSON_TYPE
from harness.serving.exchange import Request
from harness.serving.xml_bodies import is_well_formed

_SCALARS = (str, int, float)
_WORST = "default"


@dataclass(frozen=True, slots=True)
class Documented:
    """One documented way to answer: a response, how its body is written, and an example of it.

    ``media`` is None for a response without a body; ``example`` is None where none is documented.
    """

    status: int
    response: Response
    media: MediaType | None = None
    example: Example | None = None


def answers(operation: Operation) -> tuple[Documented, ...]:
    """Every documented answer, successes first, each response's media types and examples in order.

    An operation that documents no response at all (OpenAPI 3.1 allows it) has one: 204, no content; so has
    one with interim responses alone (1XX), which answer nothing yet.
    """
    final = [each for each in operation.responses.values() if not each.status.startswith("1")]
    if not final:
        return (Documented(204, Response("204", "Nothing is documented"), None),)
    ordered = sorted(final, key=_rank)
    return tuple(each for response in ordered for each in _ways(response, _status(response.status)))


def answers_of(operation: Operation, status: int) -> tuple[Documented, ...]:
    """The documented answers for one status (``404``, else ``4XX``, else ``default``); empty if none."""
    response = operation.response_for(status)
    return tuple(_ways(response, status)) if response is not None else ()


def _ways(response: Response, status: int) -> Iterator[Documented]:
    """What keeps its schema first: of examples that all break it none is the answer unless it is named."""
    if not response.content:
        yield Documented(status, response)
    for media in response.content.values():
        shown = [_as_meant(media, example) for example in media.examples]
        right = [example for example in shown if _keeps(media, example.value)]
        if not right:
            yield Documented(status, response, media)
        for example in (*right, *(each for each in shown if each not in right)):
            yield Documented(status, response, media, example)


def _keeps(media: MediaType, value: JSON) -> bool:
    if isinstance(value, str) and is_xml(media.content_type):
        return is_well_formed(value)
    if media.schema is None or not is_json(media.content_type.replace("*/*", JSON_TYPE)):
        return True  # how it is written is the contract's own affair
    return compile_schema(media.schema, "response").is_valid(value)


def _as_meant(media: MediaType, example: Example) -> Example:
    """JSON that was written as text into an example, as many do, is what it says."""
    if isinstance(example.value, str) and not _keeps(media, example.value):
        try:
            value = json.loads(example.value)
        except (ValueError, RecursionError):
            return example
        return replace(example, value=value) if _keeps(media, value) else example
    return example


def _rank(response: Response) -> int:
    """2xx first, then ``default`` (it may be the success), redirects, errors."""
    if response.status == _WORST:
        return 1
    return {"2": 0, "1": 2, "3": 2}.get(response.status[:1], 3)


def _status(documented: str) -> int:
    """The status to send for ``"200"``, ``"4XX"`` (400) or ``"default"`` (200)."""
    if documented == _WORST:
        return 200
    return int(documented.upper().replace("X", "0"))


@dataclass(frozen=True, slots=True)
class RequestExample:
    """The request half of a named pair: what the contract's example of this name sends.

    ``parameters`` are (location, name, value). ``has_body`` tells a body example apart from none, ``members``
    are those of the body that are no more than a text, a number or the like.
    """

    name: str
    parameters: tuple[tuple[str, str, JSON], ...]
    body: JSON = None
    has_body: bool = False
    members: tuple[tuple[str, JSON], ...] = ()

    def weight(self, request: Request) -> int:
        """How many values of this example the request repeats; 0 if it contradicts any of them.

        A parameter that the request leaves out contradicts nothing; a body that is the example's and no more
        counts for more.
        """
        total, sent = 0, request.body
        if self.members and isinstance(sent, dict):
            for name, value in self.members:
                if name not in sent or sent[name] != value:
                    return 0  # as nearly always
        for location, name, value in self.parameters:
            given = _given(request, location, name)
            if given is None:
                continue
            if not _same(given, value):
                return 0
            total += 1
        if not self.has_body:
            return total
        repeated = _repeated(self.body, sent)
        if repeated is None:
            return 0
        return total + repeated + (1 if self.body == sent else 0)


def request_examples(operation: Operation) -> tuple[RequestExample, ...]:
    """The named examples of an operation's parameters and body, one for each name, in order."""
    parameters: dict[str, list[tuple[str, str, JSON]]] = {}
    bodies: dict[str, JSON] = {}
    for parameter in operation.parameters:
        for example in parameter.examples:
            if example.name:
                parameters.setdefault(example.name, []).append(
                    (parameter.location, parameter.name, example.value)
                )
    for media in operation.body.content.values() if operation.body else ():
        for example in media.examples:
            if example.name:
                bodies.setdefault(example.name, example.value)
    names = dict.fromkeys((*bodies, *parameters))
    return tuple(
        RequestExample(
            name,
            tuple(parameters.get(name, ())),
            bodies.get(name),
            name in bodies,
            _members(bodies.get(name)),
        )
        for name in names
    )


def _members(body: JSON) -> tuple[tuple[str, JSON], ...]:
    members = body.items() if isinstance(body, Mapping) else ()
    return tuple((name, value) for name, value in members if value is None or isinstance(value, _SCALARS))


def asks_as_shown(operation: Operation, request: Request) -> bool:
    """Whether the path's values are the contract's own examples of them, as far as they show a success."""
    succeed, refused = set[str](), set[str]()
    for response in operation.responses.values():
        names = {example.name for media in response.content.values() for example in media.examples}
        (succeed if response.status.startswith("2") else refused).update(names - {""})
    named = [each for each in operation.parameters if each.location == "path"]
    return bool(named) and all(
        any(
            example.value == request.path.get(each.name) and example.name not in refused - succeed
            for example in each.examples
        )
        for each in named
    )


def _given(request: Request, location: str, name: str) -> JSON:
    if location == "path":
        return request.path.get(name)
    if location == "query":
        return request.query.get(name)
    return request.headers.get(name.lower()) if location == "header" else None


def _same(given: JSON, example: JSON) -> bool:
    """Headers arrive as text, so a number is compared with its spelling as well."""
    return bool(given == example) or (isinstance(given, str) and given == str(example))


def _repeated(example: JSON, given: JSON) -> int | None:
    """How many values of ``example`` stand in ``given`` at the same place; None if one does not.

    Objects may hold more than the example says; arrays must be as long as the example's.
    """
    if example is None or isinstance(example, _SCALARS):
        return 1 if type(example) is type(given) and example == given else None
    if isinstance(example, Mapping):
        if not isinstance(given, Mapping) or not example.keys() <= given.keys():
            return None
        pairs: Iterable[tuple[JSON, JSON]] = ((value, given[name]) for name, value in example.items())
    elif isinstance(example, list):
        if not isinstance(given, list) or len(given) != len(example):
            return None
        pairs = zip(example, given, strict=True)
    else:
        return None
    total = 1
    for one, other in pairs:
        part = _repeated(one, other)
        if part is None:
            return None
        total += part
    return total


def last_path_parameter(operation: Operation) -> Parameter | None:
    """The path parameter that stands last in the path, or None."""
    names = re.findall(r"{([^{}]+)}", operation.path)
    return operation.parameter("path", names[-1]) if names else None
