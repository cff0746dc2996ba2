"""Words of schemas that say less than their author thinks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.contract.nearest import nearest
from harness.contract.node import Node
from harness.findings import Finding
from harness.lint.json_types import fits, types_of
from harness.lint.rule import Rule, finding
from harness.lint.source import Source

_FOR: Mapping[str, frozenset[str]] = {
    word: frozenset(types.split())
    for words, types in (
        ("minLength maxLength pattern contentEncoding contentMediaType contentSchema", "string"),
        ("minimum maximum exclusiveMinimum exclusiveMaximum multipleOf", "number integer"),
        ("items prefixItems minItems maxItems uniqueItems contains minContains maxContains", "array"),
        ("properties patternProperties additionalProperties propertyNames required", "object"),
        ("minProperties maxProperties dependentRequired dependentSchemas", "object"),
    )
    for word in words.split()
}
"""Word → the types about which it says something."""


def enums(source: Source) -> Iterator[Finding]:
    """Values of ``enum`` that are of another type than ``type`` says, so that they are never allowed."""
    for node in _schemas(source):
        values, types = node.value.get("enum"), types_of(node.value)
        if not isinstance(values, list) or types is None:
            continue
        wrong = [index for index, each in enumerate(values) if not any(fits(each, type_) for type_ in types)]
        if wrong and len(wrong) < len(values):  # where none fits, the schema is impossible
            yield finding(
                "enum",
                source,
                node.child("enum").child(wrong[0]).place,
                "a value of 'enum' is not of the schema's type",
                received=f"the {_nth(wrong[0])} value of {len(values)}",
                documented=f"only values of type {' or '.join(sorted(types))}",
                severity=source.of_sense,
            )


def idle(source: Source) -> Iterator[Finding]:
    """Words that say nothing about values of the schema's type, and words that the dialect does not know."""
    old = source.format == "openapi" and source.version > (3, 0)
    fields = source.walk.language.shapes["Schema"].fields if source.walk.language.shapes else {}
    for node in _schemas(source):
        yield from _of_another_type(source, node)
        yield from _nearly_known(source, node, fields)
        if old and isinstance(node.value.get("nullable"), bool):
            title = "'nullable' says nothing since OpenAPI 3.1"
            yield _idle(source, node, "nullable", title, "'null' among the types")


def _of_another_type(source: Source, node: Node) -> Iterator[Finding]:
    types = types_of(node.value)
    for word in node.value if types is not None else ():
        about = _FOR.get(word)
        if types is not None and about is not None and not about & types:
            title = f"'{word}' says nothing about {' or '.join(sorted(types))}"
            yield _idle(source, node, word, title, f"type: {' or '.join(sorted(about))}, or no '{word}'")


def _nearly_known(source: Source, node: Node, known: Mapping[str, object]) -> Iterator[Finding]:
    for word in node.value if source.dialect != "openapi-3.0" else ():  # there it is an error of structure
        if word in known or word.startswith(("x-", "$")):
            continue
        meant = nearest(word, known, closeness=0.8)
        if meant is not None and meant not in node.value:
            title = f"'{word}' is no word of JSON Schema"
            yield _idle(source, node, word, title, f"'{meant}', or a name that begins with 'x-'")


def _idle(source: Source, node: Node, word: str, title: str, expected: str) -> Finding:
    return finding("keyword", source, node.child(word).place, title, received=word, documented=expected)


def _schemas(source: Source) -> Iterator[Node]:
    return (piece.node for piece in source.walk.of("Schema") if isinstance(piece.node.value, dict))


def _nth(index: int) -> str:
    ending = {0: "st", 1: "nd", 2: "rd"}.get(index % 10 if index % 100 not in (10, 11, 12) else 9, "th")
    return f"{index + 1}{ending}"


RULES = (
    Rule(
        "enum",
        "every value of an enum is of the schema's type",
        source=enums,
        why="The value stands there and is refused all the same.",
        mend="Correct the value or the type; null needs 'null' among the types (in OpenAPI 3.0: nullable).",
    ),
    Rule(
        "keyword",
        "every word of a schema says something about its values",
        source=idle,
        severity="warning",
        why="Validators pass over it in silence, so what it seems to promise does not hold.",
        mend="Remove it, or say what was meant.",
    ),
)
