"""The pieces of OpenAPI operations: parameters, bodies, responses, headers, examples, links."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from harness.contract.grammar import kept_elsewhere
from harness.contract.model import (
    EMPTY,
    IGNORED_HEADERS,
    JSON,
    Body,
    Encoding,
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

LOCATIONS = ("path", "query", "header", "cookie", "querystring")

_STATUS = re.compile(r"[1-5]([0-9][0-9]|XX)\Z")
_TEMPLATED = re.compile(r"\{([^{}]+)\}\Z")


@dataclass(frozen=True, slots=True)
class Reader:
    """One document being read: its top, how its schemas are to be read, and the ids given so far."""

    root: Node
    dialect: Dialect
    ids: dict[str, str] = field(default_factory=dict)
    """URI of an operation's node → its operationId."""
    taken: set[str] = field(default_factory=set)
    """Every operationId given."""
    open: frozenset[str] = frozenset()
    """The callbacks inside which the reader is."""


def parameters_of(reader: Reader, *owners: Node) -> tuple[Parameter, ...]:
    """Of the path item and the operation; the operation's win."""
    found: dict[tuple[str, str], Parameter] = {}
    for owner in owners:
        listed = owner.raw("parameters")
        for entry in listed.entries() if listed else ():
            each = _parameter(reader, entry.follow())
            if each.location == "header" and each.name.lower() in IGNORED_HEADERS:
                continue
            found[each.location, each.name] = each
    return tuple(found.values())


def _parameter(reader: Reader, node: Node) -> Parameter:
    name, location = node.text("name"), node.text("in")
    if not name or location not in LOCATIONS:
        raise node.error(
            f"a parameter has name '{name}' and in '{location}'", f"a name, and in: {', '.join(LOCATIONS)}"
        )
    style = node.text("style", "form" if location in ("query", "cookie") else "simple")
    explode = node.mapping().get("explode", style in ("form", "cookie")) is True
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
        allow_reserved=node.flag("allowReserved"),
        allow_empty=node.flag("allowEmptyValue"),
        deprecated=node.flag("deprecated"),
    )


def fixed(
    reader: Reader, parameters: tuple[Parameter, ...], query: Sequence[tuple[str, str]], place: Node
) -> tuple[Parameter, ...]:
    """The parameters with those that a path's key says itself: ``?kind=old`` and ``?page={page}``."""
    found = {(each.location, each.name): each for each in parameters}
    for name, text in query:
        templated = _TEMPLATED.match(text)
        named = found.pop(("path", templated[1]), None) if templated else None
        if named is not None:
            found["query", name] = replace(named, name=name, location="query", style="form", explode=True)
        elif ("query", name) not in found:
            raw = {"type": "string"} if templated else {"type": "string", "const": text}
            uri = f"{place.uri}/parameters/{name}"
            schema = Schema(uri, raw, place.place, None, reader.dialect, place.documents)
            found["query", name] = Parameter(name, "query", True, schema, "form", True, place=place.place)
    return tuple(found.values())


def _schema_or_content(reader: Reader, node: Node) -> tuple[Schema | None, str | None, Node | None]:
    schema, content = node.raw("schema"), node.raw("content")
    if schema is not None:
        return schema.schema(reader.dialect), None, None
    for content_type, entry in content.items(named=True) if content else ():
        media = entry.follow()
        inner = media.raw("schema")
        return (inner.schema(reader.dialect) if inner else None), content_type, media
    return None, None, None


def _examples(owner: Node) -> tuple[Example, ...]:
    named = owner.get("examples")
    if "example" in owner.mapping():
        single = owner.child("example")
        return (Example("", _shown(single), place=single.place),)
    if named is None or not isinstance(named.value, dict):
        return ()
    found = ((name, node.follow()) for name, node in named.items(named=True))
    return tuple(
        Example(name, _shown(node.child(word)), node.text("summary"), node.place)
        for name, node in found
        for word in _shown_in(node.value)
    )


def _shown(value: Node) -> JSON:
    """An example's value, from another file if it is kept there."""
    if kept_elsewhere(value.value):
        with suppress(ContractError):
            return value.follow().value
    return value.value


def _shown_in(example: JSON) -> Sequence[str]:
    """Under which word an Example Object holds its value: none if it is kept elsewhere (``externalValue``).

    ``dataValue`` and ``serializedValue`` are OpenAPI 3.2's.
    """
    words = ("value", "dataValue", "serializedValue") if isinstance(example, dict) else ()
    return [word for word in words if word in example][:1]


def _content(reader: Reader, owner: Node) -> Iterator[tuple[str, MediaType]]:
    content = owner.raw("content")
    for content_type, node in content.items(named=True) if content else ():
        media = node.follow()
        schema, item = media.raw("schema"), media.raw("itemSchema")
        yield (
            content_type,
            MediaType(
                content_type,
                schema.schema(reader.dialect) if schema else None,
                _examples(media),
                media.place,
                dict(_encodings(reader, media)),
                item.schema(reader.dialect) if item else None,
            ),
        )


def _encodings(reader: Reader, media: Node) -> Iterator[tuple[str, Encoding]]:
    listed = media.raw("encoding")
    for name, entry in listed.items(named=True) if listed else ():
        node = entry.follow()
        yield (
            name,
            Encoding(
                content_type=node.text("contentType"),
                style=node.text("style"),
                explode=node.flag("explode") if "explode" in node.mapping() else None,
                allow_reserved=node.flag("allowReserved"),
                headers=dict(_headers(reader, node)),
            ),
        )


def body_of(reader: Reader, node: Node) -> Body:
    return Body(node.flag("required"), dict(_content(reader, node)), node.place)


def responses_of(reader: Reader, operation: Node) -> Iterator[tuple[str, Response]]:
    listed = operation.raw("responses")
    for key, entry in listed.items() if listed else ():
        status = key if key == "default" else key.upper()
        if key != "default" and not _STATUS.match(status):
            raise entry.error(f"'{key}' is no status", "'default', 100 to 599, or a range such as 4XX")
        node = entry.follow()
        yield (
            status,
            Response(
                status=status,
                description=node.text("description"),
                headers=dict(_headers(reader, node)),
                content=dict(_content(reader, node)),
                links=tuple(_links(reader, node)),
                place=entry.place,
            ),
        )


def _headers(reader: Reader, owner: Node) -> Iterator[tuple[str, Header]]:
    listed = owner.raw("headers")
    for name, entry in listed.items(named=True) if listed else ():
        if name.lower() == "content-type":
            continue  # OpenAPI, Response Object: it shall be ignored
        node = entry.follow()
        schema, content_type, media = _schema_or_content(reader, node)
        yield (
            name,
            Header(
                name,
                node.flag("required"),
                schema,
                _examples(media or node),
                node.place,
                node.flag("explode"),
                content_type,
            ),
        )


def _links(reader: Reader, response: Node) -> Iterator[Link]:
    listed = response.raw("links")
    for name, entry in listed.items(named=True) if listed else ():
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
