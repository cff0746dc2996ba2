"""What may be shown of a value that need not keep its schema.

``phi.masked`` takes a value at its word; one that is wrong may hold what is marked at a place that is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.contract.documents import tokens_of
from harness.contract.model import JSON, Schema
from harness.contract.navigation import child, items_of, parts, phi_properties, properties, says
from harness.contract.phi import WITHHELD


def shown(schema: Schema | None, value: JSON) -> JSON:
    """A copy of the value with ``WITHHELD`` for all that its schema marks ``x-phi``, and for all that the
    schema does not describe, if it marks anything. Nothing is known of a value without schema."""
    if schema is None:
        return WITHHELD
    return _shown([schema], value) if phi_properties(schema) else value


def below(schema: Schema, pointer: str) -> Schema:
    """The schema of what stands at a JSON pointer of a value; the nearest one above where none is said."""
    for token in tokens_of(pointer):
        found = next(under(list(forms([schema])), token), None)
        if found is None:
            break
        schema = found
    return schema


def _shown(schemas: Sequence[Schema], value: JSON) -> JSON:
    offered = list(forms(schemas))
    if not offered or any(says(each, "x-phi") is True for each in offered):
        return WITHHELD
    if isinstance(value, Mapping):
        return {name: _shown(list(under(offered, name)), each) for name, each in value.items()}
    if isinstance(value, list):
        return [_shown(list(under(offered, None)), each) for each in value]
    return value if not any(_holds_more(each) for each in offered) else WITHHELD


def forms(schemas: Sequence[Schema]) -> Iterator[Schema]:
    """The schemas with all alternatives that they offer, each once."""
    seen, waiting = set[str](), list(schemas)
    while waiting:
        schema = waiting.pop(0)
        if schema.uri in seen:
            continue
        seen.add(schema.uri)
        yield schema
        for part in parts(schema):
            for word in ("oneOf", "anyOf"):
                listed = part.raw.get(word) if isinstance(part.raw, Mapping) else None
                count = len(listed) if isinstance(listed, list) else 0
                waiting += [child(part, word, index) for index in range(count)]


def under(offered: Sequence[Schema], token: str | None) -> Iterator[Schema]:
    """The schemas of a property, or of an array's items (None), in each of the forms that says one."""
    for form in offered:
        named = properties(form)
        items = items_of(form) if token is None or token.isdecimal() else None
        if token is not None and token in named:
            yield named[token]
        elif items is not None:
            yield items
        elif (further := _further(form)) is not None:
            yield further


def _further(form: Schema) -> Schema | None:
    for part in parts(form):
        if isinstance(part.raw, Mapping) and isinstance(part.raw.get("additionalProperties"), Mapping):
            return child(part, "additionalProperties")
    return None


def _holds_more(form: Schema) -> bool:
    """Whether something with parts of its own should stand here, one of which is marked."""
    return bool(phi_properties(form))
