"""A request that breaks the contract, in words: the contract's line, what was sent, what is documented."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.contract.documents import tokens_of
from harness.contract.model import JSON, Contract, MediaType, Operation, Place
from harness.contract.nearest import did_you_mean, nearest
from harness.contract.phi import WITHHELD
from harness.contract.schema import expand, says
from harness.contract.showing import below, shown
from harness.serving.judging import Judgement
from harness.serving.problems import Problem, Reason

_LOCATIONS = frozenset({"path", "query", "header", "cookie"})
_LONGEST = 300
"""Characters of a value or schema that are shown."""

_UNSAID = frozenset({"title", "summary", "description", "example", "examples"})
"""Words of a schema that say nothing about what is valid."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it was sent: ``path`` still percent-encoded, ``query`` without its question mark.

    ``headers`` have lower-case names; ``body`` is decoded if it is JSON, else None, and ``size`` its bytes.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: JSON
    size: int


def misuse(contract: Contract, judgement: Judgement, problem: Problem, sent: Sent) -> str:
    """Paragraphs for the consumer's developer. Nothing that the contract marks ``x-phi`` is in them."""
    operation = judgement.operation
    media = media_of(operation, sent.headers.get("content-type", ""))
    lines = [f"the consumer breaks the contract of {contract.service}", ""]
    lines.append(f"  sent        {sent.method} {_address(operation, sent)}")
    if sent.size:
        lines.append(f"  with body   {_body(media, sent)}")
    if operation is None:
        return "\n".join([*lines, "", *_unknown(contract, problem, sent)])
    for reason in problem.errors or (Reason("", problem.detail),):
        lines += ["", *_wrong(operation, media, reason, problem, sent)]
    return "\n".join(lines)


def media_of(operation: Operation | None, content_type: str) -> MediaType | None:
    """How an operation documents a body of this type; None if it does not."""
    if operation is None or operation.body is None:
        return None
    kind = content_type.partition(";")[0].strip().lower()
    content = {name.partition(";")[0].strip().lower(): each for name, each in operation.body.content.items()}
    return content.get(kind) or content.get(f"{kind.partition('/')[0]}/*") or content.get("*/*")


def _wrong(
    operation: Operation, media: MediaType | None, reason: Reason, problem: Problem, sent: Sent
) -> Iterator[str]:
    """One thing that is wrong: the contract's line, then what is there and what should be."""
    tokens = tokens_of(reason.pointer)
    if len(tokens) > 1 and tokens[0] in _LOCATIONS:
        parameter = operation.parameter(tokens[0], tokens[1])
        if parameter is not None:
            yield str(parameter.place)
            yield f"  {reason.pointer} {reason.detail}"
            yield f"  sent        {_parameter_sent(sent, tokens, says(parameter.schema, 'x-phi') is True)}"
            needed = "required" if parameter.required else "optional"
            yield f"  documented  {needed}, {_schema(parameter.schema.raw, expand(parameter.schema).raw)}"
            return
        if tokens[0] == "query":
            names = [each.name for each in operation.parameters if each.location == "query"]
            yield str(operation.place)
            yield f"  {reason.pointer} {reason.detail}. {did_you_mean(tokens[1], names)}".rstrip()
            yield f"  documented  {', '.join(names) or 'no query parameter'}"
            return
    if problem.status != 400 or media is None or media.schema is None:
        yield str(_place(operation, problem))
        yield f"  {problem.status} {reason.detail}"
        yield f"  documented  {_documented(operation, problem)}"
        return
    schema = below(media.schema, reason.pointer)
    yield str(schema.place)
    yield f"  {reason.pointer or 'the body'} {reason.detail}"
    yield f"  sent        {_text(_at(shown(media.schema, sent.body), tokens))}"
    yield f"  documented  {_schema(schema.raw, expand(schema).raw)}"


def _place(operation: Operation, problem: Problem) -> Place:
    body = operation.body
    return body.place if body is not None and problem.status in (400, 413, 415) else operation.place


def _documented(operation: Operation, problem: Problem) -> str:
    if problem.status == 401:
        ways = [" and ".join(each) or "nothing" for each in operation.security]
        return f"credentials: {' or '.join(ways)}"
    if problem.status == 406:
        types = dict.fromkeys(name for each in operation.successes for name in each.content)
        return f"answers as {', '.join(types)}"
    if operation.body is not None:
        needed = "required" if operation.body.required else "optional"
        return f"a body ({needed}) as {', '.join(operation.body.content)}"
    return "no body"


def _unknown(contract: Contract, problem: Problem, sent: Sent) -> Iterator[str]:
    """An address that the contract does not have, or not with this method: the nearest that it has."""
    known = {f"{each.method.upper()} {each.path}": each for each in contract.operations.values()}
    asked = f"{sent.method} {sent.path}"
    meant = nearest(asked, known, 0.0)
    yield str(known[meant].place if meant else next(iter(contract.files.values()), contract.service))
    yield f"  {problem.status} {problem.detail}"
    yield f"  documented  {', '.join(_nearest_first(asked, known)) or 'nothing over HTTP'}"


def _nearest_first(asked: str, known: Mapping[str, Operation]) -> Iterator[str]:
    left = dict(known)
    for _ in range(3):
        name = nearest(asked, left, 0.0)
        if name is None:
            return
        yield f"{name} ({left.pop(name).id})"


def _address(operation: Operation | None, sent: Sent) -> str:
    """Path and query. Of what is not documented nothing is known: its values are left out."""
    pairs = (part.partition("=") for part in sent.query.split("&") if part)
    shown_query = "&".join(f"{name}={_query_value(operation, name, value)}" for name, _, value in pairs)
    address = sent.path if operation is None else _path(operation, sent.path)
    return f"{address}?{shown_query}" if shown_query else address


def _path(operation: Operation, path: str) -> str:
    """The path as it was sent, unless a parameter in it is ``x-phi``."""
    guarded = [p for p in operation.parameters if p.location == "path" and says(p.schema, "x-phi") is True]
    return operation.path if guarded else path


def _query_value(operation: Operation | None, name: str, value: str) -> str:
    parameter = operation.parameter("query", name) if operation is not None else None
    return WITHHELD if parameter is None or says(parameter.schema, "x-phi") is True else value


def _parameter_sent(sent: Sent, tokens: list[str], guarded: bool) -> str:
    location, name = tokens[:2]
    if location == "query":
        pairs = (part.partition("=") for part in sent.query.split("&"))
        values = [value for each, _, value in pairs if each == name]
    elif location == "header":
        values = [sent.headers[name.lower()]] if name.lower() in sent.headers else []
    else:
        values = [WITHHELD] if location == "cookie" else [f"in {sent.path}"]
    if not values:
        return "nothing"
    return WITHHELD if guarded else _cut(" and ".join(values))


def _body(media: MediaType | None, sent: Sent) -> str:
    if sent.body is None:
        return f"{sent.size} bytes of {sent.headers.get('content-type') or 'no content type'}"
    return _text(shown(media.schema if media else None, sent.body))


def _at(value: JSON, tokens: list[str]) -> JSON:
    for token in tokens:
        if isinstance(value, Mapping) and token in value:
            value = value[token]
        elif isinstance(value, list) and token.isdecimal() and int(token) < len(value):
            value = value[int(token)]
        else:
            return value
    return value


def _schema(*raws: Mapping[str, JSON] | bool) -> str:
    """What a schema asks, from the first of its spellings that says more than where to look."""
    raw = next((each for each in raws if not isinstance(each, Mapping) or "$ref" not in each), raws[-1])
    if isinstance(raw, Mapping):
        return _text({name: value for name, value in raw.items() if name not in _UNSAID})
    return _text(raw)


def _text(value: JSON) -> str:
    return _cut(json.dumps(value, ensure_ascii=False, default=str))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
