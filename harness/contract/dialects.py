"""A schema with all that it refers to, as one self-contained JSON Schema 2020-12.

The tree is walked by what each keyword means, so that an example or a property called ``required`` is not
taken for a keyword, and recursion stays a ``$ref``. A direction leaves out what does not travel that way
(OpenAPI, Schema Object: ``readOnly`` and ``writeOnly``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from harness.contract.discriminators import descendants, forms, own_values
from harness.contract.documents import Documents
from harness.contract.keywords import modernise
from harness.contract.model import JSON, Dialect, Schema
from harness.contract.navigation import child, expand, named, parts, references, says, speaks_of, target
from harness.contract.regexes import to_run

Direction = Literal["request", "response"]

_MAPS = frozenset(("properties", "patternProperties", "dependentSchemas"))
_LISTS = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
_SINGLE = frozenset(
    (
        "items",
        "additionalProperties",
        "unevaluatedProperties",
        "unevaluatedItems",
        "contains",
        "propertyNames",
        "not",
        "if",
        "then",
        "else",
    )
)
_SAME_INSTANCE = frozenset(("allOf", "anyOf", "oneOf", "if", "then", "else"))
"""Applicators that look at the same value, so that what is left out above is left out there too."""

_LEFT_OUT = frozenset(
    (
        "$id",
        "id",
        "$schema",
        "$anchor",
        "$dynamicAnchor",
        "$recursiveAnchor",
        "$comment",
        "$defs",
        "definitions",
        "$vocabulary",
        "title",
        "description",
        "deprecated",
        "externalDocs",
        "discriminator",
        "xml",
        "nullable",
        "example",
        "examples",
        "default",
        "readOnly",
        "writeOnly",
        "contentSchema",
    )
)
_REFERENCES = frozenset(("$ref", "$dynamicRef", "$recursiveRef"))

_SINCE_2020 = frozenset(("prefixItems", "$dynamicRef"))
_SINCE_2019 = _SINCE_2020 | frozenset(
    (
        "dependentRequired",
        "dependentSchemas",
        "unevaluatedProperties",
        "unevaluatedItems",
        "minContains",
        "maxContains",
        "$recursiveRef",
    )
)
_SINCE_7 = _SINCE_2019 | {"if", "then", "else"}
_UNKNOWN: Mapping[Dialect, frozenset[str]] = {
    "2020-12": frozenset(),
    "openapi-3.0": frozenset(),
    "2019-09": _SINCE_2020,
    "draft-07": _SINCE_2019,
    "draft-06": _SINCE_7,
    "draft-04": _SINCE_7 | {"const", "contains", "propertyNames"},
}
"""Words that came after a dialect, which are none to it (each draft: unknown keywords are ignored)."""

_REF_ALONE = frozenset(("openapi-3.0", "draft-04", "draft-06", "draft-07"))
"""Dialects that ignore what stands beside a ``$ref``."""

_TRAVELS_NOT = {"request": "readOnly", "response": "writeOnly"}


_EXAMPLES = frozenset(("example", "examples", "default"))


def bundle(
    schema: Schema, direction: Direction | None = None, generating: bool = False, telling: bool = True
) -> dict[str, Any] | bool:
    """The self-contained schema. Raises ContractError for a ``$ref`` that leads nowhere.

    ``generating`` keeps examples, and leaves out what does not travel altogether; with ``telling`` it has
    values say of which form they are, where there is a discriminator. What it refers to is shared with other
    bundles of the same documents: nobody may change it.
    """
    cache = schema.resources.compiled if isinstance(schema.resources, Documents) else {}
    direction = telling_direction(schema, direction)
    shared = cache.setdefault(("definitions", direction, generating, telling), _Definitions())
    bundler = _Bundler(direction, generating, telling, shared)
    whole = bundler.convert(schema, frozenset())
    defs = bundler.reached()
    if isinstance(whole, dict) and defs:
        whole["$defs"] = defs
    return whole


def telling_direction(schema: Schema, direction: Direction | None) -> Direction | None:
    """The direction if it makes a difference: where nothing stays behind, all ways are one."""
    return direction if direction and speaks_of(schema, _TRAVELS_NOT[direction]) else None


def only_refers(schema: Schema) -> str | None:
    """Where a schema refers to that says nothing else about a value, or None."""
    raw = schema.raw
    if not isinstance(raw, Mapping) or not isinstance(raw.get("$ref"), str) or "$id" in raw:
        return None
    others = {word for word in raw if word not in _LEFT_OUT and word[:2] != "x-"}
    return raw["$ref"] if schema.dialect in _REF_ALONE or others == {"$ref"} else None


@dataclass(slots=True)
class _Definitions:
    """What the bundles of one contract have in common: each schema that is referred to, converted once.

    ``sources`` and ``converted`` are by name; ``converted`` has the names that each refers to as well.
    """

    names: dict[tuple[object, ...], str] = field(default_factory=dict)
    sources: dict[str, tuple[Schema, frozenset[str]]] = field(default_factory=dict)
    converted: dict[str, tuple[dict[str, Any] | bool, tuple[str, ...]]] = field(default_factory=dict)
    absent: dict[tuple[object, ...], frozenset[str]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)
    """Threads may compile at once: no two schemas get one name."""


class _Bundler:
    def __init__(
        self, direction: Direction | None, generating: bool, telling: bool, shared: _Definitions
    ) -> None:
        self.shared = shared
        self.left_out = (_LEFT_OUT - _EXAMPLES if generating else _LEFT_OUT) | _REFERENCES
        self.generating, self.telling = generating, telling
        self.flag = _TRAVELS_NOT[direction] if direction else None
        self.direction = direction
        self.referred: dict[str, None] = {}
        """The names that have been referred to since it was emptied."""

    def reached(self) -> dict[str, Any]:
        """The definitions that are referred to, and those that they refer to."""
        defs: dict[str, Any] = {}
        waiting = list(self.referred)
        while waiting:
            name = waiting.pop()
            if name not in defs:
                defs[name], below = self.definition(name)
                waiting += below
        return defs

    def definition(self, name: str) -> tuple[dict[str, Any] | bool, tuple[str, ...]]:
        if name not in self.shared.converted:
            self.referred = {}
            found = self.convert(*self.shared.sources[name])
            self.shared.converted[name] = found, tuple(self.referred)
        return self.shared.converted[name]

    def refer(self, schema: Schema, absent: frozenset[str]) -> str:
        key = (schema.uri, absent, schema.dialect, schema.scope)
        name = self.shared.names.setdefault(key, f"{next(self.shared.numbers)}")
        self.shared.sources.setdefault(name, (schema, absent))
        self.referred[name] = None
        return f"#/$defs/{name}"

    def convert(self, schema: Schema, absent: frozenset[str]) -> dict[str, Any] | bool:
        """``absent`` are properties of this value that do not travel, by what was seen above."""
        raw = schema.raw
        if not isinstance(raw, Mapping):
            return raw
        absent |= self.absent_of(schema)
        found: dict[str, Any] = {}
        left_out = self.left_out | _UNKNOWN[schema.dialect]
        if "$ref" in raw and (concrete := self.concrete(schema)):
            return {"anyOf": [{"$ref": self.refer(each, absent)} for each in concrete]}
        leads = self.leads(schema, absent)
        if leads:
            found["$ref"] = leads[0]
            if schema.dialect in _REF_ALONE and "$ref" in raw:
                return found
        for word, value in raw.items():
            if word not in left_out and not word.startswith("x-"):
                self.keyword(found, schema, word, value, absent)
        if len(leads) > 1:
            found["allOf"] = [*found.get("allOf", ()), *({"$ref": each} for each in leads[1:])]
        if "discriminator" in raw and (told := forms(schema)) is not None:
            found["discriminator"] = told
        modernise(found, raw, schema.dialect, self.generating)
        if self.generating and self.telling:
            self.tell(found, schema)
        return found

    def tell(self, found: dict[str, Any], schema: Schema) -> None:
        """Have a generated value say of which form it is."""
        told = own_values(schema)
        if told is not None:
            name, values = told
            known = found.setdefault("properties", {})
            known[name] = {"allOf": [known[name], {"enum": values}]} if name in known else {"enum": values}
            found["required"] = list(dict.fromkeys((*found.get("required", ()), name)))

    def concrete(self, schema: Schema) -> list[Schema]:
        """The schemas one of which a value is made of where a reference names only their common part."""
        if not (self.generating and self.telling) or schema.uri.rpartition("/")[0].endswith("/allOf"):
            return []
        return descendants(expand(schema))

    def leads(self, schema: Schema, absent: frozenset[str]) -> list[str]:
        """Where the references at a schema's top lead, by the words that its dialect knows."""
        found = references(schema)
        if not found:
            return []
        raw, unknown = schema.raw, _UNKNOWN[schema.dialect]
        known = [raw[word] for word in _REFERENCES - unknown if isinstance(raw, Mapping) and word in raw]
        return [self.refer(target(schema, ref), absent) for ref in found if ref in known]

    def keyword(
        self, found: dict[str, Any], schema: Schema, word: str, value: JSON, absent: frozenset[str]
    ) -> None:
        below = absent if word in _SAME_INSTANCE else frozenset[str]()
        if word in _MAPS and isinstance(value, Mapping):
            elsewhere = isinstance(value.get("$ref"), str)
            spelt = self.pattern if word == "patternProperties" else str
            found[word] = {
                spelt(name): self.member(each, word, (name, elsewhere), absent)
                for name, each in named(schema, word).items()
            }
        elif word == "items" and isinstance(value, list):  # draft 7's spelling of prefixItems
            found["prefixItems"] = [self.convert(child(schema, word, n), below) for n in range(len(value))]
        elif word == "additionalItems":
            if isinstance(schema.raw, Mapping) and isinstance(schema.raw.get("items"), list):
                found["items"] = self.convert(child(schema, word), below)
        elif word in _LISTS and isinstance(value, list):
            found[word] = [self.convert(child(schema, word, n), below) for n in range(len(value))]
        elif word in _SINGLE and isinstance(value, Mapping | bool):
            found[word] = self.convert(child(schema, word), below)
        elif word == "dependencies" and isinstance(value, Mapping):
            self.dependencies(found, schema, value, absent)
        elif word == "pattern" and isinstance(value, str):
            found[word] = self.pattern(value)
        elif word == "required" and isinstance(value, list):
            found[word] = [name for name in value if not isinstance(name, str) or name not in absent]
        else:
            found[word] = value

    def pattern(self, text: str) -> str:
        """As a validator is given it; whoever generates writes by the pattern as it stands."""
        return text if self.generating else to_run(text)

    def member(
        self, each: Schema, word: str, called: tuple[str, bool], absent: frozenset[str]
    ) -> dict[str, Any] | bool:
        """A named schema; one of a mapping that stands ``elsewhere`` may hold this very one."""
        name, elsewhere = called
        if word == "properties" and name in absent and self.generating:
            return False
        if word == "properties" and name in absent and self.direction == "request":
            return True  # may be sent back as it was received, and is ignored
        below = absent if word == "dependentSchemas" else frozenset[str]()
        return {"$ref": self.refer(each, below)} if elsewhere else self.convert(each, below)

    def dependencies(
        self, found: dict[str, Any], schema: Schema, value: Mapping[str, Any], absent: frozenset[str]
    ) -> None:
        for name, needed in value.items():
            if isinstance(needed, list):
                found.setdefault("dependentRequired", {})[name] = needed
            else:
                converted = self.convert(child(schema, "dependencies", name), absent)
                found.setdefault("dependentSchemas", {})[name] = converted

    def absent_of(self, schema: Schema) -> frozenset[str]:
        """The properties that do not travel this way, by all that holds with a schema."""
        raw = schema.raw
        says_some = isinstance(raw, bool) or "properties" in raw or "allOf" in raw or references(schema)
        if self.flag is None or not says_some:
            return frozenset()
        key, known = (schema.uri, schema.dialect, schema.scope), self.shared.absent
        if key not in known:
            known[key] = frozenset(
                name
                for part in parts(schema)
                for name, each in named(part, "properties").items()
                if says(each, self.flag) is True
            )
        return known[key]
