"""The format's own structure, and references that lead to what is wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.contract.node import Node
from harness.findings import Finding
from harness.lint.misfit import Misfit
from harness.lint.rule import Rule, finding
from harness.lint.schema_structure import schema_demands
from harness.lint.source import Source
from harness.lint.structure_openapi import demands
from harness.lint.walk import Reference


def structure(source: Source) -> Iterator[Finding]:
    """What an OpenAPI document has that the format does not know, and lacks that it demands."""
    for misfit in misfits_of(source):
        yield _misfit(source, misfit)


def misfits_of(source: Source) -> list[Misfit]:
    """What is wrong with the structure of an OpenAPI document; AsyncAPI has tables of its own (``forms``)."""
    if source.format != "openapi":
        return []
    if "misfits" not in source.derived:
        walk = source.walk
        source.derived["misfits"] = [*walk.misfits, *demands(source, walk), *schema_demands(source, walk)]
    found: list[Misfit] = source.derived["misfits"]
    return found


def _misfit(source: Source, misfit: Misfit) -> Finding:
    where = misfit.node.place
    return finding(
        "structure", source, where, misfit.title, received=misfit.found, documented=misfit.expected
    )


def references(source: Source) -> Iterator[Finding]:
    """Every ``$ref``, ``operationRef`` and discriminator mapping leads to something of the kind wanted."""
    for reference in source.walk.references:
        if reference.error is not None and not reference.is_remote:
            error = reference.error
            yield finding(
                "reference",
                source,
                reference.node.place,
                error.found,
                received=f"'{reference.node.value}'",
                documented=f"{error.expected}. {error.remedy}".strip(". "),
            )
        elif reference.target is not None:
            yield from _of_another_kind(source, reference)


def _of_another_kind(source: Source, reference: Reference) -> Iterator[Finding]:
    walk, target = source.walk, reference.target
    kind = walk.component_kind(target) if target else None
    if kind in (None, reference.kind) or kind not in walk.language.shapes:
        return
    called = walk.language.called
    yield finding(
        "reference",
        source,
        reference.node.place,
        f"the $ref leads to {called(kind)}",
        received=f"'{reference.node.value}'",
        documented=f"a $ref to {called(reference.kind)}",
    )


_SIBLINGS = {(3, 0): frozenset(("$ref",)), (3, 1): frozenset(("$ref", "summary", "description"))}


_REMARKS = frozenset(("title", "summary", "description", "example", "examples", "externalDocs"))
"""Words that say nothing about what is valid: one who loses them loses a remark."""


def siblings(source: Source) -> Iterator[Finding]:
    """Keys beside a ``$ref`` that nobody reads (Reference Object: they shall be ignored).

    Each where something is meant to hold that does not; mere remarks once a file, with their number.
    """
    remarks: dict[str, list[tuple[Node, list[str]]]] = {}
    for reference, holder, beside in _ignored(source):
        if all(word in _REMARKS or word.startswith("x-") for word in beside):
            remarks.setdefault(holder.document.uri, []).append((holder, beside))
        else:
            allowed = "the $ref alone, or an 'allOf' that holds it"
            yield _sibling(
                source, holder, beside, allowed if reference.kind == "Schema" else "the $ref alone"
            )
    for found in remarks.values():
        holder, _ = min(found, key=lambda each: (each[0].place.line, each[0].place.column))
        more = len(found) - 1
        words = dict.fromkeys(word for _, each in found for word in each)
        places = f", here and in {more} more {'place' if more == 1 else 'places'} of this file"
        yield _sibling(source, holder, list(words), "the $ref alone", places if more else "")


def _ignored(source: Source) -> Iterator[tuple[Reference, Node, list[str]]]:
    """The references that have company, with the mapping that holds both and the keys that are ignored."""
    known = _SIBLINGS.get(source.version, _SIBLINGS[3, 1])
    for reference in source.walk.references if source.format == "openapi" else ():
        node = reference.node
        if node.key != "$ref" or reference.kind == "PathItem":
            continue
        if reference.kind == "Schema" and source.version != (3, 0):
            continue
        holder = Node.at(node.documents, node.document, node.pointer.rpartition("/")[0])
        beside = [key for key in holder.value if key not in known]
        if beside:
            yield reference, holder, beside


def _sibling(source: Source, holder: Node, beside: list[str], allowed: str, more: str = "") -> Finding:
    return finding(
        "reference-siblings",
        source,
        next(holder.child(each) for each in beside if each in holder.value).place,
        f"what stands beside a $ref is ignored{more}",
        received=", ".join(beside),
        documented=allowed,
    )


def unused(sources: Sequence[Source]) -> Iterator[Finding]:
    """Components that nothing outside the components leads to, in documents that have more than those."""
    reached = set[str]().union(*(source.walk.reached for source in sources))
    named = {name for source in sources for name in _schemes(source)}
    for source in sources:
        components = source.root.value.get("components") if isinstance(source.root.value, dict) else None
        if not isinstance(components, dict) or not _has_more(source):
            continue
        for section in source.walk.language.components:
            held = components.get(section)
            for name in held if isinstance(held, dict) else ():
                node = source.root.child("components").child(section).child(name)
                if node.uri in reached:
                    continue
                if section == "securitySchemes" and name in named:
                    continue
                yield finding(
                    "unused-component",
                    source,
                    node.place,
                    f"nothing uses {source.walk.language.called(source.walk.language.components[section])} "
                    f"'{name}'",
                    received=f"components.{section}.{name}",
                    documented="a $ref that leads here, or no such component",
                    operation=name,
                )


def _has_more(source: Source) -> bool:
    return any(source.root.value.get(key) for key in ("paths", "webhooks", "channels", "operations"))


def _schemes(source: Source) -> Iterator[str]:
    for piece in source.walk.of("Security"):
        yield from piece.node.value
    for piece in source.walk.of("Server", "Operation", "Trait"):
        listed = piece.node.value.get("security")
        for each in listed if isinstance(listed, list) else ():
            yield from each if isinstance(each, dict) else ()


RULES = (
    Rule(
        "structure",
        "a document has the structure that its format's specification describes",
        source=structure,
        why="Tools skip what they do not know and stumble over what is missing.",
        mend="Write it as the specification says; a key of your own begins with 'x-'.",
    ),
    Rule(
        "reference",
        "every reference leads to something, and to what is wanted there",
        source=references,
        why="What refers to nothing says nothing: no tool can read it.",
        mend="Correct the reference, or write what it should lead to.",
    ),
    Rule(
        "reference-siblings",
        "nothing stands beside a $ref that would be ignored",
        source=siblings,
        severity="warning",
        why="Readers ignore the keys beside a $ref, so what they say does not hold.",
        mend="Move them to where the $ref leads, or wrap the $ref in 'allOf'.",
    ),
    Rule(
        "unused-component",
        "every component is used",
        together=unused,
        severity="warning",
        why="What nothing leads to is never checked by use, and misleads readers.",
        mend="Refer to it, or remove it.",
    ),
)
