"""The pieces of OpenAPI operations: parameters, bodies, responses, headers, examples, links."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.contract.model import (
    EMPTY,
    Body,
    Example,
    Header,
    Link,
    MediaType,
    Parameter,
    Response,
    Schema,
)
from harness.contract.node import Dialect, Node
from harness.errors import ContractError

LOCATIONS = ("path", "query", "header", "cookie")


@dataclass(frozen=True, slots=True)
class Reader:
    """One document being read: its top, how its schemas are to be read, and the ids given so far."""

    root: Node
    dialect: Dialect
    ids: dict[str, str] = field(default_factory=dict)
    """URI of an operation's node → its operationId."""


def parameters_of(reader: Reader, *owners: Node) -> tuple[Parameter, ...]:
    """Of the path item and the operation; the operation's win."""
    found: dict[tuple[str, str], Parameter] = {}
    for owner in owners:
        listed = owner.raw("parameters")
        for entry in listed.entries() if listed else ():
            each = _parameter(reader, entry.follow())
            if each.location == "header" and each.name.lower() in ("accept", "content-type", "authorization"):
                continue  # OpenAPI, Parameter Object: these definitions shall be ignored
            found[each.location, each.name] = each
    return tuple(found.values())


def _parameter(reader: Reader, node: Node) -> Parameter:
    name, location = node.text("name"), node.text("in")
    if not name or location not in LOCATIONS:
        raise node.error(
            f"a parameter has name '{name}' and in '{location}'", f"a name, and in: {', '.join(LOCATIONS)}"
        )
    style = node.text("style", "form" if location in ("query", "cookie") else "simple")
    explode = node.mapping().get("explode", style == "form") is True
    schema, content_type, media = _schema_or_content(reader, node)
    return Parameter(
        name=name,
        location=location,  # type: ignore[arg-type]  # one of LOCATIONS
        required=location == "path" or node.flag("required"),
        schema=schema or Schema(node.uri, True, node.place, None, reader.dialect, node.documents),
        style=style,
        explode=explode,
        content_type=content_type,
        examples=_examples(media or node),
        description=node.text("description"),
        place=node.place,
    )


def _schema_or_content(reader: Reader, node: Node) -> tuple[Schema | None, str | None, Node | None]:
    schema, content = node.raw("schema"), node.raw("content")
    if schema is not None:
        return schema.schema(reader.dialect), None, None
    for content_type, media in content.items() if content else ():
        inner = media.raw("schema")
        return (inner.schema(reader.dialect) if inner else None), content_type, media
    return None, None, None


def _examples(owner: Node) -> tuple[Example, ...]:
    single, named = owner.mapping().get("example"), owner.get("examples")
    if "example" in owner.mapping():
        return (Example("", single, place=owner.child("example").place),)
    if named is None or not isinstance(named.value, dict):
        return ()
    found = ((name, node.follow()) for name, node in named.items())
    return tuple(
        Example(name, node.value["value"], node.text("summary"), node.place)
        for name, node in found
        if isinstance(node.value, dict) and "value" in node.value
    )


def _content(reader: Reader, owner: Node) -> Iterator[tuple[str, MediaType]]:
    content = owner.raw("content")
    for content_type, node in content.items() if content else ():
        media = node.follow()
        schema = media.raw("schema")
        yield (
            content_type,
            MediaType(
                content_type, schema.schema(reader.dialect) if schema else None, _examples(media), media.place
            ),
        )


def body_of(reader: Reader, node: Node) -> Body:
    return Body(node.flag("required"), dict(_content(reader, node)), node.place)


def responses_of(reader: Reader, operation: Node) -> Iterator[tuple[str, Response]]:
    listed = operation.raw("responses")
    for status, entry in listed.items() if listed else ():
        node = entry.follow()
        yield (
            status.upper() if status != "default" else status,
            Response(
                status=status.upper() if status != "default" else status,
                description=node.text("description"),
                headers=dict(_headers(reader, node)),
                content=dict(_content(reader, node)),
                links=tuple(_links(reader, node)),
                place=entry.place,
            ),
        )


def _headers(reader: Reader, response: Node) -> Iterator[tuple[str, Header]]:
    listed = response.raw("headers")
    for name, entry in listed.items() if listed else ():
        node = entry.follow()
        schema, _, media = _schema_or_content(reader, node)
        yield name, Header(name, node.flag("required"), schema, _examples(media or node), node.place)


def _links(reader: Reader, response: Node) -> Iterator[Link]:
    listed = response.raw("links")
    for name, entry in listed.items() if listed else ():
        node = entry.follow()
        parameters = node.raw("parameters")
        yield Link(
            name=name,
            operation=node.text("operationId") or _referred(reader, node),
            parameters=parameters.mapping() if parameters else EMPTY,
            body=node.mapping().get("requestBody"),
            place=entry.place,
        )


def _referred(reader: Reader, link: Node) -> str:
    """The operationId of an ``operationRef``; the reference itself where it leads to no operation of ours."""
    reference = link.text("operationRef")
    if not reference:
        return ""
    try:
        document, pointer = link.documents.resolve(
            link.document.uri, reference, link.child("operationRef").place
        )
    except ContractError:
        return reference
    return reader.ids.get(f"{document.uri}#{pointer}", reference)
