"""A refusal in somebody's own words: a documented error schema filled with what is wrong.

Properties are recognised by their names, whatever the house style: ``message``, ``errorCode``,
``fieldErrors``, FHIR's ``OperationOutcome``, FastAPI's ``loc`` and ``msg``. What nobody recognises comes from
the contract's example, else from the schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from harness.contract.model import JSON, Schema
from harness.contract.schema import compile_schema, example_of, expand, items_of, properties, says
from harness.errors import ContractError
from harness.serving.problems import MAX_REASONS, Reason
from mocks.making import timestamp
from mocks.representations import plain

_DEEP = 5

_TITLES = frozenset({"title", "error", "errortype", "summary", "shortmessage"})
_DETAILS = frozenset(
    {
        "detail",
        "message",
        "description",
        "errormessage",
        "errordescription",
        "msg",
        "text",
        "diagnostics",
        "reason",
    }
    | {"details", "developermessage", "usermessage", "display", "issue", "explanation", "info", "errordetail"}
)
_CODES = frozenset(
    {"code", "errorcode", "type", "status", "statuscode", "httpstatus", "httpstatuscode", "errorkey"}
)
_LISTS = frozenset(
    {
        "errors",
        "violations",
        "details",
        "issues",
        "issue",
        "fielderrors",
        "invalidparams",
        "invalidparameters",
    }
    | {"causes", "messages", "validationerrors", "fields", "problems", "error", "detail", "validation"}
)
_PLACES = frozenset(
    {"pointer", "field", "fieldname", "path", "property", "param", "parameter", "name", "location", "loc"}
    | {"source", "expression", "target", "key", "attribute", "instancepath", "propertypath"}
)
_PATHS = frozenset({"path", "instance", "requestpath", "url", "uri", "requesturi", "resource"})
_TIMES = frozenset({"timestamp", "time", "date", "datetime", "occurredat", "at"})
_TRACES = frozenset({"traceid", "requestid", "correlationid", "errorid", "trackingid", "id", "reference"})

_FHIR: Mapping[int, tuple[str, ...]] = {
    400: ("invalid", "structure", "value", "processing"),
    401: ("login", "security"),
    403: ("forbidden", "security"),
    404: ("not-found",),
    406: ("not-supported",),
    409: ("conflict", "business-rule"),
    410: ("deleted", "not-found"),
    412: ("conflict",),
    415: ("not-supported",),
    422: ("business-rule", "processing", "invalid"),
    429: ("throttled",),
    503: ("transient",),
}
"""Codes of http://hl7.org/fhir/ValueSet/issue-type for a status."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is to be said. ``reason`` is the one thing wrong that an item of a list is about."""

    status: int
    title: str
    detail: str
    reasons: tuple[Reason, ...]
    path: str
    correlation: str
    now: datetime
    reason: Reason | None = None

    @property
    def told(self) -> str:
        """The detail; of one reason, what is wrong there."""
        return self.reason.detail if self.reason is not None else self.detail


@dataclass(slots=True)
class Wording:
    """One documented error schema. ``example`` is the contract's own, if it has one."""

    schema: Schema
    example: JSON = None
    _base: JSON = field(default=None, init=False)

    def says(self, facts: Facts) -> JSON:
        """A valid body that says as much of it as the schema has room for; None if none can be made."""
        valid = compile_schema(self.schema, "response")
        base = self._start()
        filled = _filled(self.schema, facts, base, _DEEP)
        for _ in range(_DEEP):
            if valid.is_valid(filled):
                return filled
            for violation in valid.violations(filled):
                filled = _reverted(filled, base, violation.pointer)
        return filled if valid.is_valid(filled) else base if valid.is_valid(base) else None

    def _start(self) -> JSON:
        if self._base is None:
            try:
                self._base = self.example if self.example is not None else example_of(self.schema)
            except ContractError:
                self._base = {}
        return self._base


def _filled(schema: Schema, facts: Facts, base: JSON, deep: int) -> JSON:
    """An instance of a schema that says the facts, beginning with another instance."""
    named = properties(schema)
    if not named or deep == 0:
        items = items_of(schema)
        if items is not None:
            return _listed(items, facts, base, deep)
        return facts.told if _is_text(schema) else base
    held = dict(base) if isinstance(base, Mapping) else {}
    needed = says(schema, "required") or ()
    filled: dict[str, JSON] = {}
    for name, sub in named.items():
        value = _said(plain(name), sub, facts, held.get(name), deep)
        if value is not None:
            filled[name] = value
        elif name in held and (name in needed or not _speaks_of_another(plain(name))):
            filled[name] = held[name]
    return filled


def _said(name: str, schema: Schema, facts: Facts, base: JSON, deep: int) -> JSON:
    """What a property of this name says of the facts; None if that is not for us to say."""
    valid = compile_schema(schema)
    for candidate in _candidates(name, schema, facts, base, deep):
        if candidate is not None and valid.is_valid(candidate):
            return candidate
    return None


def _candidates(name: str, schema: Schema, facts: Facts, base: JSON, deep: int) -> Iterator[JSON]:
    items = items_of(schema)
    if facts.reason is not None and name in _PLACES:
        yield from _places(name, facts.reason.pointer, schema, facts, deep)
    if name in _LISTS and items is not None:
        yield _listed(items, facts, base[0] if isinstance(base, list) and base else None, deep)
    if name in _LISTS and not properties(schema) and facts.reasons:
        yield _by_field(facts)
    if properties(schema):
        if name in _LISTS | _DETAILS | _TITLES:
            yield _filled(schema, facts, base, deep - 1)
        return
    if name == "severity":
        yield from ("error", "ERROR", "Error")
    if name in _CODES:
        yield from _codes(name, schema, facts)
    if name in _TITLES:
        yield from (facts.title, re.sub(r"\W+", "_", facts.title.lower()))
    if name in _DETAILS:
        yield from (facts.told, facts.told[:200], facts.title)
    if facts.reason is None and name in _PATHS:
        yield from (facts.path, f"urn:correlation:{facts.correlation}")
    if name in _TIMES:
        yield from (timestamp(facts.now), int(facts.now.timestamp() * 1000))
    if facts.reason is None and name in _TRACES:
        yield facts.correlation


def _codes(name: str, schema: Schema, facts: Facts) -> Iterator[JSON]:
    title = facts.title
    words = re.sub(r"\W+", "_", title)
    spelt = (words.upper(), words.lower(), words.lower().replace("_", "-"), words.replace("_", ""))
    if name not in ("type",):
        yield facts.status
    if name in ("status", "statuscode", "httpstatus", "httpstatuscode"):
        yield str(facts.status)
    if isinstance(says(schema, "enum"), list):
        fhir = _FHIR.get(facts.status, ())
        yield from (*fhir, *(each.upper() for each in fhir), *spelt, "VALIDATION_ERROR", "validation_error")
    elif name == "type":
        yield "about:blank" if says(schema, "format") in ("uri", "uri-reference", None) else None
    else:
        yield from (*_FHIR.get(facts.status, ())[: 1 if "system" in name else 0], *spelt, str(facts.status))


def _places(name: str, pointer: str, schema: Schema, facts: Facts, deep: int) -> Iterator[JSON]:
    """Where the one thing is wrong: as a pointer, a dotted path, or its parts (``loc``)."""
    tokens = [each.replace("~1", "/").replace("~0", "~") for each in pointer.split("/")[1:]]
    if items_of(schema) is not None:
        place = tokens if tokens[:1] in (["query"], ["path"], ["header"], ["cookie"]) else ["body", *tokens]
        if name in ("loc", "path"):
            yield [int(each) if each.isdecimal() else each for each in place]
        yield [".".join(tokens) or "body"]
        return
    if "pointer" in properties(schema):
        yield _filled(schema, facts, None, deep - 1)
        return
    if says(schema, "format") == "json-pointer" or plain(schema.uri.rpartition("/")[2]) == "pointer":
        yield pointer
    kinds = ("query", "path", "header", "cookie")
    bare = tokens[1:] if tokens[:1] and tokens[0] in kinds and len(tokens) > 1 else tokens
    yield from (".".join(bare), pointer, ".".join(bare) or "body")


def _listed(items: Schema, facts: Facts, base: JSON, deep: int) -> JSON:
    """One item for each thing that is wrong."""
    reasons = facts.reasons[:MAX_REASONS] or (Reason("", facts.detail),)
    if not properties(items):
        if _is_text(items):
            return [f"{each.pointer} {each.detail}".strip() for each in reasons]
        return None
    if base is None:
        try:
            base = example_of(items)
        except ContractError:
            base = {}
    return [_filled(items, replace(facts, reason=each), base, deep - 1) for each in reasons]


def _by_field(facts: Facts) -> JSON:
    """What is wrong, by the field's name."""
    found: dict[str, list[str]] = {}
    for each in facts.reasons:
        found.setdefault(each.pointer.strip("/").replace("/", ".") or "body", []).append(each.detail)
    return found


def _is_text(schema: Schema) -> bool:
    raw = expand(schema).raw
    kinds = raw.get("type") if isinstance(raw, Mapping) else None
    return kinds == "string" or (isinstance(kinds, list) and "string" in kinds)


def _speaks_of_another(name: str) -> bool:
    """Whether an example's value of this name would speak of another failure than this one."""
    return name in _LISTS | _DETAILS | _PLACES | _TRACES | _PATHS


def _reverted(filled: JSON, base: JSON, pointer: str) -> JSON:
    """The body with what is wrong at a pointer as it was to begin with, or left out."""
    tokens = pointer.split("/")[1:]
    if not tokens or not isinstance(filled, dict):
        lacking = base if isinstance(base, Mapping) else {}
        return {**lacking, **filled} if isinstance(filled, dict) else base
    name = tokens[0]
    if isinstance(base, Mapping) and name in base and filled.get(name) != base[name]:
        return {**filled, name: base[name]}
    return {each: value for each, value in filled.items() if each != name}
