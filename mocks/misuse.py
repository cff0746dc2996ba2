"""A request that breaks the contract, in words: the contract's line, what was sent, what is documented."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.contract.documents import tokens_of
from harness.contract.model import JSON, Contract, MediaType, Operation, Place, Schema
from harness.contract.nearest import did_you_mean, nearest
from harness.contract.phi import WITHHELD
from harness.contract.schema import expand, says
from harness.contract.showing import below, shown
from harness.serving.bodies import RefusedBody, is_json, parse_json
from harness.serving.judging import Judgement
from harness.serving.problems import Problem, Reason
from harness.serving.wire import Scope, headers_of

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


def sent_of(scope: Scope, body: bytes) -> Sent:
    """A request in the words of misuse."""
    headers = headers_of(scope)
    value: JSON = None
    if is_json(headers.get("content-type", "").partition(";")[0].strip().lower()):
        try:
            value = parse_json(body)
        except RefusedBody:
            value = None
    path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    return Sent(scope["method"], path, query, headers, value, len(body))


@dataclass(frozen=True, slots=True)
class Breach:
    """One thing that is not as the contract has it: ``sent`` stands beside ``documented``."""

    place: Place
    title: str
    sent: str
    documented: str

    @property
    def lines(self) -> list[str]:
        """For a terminal."""
        sent = [f"  sent        {self.sent}"] if self.sent else []
        return [str(self.place), f"  {self.title}", *sent, f"  documented  {self.documented}"]


def misuse(contract: Contract, judgement: Judgement, problem: Problem, sent: Sent) -> str:
    """Paragraphs for the consumer's developer. Nothing that the contract marks ``x-phi`` is in them."""
    operation = judgement.operation
    lines = [f"the consumer breaks the contract of {contract.service}", ""]
    lines.append(f"  sent        {sent.method} {address(operation, sent)}")
    if sent.size:
        media = media_of(operation, sent.headers.get("content-type", ""))
        lines.append(f"  with body   {_body(media, sent)}")
    for breach in breaches(contract, judgement, problem, sent):
        lines += ["", *breach.lines]
    return "\n".join(lines)


def breaches(contract: Contract, judgement: Judgement, problem: Problem, sent: Sent) -> list[Breach]:
    """Everything that is wrong with a request, without what is ``x-phi``."""
    operation = judgement.operation
    if operation is None:
        return [_unknown(contract, problem, sent)]
    media = media_of(operation, sent.headers.get("content-type", ""))
    reasons = problem.errors or (Reason("", problem.detail),)
    return [_wrong(operation, media, reason, problem, sent) for reason in reasons]


def media_of(operation: Operation | None, content_type: str) -> MediaType | None:
    """How an operation documents a body of this type; None if it does not."""
    if operation is None or operation.body is None:
        return None
    kind = content_type.partition(";")[0].strip().lower()
    content = {name.partition(";")[0].strip().lower(): each for name, each in operation.body.content.items()}
    return content.get(kind) or content.get(f"{kind.partition('/')[0]}/*") or content.get("*/*")


def _wrong(
    operation: Operation, media: MediaType | None, reason: Reason, problem: Problem, sent: Sent
) -> Breach:
    tokens = tokens_of(reason.pointer)
    if len(tokens) > 1 and tokens[0] in _LOCATIONS:
        parameter = operation.parameter(tokens[0], tokens[1])
        if parameter is not None:
            value = _parameter_sent(sent, tokens, says(parameter.schema, "x-phi") is True)
            needed = "required" if parameter.required else "optional"
            asked = f"{needed}, {schema_text(parameter.schema)}"
            return Breach(parameter.place, f"{reason.pointer} {reason.detail}", value, asked)
        if tokens[0] == "query":
            names = [each.name for each in operation.parameters if each.location == "query"]
            title = f"{reason.pointer} {reason.detail}. {did_you_mean(tokens[1], names)}".rstrip()
            return Breach(operation.place, title, "", ", ".join(names) or "no query parameter")
    if problem.status != 400 or media is None or media.schema is None:
        title = f"{problem.status} {reason.detail}"
        return Breach(_place(operation, problem), title, "", _documented(operation, problem))
    return body_breach(media.schema, sent.body, reason)


def body_breach(schema: Schema, body: JSON, reason: Reason) -> Breach:
    """What is wrong with a body at one place."""
    there = below(schema, reason.pointer)
    value = text_of(_at(shown(schema, body), tokens_of(reason.pointer)))
    return Breach(there.place, f"{reason.pointer or 'the body'} {reason.detail}", value, schema_text(there))


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


def _unknown(contract: Contract, problem: Problem, sent: Sent) -> Breach:
    """An address that the contract does not have, or not with this method: the nearest that it has."""
    known = {f"{each.method.upper()} {each.path}": each for each in contract.operations.values()}
    asked = f"{sent.method} {sent.path}"
    meant = nearest(asked, known, 0.0)
    place = known[meant].place if meant else Place(next(iter(contract.files.values()), contract.service), 1)
    documented = ", ".join(_nearest_first(asked, known)) or "nothing over HTTP"
    return Breach(place, f"{problem.status} {problem.detail}", "", documented)


def _nearest_first(asked: str, known: Mapping[str, Operation]) -> Iterator[str]:
    left = dict(known)
    for _ in range(3):
        name = nearest(asked, left, 0.0)
        if name is None:
            return
        yield f"{name} ({left.pop(name).id})"


def address(operation: Operation | None, sent: Sent) -> str:
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
    return text_of(shown(media.schema if media else None, sent.body))


def _at(value: JSON, tokens: list[str]) -> JSON:
    for token in tokens:
        if isinstance(value, Mapping) and token in value:
            value = value[token]
        elif isinstance(value, list) and token.isdecimal() and int(token) < len(value):
            value = value[int(token)]
        else:
            return value
    return value


def schema_text(schema: Schema) -> str:
    """What a schema asks, without what is said about it."""
    raw = (
        schema.raw if not isinstance(schema.raw, Mapping) or "$ref" not in schema.raw else expand(schema).raw
    )
    if isinstance(raw, Mapping):
        return text_of({name: value for name, value in raw.items() if name not in _UNSAID})
    return text_of(raw)


def text_of(value: JSON) -> str:
    """JSON, cut where it gets long."""
    return _cut(json.dumps(value, ensure_ascii=False, default=str))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
