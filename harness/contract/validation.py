"""Compiled validators, and what they say about a value without repeating it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from harness.contract.dialects import Direction, bundle, only_refers, telling_direction
from harness.contract.documents import Documents, escape
from harness.contract.formats import TEXTS
from harness.contract.model import JSON, Schema
from harness.contract.navigation import target
from harness.contract.regexes import as_written
from harness.errors import ContractError

_NAME = re.compile(r"[A-Za-z_$@][A-Za-z0-9_.$-]{0,39}\Z")
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Violation:
    """``pointer`` says where in the value, ``detail`` what should be there, ``keyword`` which word says so.

    The detail never holds the offending value: it may be PHI.
    """

    pointer: str
    detail: str
    keyword: str


class Validator:
    """One schema, compiled. Safe to share between threads."""

    __slots__ = ("_compiled", "_whole", "schema")

    def __init__(
        self, schema: Schema, compiled: jsonschema_rs.Draft202012Validator, whole: dict[str, Any] | bool
    ) -> None:
        self.schema = schema
        self._compiled, self._whole = compiled, whole

    def is_valid(self, value: JSON) -> bool:
        return self._compiled.is_valid(value)

    def violations(self, value: JSON) -> tuple[Violation, ...]:
        """Everything that is wrong with a value; empty if nothing is."""
        if self._compiled.is_valid(value):
            return ()
        return tuple(_violation(error, self._whole) for error in self._compiled.iter_errors(value))

    def missing(self, value: JSON) -> tuple[tuple[str, str], ...]:
        """Pointer and name of every property that is required and absent."""
        errors = self._compiled.iter_errors(value)
        return tuple(
            (pointer_of(error.instance_path), error.kind.as_dict()["property"])
            for error in errors
            if error.kind.name == "required"
        )


def compile_schema(schema: Schema, direction: Direction | None = None) -> Validator:
    """The validator of a schema, compiled on first use. Raises ContractError if it makes no sense."""
    cache: dict[Any, Any] = schema.resources.compiled if isinstance(schema.resources, Documents) else {}
    direction = telling_direction(schema, direction)
    key = ("validator", schema.uri, direction, schema.dialect, schema.scope)
    if key not in cache:
        meant = _meant(schema)
        if meant is not schema:
            cache[key] = compile_schema(meant, direction)
        else:
            whole = bundle(schema, direction)
            cache[key] = Validator(schema, _compile(schema, whole), whole)
    found: Validator = cache[key]
    return found


def _meant(schema: Schema) -> Schema:
    """What a schema refers to that does nothing else: all places that say so share one validator."""
    meant, seen = schema, {schema.uri}
    while (ref := only_refers(meant)) is not None:
        meant = target(meant, ref)
        if meant.uri in seen:
            return schema  # a circle, which is told of elsewhere
        seen.add(meant.uri)
    return meant


def _compile(schema: Schema, whole: dict[str, Any] | bool) -> jsonschema_rs.Draft202012Validator:
    try:
        return jsonschema_rs.Draft202012Validator(whole, validate_formats=True, formats=TEXTS, offline=True)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        why = getattr(error, "message", None) or str(error)
        at = pointer_of(getattr(error, "instance_path", None) or ())
        found = f"this schema makes no sense{f' (at {at})' if at else ''}: {' '.join(why.split())}"
        raise ContractError(str(schema.place), found, "a JSON Schema as its dialect defines it") from error


def pointer_of(tokens: Iterable[str | int]) -> str:
    """The JSON pointer (RFC 6901) of a path."""
    return "".join(f"/{escape(token)}" for token in tokens)


def _violation(error: Any, whole: dict[str, Any] | bool = True) -> Violation:
    """``whole`` is the schema that was compiled: it knows what discriminators say."""
    pointer = pointer_of(error.instance_path)
    keyword = error.kind.name
    if keyword == "falseSchema" and error.schema_path[-1:] == ["additionalProperties"]:
        keyword = "additionalProperties"  # how the library reports it where no property is documented
    if keyword in ("oneOf", "anyOf") and (told := _told(error, whole)):
        return Violation(pointer, told, keyword)
    return Violation(pointer, detail_of(keyword, error.kind.as_dict(), error), keyword)


def _told(error: Any, whole: dict[str, Any] | bool) -> str:
    """What the form lacks that the value says it has by its discriminator; ``""`` where that says nothing."""
    choice: Any = whole
    for token in error.evaluation_path[:-1]:
        if isinstance(choice, Mapping) and token == "$ref":  # noqa: S105 - no secret
            choice = whole["$defs"][choice["$ref"].rpartition("/")[2]] if isinstance(whole, dict) else None
        elif isinstance(choice, Mapping | list):
            choice = choice[token]  # the path is one through this very tree
    told = choice.get("discriminator") if isinstance(choice, Mapping) else None
    if told is None or not isinstance(error.instance, dict):
        return ""
    name, forms = told["propertyName"], told["forms"]
    if name not in error.instance:
        return f"the property '{name}', which says which form it has, is missing"
    value = error.instance[name]
    if not isinstance(value, str) or value not in forms:
        return f"its '{name}' must be one of {_choices(list(forms))}, the documented forms"
    wrong = error.kind.context[forms[value]] if forms[value] < len(error.kind.context) else ()
    reasons = ", ".join(f"{each.pointer or 'it'} {each.detail}" for each in map(_violation, wrong[:3]))
    return f"does not have the form {_json(value)} that its '{name}' names: {reasons}" if reasons else ""


_LIMITS: Mapping[str, str] = {
    "minimum": "must be at least {limit}",
    "maximum": "must be at most {limit}",
    "exclusiveMinimum": "must be more than {limit}",
    "exclusiveMaximum": "must be less than {limit}",
    "minLength": "must have at least {limit} characters",
    "maxLength": "must have at most {limit} characters",
    "minItems": "must have at least {limit} items",
    "maxItems": "must have at most {limit} items",
    "minProperties": "must have at least {limit} properties",
    "maxProperties": "must have at most {limit} properties",
    "additionalItems": "must have at most {limit} items",
    "multipleOf": "must be a multiple of {multiple_of}",
    "uniqueItems": "must not have the same item twice",
    "contains": "has no item of the kind that it must contain",
    "not": "has a form that is excluded",
    "falseSchema": "must not be there",
    "propertyNames": "has a property whose name is not allowed",
    "unevaluatedItems": "has items that are not documented",
}


def detail_of(keyword: str, facts: Mapping[str, Any], error: Any) -> str:
    """What should be there, in our own words, from the schema alone."""
    if keyword == "pattern":
        return f"must match {as_written(facts['pattern'])}"
    if keyword in _LIMITS:
        return _LIMITS[keyword].format_map(facts)
    match keyword:
        case "type":
            return f"must be of type {' or '.join(facts['types'])}"
        case "required":
            return f"the property '{named(facts['property'])}' is missing"
        case "const":
            return f"must be {_json(facts['expected_value'])}"
        case "enum":
            return f"must be one of {_choices(facts['options'])}"
        case "format":
            return f"must be a valid {facts['format']}"
        case "additionalProperties" | "unevaluatedProperties":
            names = ", ".join(f"'{named(name)}'" for name in facts.get("unexpected", ())[:_SHOWN])
            return f"has properties that are not documented{names and ': ' + names}"
        case "oneOf" | "anyOf":
            return "; ".join(("does not have one of the documented forms", *_nearest_form(error)))
        case _:
            return f"breaks '{keyword}'"


def _nearest_form(error: Any) -> Iterator[str]:
    """What the alternative with the fewest faults lacks."""
    forms = [form for form in error.kind.context if form]
    if type(error.kind).__name__.endswith("MultipleValid"):
        yield "it has several at once, and only one is allowed"
    elif forms:
        nearest = [_violation(each) for each in min(forms, key=len)]
        yield "nearest is: " + ", ".join(f"{each.pointer or 'it'} {each.detail}" for each in nearest[:3])


def named(name: str) -> str:
    """A property name, unless it looks like data: keys chosen by a sender may be PHI too."""
    return name if _NAME.match(name) else "(name withheld)"


def _json(value: JSON) -> str:
    return json.dumps(value, ensure_ascii=False)


def _choices(options: list[JSON]) -> str:
    shown = ", ".join(_json(option) for option in options[:_SHOWN])
    return shown + (", …" if len(options) > _SHOWN else "")
