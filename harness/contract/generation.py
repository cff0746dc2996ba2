"""Valid values from schemas, the same for the same seed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from harness.contract.dialects import Direction, bundle
from harness.contract.documents import Documents, tokens_of
from harness.contract.merging import Flat, Impossible, combine, flatten
from harness.contract.model import JSON, Schema
from harness.contract.patterns import CannotWrite, matching_text
from harness.contract.scalars import number, text, word
from harness.contract.validation import Validator, compile_schema
from harness.errors import ContractError

_ATTEMPTS = 40
_DEEP = 5
"""From here on only what is required is made."""

_MANY = 250
"""Values after which there is enough to see: large recursive models would go on for thousands."""

_DEEPEST = 14
_KEYWORDS = {
    "object": frozenset(
        ("properties", "required", "additionalProperties", "patternProperties", "minProperties")
    ),
    "array": frozenset(("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains")),
    "string": frozenset(("pattern", "format", "minLength", "maxLength")),
    "number": frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
}
"""What a schema without ``type`` speaks of, by the words that it uses."""


def generate(
    schema: Schema, seed: int, direction: Direction | None = None, like_examples: bool = False
) -> JSON:
    """A valid value. ``like_examples`` takes what the schema's own examples offer.

    Raises ContractError where none could be found: the schema may be contradictory, or ask for more than this
    generator knows.
    """
    cache: dict[Any, Any] = schema.resources.compiled if isinstance(schema.resources, Documents) else {}
    validator, banned = compile_schema(schema, direction), set[int]()
    for attempt in range(_ATTEMPTS):
        random = Random(f"{seed}/{attempt}")  # noqa: S311 - the same seed gives the same value, on purpose
        late = attempt >= _ATTEMPTS // 2  # whatever was tried did not do: make little, and all of it anew
        key = ("bundle", schema.uri, direction, schema.dialect, schema.scope, late)
        if key not in cache:
            cache[key] = bundle(schema, direction, generating=True, telling=not late)
        whole = cache[key]
        maker = _Maker(whole, random, like_examples and attempt < _ATTEMPTS // 4, 0 if late else _DEEP)
        maker.banned = banned
        maker.sets_apart = attempt >= _ATTEMPTS - _ATTEMPTS // 4
        try:
            value = maker.value(whole, 0)
        except (Impossible, CannotWrite, RecursionError):
            continue
        if validator.is_valid(value):
            return value
        banned.update(_culprits(value, validator))
    raise ContractError(
        str(schema.place),
        "no valid value could be made for this schema",
        "a schema that something satisfies",
        "Write an example beside it",
    )


class _Maker:
    sets_apart = False
    """Whether a value of one form is kept from having another as well: contrived, but some ``oneOf``s of
    open forms are met in no other way."""

    def __init__(self, root: Any, random: Random, like_examples: bool, deep: int) -> None:
        self.deep, self.made = deep, 0
        self.banned: set[int] = set()
        self.root: Mapping[str, Any] = root if isinstance(root, Mapping) else {}
        self.random, self.like_examples = random, like_examples

    def is_deep(self, depth: int) -> bool:
        """Whether only what is required is made any more."""
        return depth >= self.deep or self.made > _MANY

    def value(self, schema: JSON, depth: int) -> JSON:
        self.made += 1
        if depth > _DEEPEST:
            raise Impossible("too deep")
        return self.of(flatten(schema, self.root), depth)

    def of(self, flat: Flat, depth: int) -> JSON:
        if self.like_examples:
            offered = [each for each in _examples(flat) if id(each) not in self.banned]
            if offered:
                return self.random.choice(offered)
        if "const" in flat:
            return flat["const"]
        if "choices" in flat:
            return self.chosen(flat, depth)
        if "conditions" in flat:
            return self.conditional(flat, depth)
        if "enum" in flat:
            return self.random.choice(_of_type(flat["enum"], flat.get("type")))
        return self.of_type(self.type_of(flat, depth), flat, depth)

    def chosen(self, flat: Flat, depth: int) -> JSON:
        first, *others = flat["choices"]
        rest = {key: value for key, value in flat.items() if key != "choices"}
        if others:
            rest["choices"] = others
        branches = list(first)
        self.random.shuffle(branches)
        if self.random.random() < 0.85:
            branches.sort(key=lambda branch: branch == {"type": "null"})
        if self.is_deep(depth):
            branches.sort(key=lambda branch: "$ref" in json.dumps(branch))
        for branch in branches:
            try:
                flat_branch = combine(rest, flatten(branch, self.root))
                value = self.of(flat_branch, depth)
            except (Impossible, CannotWrite):
                continue
            if self.sets_apart and isinstance(value, dict):
                self.set_apart(value, flat_branch, [each for each in branches if each is not branch])
            return value
        raise Impossible("no alternative can be made")

    def set_apart(self, value: dict[str, JSON], flat: Flat, others: list[JSON]) -> None:
        """Break the other forms in what this one leaves open: an optional property of theirs alone."""
        if flat.get("additionalProperties", True) is not True:
            return
        for other in others:
            for name, schema in flatten(other, self.root).get("properties", {}).items():
                wrong = _unlike(flatten(schema, self.root).get("type"))
                if name not in value and name not in flat.get("properties", {}) and wrong is not None:
                    value[name] = wrong
                    break

    def conditional(self, flat: Flat, depth: int) -> JSON:
        """The first condition either met with its consequence, or left to chance with the other."""
        (condition, then, otherwise), *others = flat["conditions"]
        rest = {key: value for key, value in flat.items() if key != "conditions"}
        if others:
            rest["conditions"] = others
        ways = [({"allOf": [condition, then]}), otherwise]
        self.random.shuffle(ways)
        for way in ways:
            try:
                return self.of(combine(rest, flatten(way, self.root)), depth)
            except (Impossible, CannotWrite):
                continue
        raise Impossible("neither consequence can be made")

    def type_of(self, flat: Flat, depth: int) -> str:
        types = flat.get("type")
        if isinstance(types, str):
            return types
        if isinstance(types, list) and types:
            if self.is_deep(depth) and "null" in types:
                return "null"
            solid = [name for name in types if name != "null"]
            return str(self.random.choice(solid if solid and self.random.random() < 0.85 else types))
        return next((name for name, words in _KEYWORDS.items() if not words.isdisjoint(flat)), "string")

    def of_type(self, name: str, flat: Flat, depth: int) -> JSON:
        match name:
            case "null":
                return None
            case "boolean":
                return self.random.random() < 0.5
            case "integer" | "number":
                return number(flat, self.random, whole=name == "integer")
            case "string":
                return text(flat, self.random)
            case "array":
                return self.array(flat, depth)
            case _:
                return self.object(flat, depth)

    def array(self, flat: Flat, depth: int) -> list[JSON]:
        fewest, most = flat.get("minItems", 0), flat.get("maxItems", math.inf)
        items = flat.get("items", flat.get("unevaluatedItems", True))
        found = [self.value(schema, depth + 1) for schema in flat.get("prefixItems", ())]
        if "contains" in flat:
            wanted = {"allOf": [flat["contains"], items]}
            found += [self.value(wanted, depth + 1) for _ in range(flat.get("minContains", 1))]
        spare = (
            self.random.randint(0 if found else 1, 2) if not self.is_deep(depth) and "items" in flat else 0
        )
        aim = min(most, max(fewest, len(found) + spare))
        try:
            for _ in range(60):
                if len(found) >= aim:
                    break
                each = self.value(items, depth + 1)
                if not (flat.get("uniqueItems") and each in found):
                    found.append(each)
        except (Impossible, CannotWrite):
            pass  # fewer may do
        if len(found) < fewest:
            raise Impossible("too few items")
        return found[: int(min(most, len(found)))]

    def object(self, flat: Flat, depth: int) -> dict[str, JSON]:
        known, required = flat.get("properties", {}), list(flat.get("required", ()))
        found: dict[str, JSON] = {}
        for name in required:
            found[name] = self.value(_property(flat, name), depth + 1)
        most = flat.get("maxProperties", math.inf)
        for name in known:
            if name not in found and len(found) < most and self.random.random() < self.chance(depth):
                self.optional(found, name, known[name], depth)
        for name, needed in flat.get("dependentRequired", {}).items():
            for each in needed if name in found else ():
                if each not in found:
                    found[each] = self.value(_property(flat, each), depth + 1)
        self.further(found, flat, depth)
        return found

    def chance(self, depth: int) -> float:
        return 0.0 if self.is_deep(depth) else 0.75 if depth < 3 else 0.3

    def optional(self, found: dict[str, JSON], name: str, schema: JSON, depth: int) -> None:
        try:
            found[name] = self.value(schema, depth + 1)
        except (Impossible, CannotWrite):
            return  # it need not be there

    def further(self, found: dict[str, JSON], flat: Flat, depth: int) -> None:
        """Properties under free names: as many as are needed, and one to show that they may be there."""
        fewest = flat.get("minProperties", 0)
        if not flat.get("properties") and not self.is_deep(depth) and _says_more(flat):
            fewest = max(fewest, min(1, flat.get("maxProperties", 1)))
        for _ in range(60):
            if len(found) >= fewest:
                return
            known = flat.get("properties", {})
            unused = [name for name, each in known.items() if name not in found and each is not False]
            name = unused[0] if unused else self.name(flat)
            if name not in found:
                found[name] = self.value(_property(flat, name), depth + 1)
        raise Impossible("too few properties")

    def name(self, flat: Flat) -> str:
        for pattern in flat.get("patternProperties", {}):
            return matching_text(pattern, self.random)
        if "propertyNames" in flat:
            return text(flatten(flat["propertyNames"], self.root), self.random)
        return word(self.random)


def _says_more(flat: Flat) -> bool:
    return bool(flat.get("patternProperties")) or isinstance(flat.get("additionalProperties"), dict)


def _property(flat: Flat, name: str) -> JSON:
    """The schema that holds for a property."""
    if name in flat.get("properties", {}):
        return flat["properties"][name]
    for pattern, schema in flat.get("patternProperties", {}).items():
        if re.search(pattern, name):
            return schema
    return flat.get("additionalProperties", flat.get("unevaluatedProperties", True))


def _examples(flat: Flat) -> list[JSON]:
    if isinstance(flat.get("examples"), list):
        return list(flat["examples"])
    return [flat[key] for key in ("example", "default") if key in flat][:1]


def _culprits(value: JSON, validator: Validator) -> Iterator[int]:
    """The identities of what breaks the schema: an example that does is not taken again."""
    for violation in validator.violations(value):
        node = value
        for token in tokens_of(violation.pointer):
            node = node[int(token)] if isinstance(node, list) else node[token]
            yield id(node)


def _unlike(types: JSON) -> JSON:
    """A value of none of these types; None where all are allowed."""
    named = {types} if isinstance(types, str) else set(types or ())
    if "number" in named:
        named.add("integer")
    candidates = (("integer", 0), ("string", ""), ("boolean", False))
    return next((value for kind, value in candidates if named and kind not in named), None)


def _of_type(values: list[JSON], types: JSON) -> list[JSON]:
    wanted = [types] if isinstance(types, str) else types
    solid = [value for value in values if value is not None or (wanted and "null" in wanted)]
    return solid or values
