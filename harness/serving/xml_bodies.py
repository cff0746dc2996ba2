"""XML to values and back, as a schema's XML Objects say (OpenAPI 3.0 to 3.2, XML Object).

Documents with a DOCTYPE are refused: entities that expand to gigabytes need one, and no contract does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from harness.contract.extent import MAX_DEPTH, MAX_VALUES
from harness.contract.model import JSON, Schema
from harness.contract.navigation import child, items_of, parts, properties, says
from harness.serving.shapes import ANY, Meaning, Shape, Undecodable, scalar, shape_of

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_UNSAYABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_TEXT = ("text", "cdata")


class MalformedXml(Exception):
    """Why a text is no XML that is taken here; the phrase begins with a verb."""


@dataclass(slots=True, eq=False)
class Element:
    """``name`` and the keys of ``attributes`` are local names; ``namespace`` is ``""`` without one."""

    name: str
    namespace: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)
    text: str = ""
    is_nil: bool = False


def parse_xml(raw: bytes) -> Element:
    """The root element. Raises MalformedXml, also beyond ``extent``'s bounds."""
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = builder.doctype
    try:
        parser.Parse(raw, True)
    except expat.ExpatError:
        raise MalformedXml("is not well-formed XML") from None
    return builder.roots[0]


def is_well_formed(text: str) -> bool:
    """Whether a text is a document that ``parse_xml`` takes."""
    try:
        parse_xml(text.encode())
    except (MalformedXml, UnicodeEncodeError):
        return False
    return True


class _Builder:
    def __init__(self) -> None:
        self.roots: list[Element] = []
        self.open: list[Element] = []
        self.count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        element = Element(local, namespace)
        for key, value in attributes.items():
            owner, _, local = key.rpartition(" ")
            if owner != _XSI:
                element.attributes[local] = value
            elif local == "nil":
                element.is_nil = value in ("true", "1")
        self.count += 1 + len(attributes)
        if len(self.open) >= MAX_DEPTH or self.count > MAX_VALUES:
            raise MalformedXml(f"has more than {MAX_DEPTH} levels or {MAX_VALUES} elements")
        (self.open[-1].children if self.open else self.roots).append(element)
        self.open.append(element)

    def end(self, _name: str) -> None:
        self.open.pop()

    def data(self, text: str) -> None:
        self.open[-1].text += text

    def doctype(self, *_: Any) -> None:
        raise MalformedXml("has a DOCTYPE, which is not taken here")


@dataclass(frozen=True, slots=True)
class _Hints:
    """A schema's XML Object; ``kind`` is 3.2's ``nodeType``, or what its forerunners mean."""

    name: str
    namespace: str
    prefix: str
    kind: str

    def fits(self, element: Element) -> bool:
        return element.name == self.name and self.namespace in ("", element.namespace)


def _hints(schema: Schema, fallback: str) -> _Hints:
    raw = says(schema, "xml")
    said: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
    kind = "attribute" if said.get("attribute") is True else "element"
    if "array" in shape_of(schema, 1).kinds and said.get("wrapped") is not True:
        kind = "none"
    texts = [said.get(word) for word in ("name", "namespace", "prefix")]
    name, namespace, prefix = (each if isinstance(each, str) else "" for each in texts)
    return _Hints(name or fallback, namespace, prefix, str(said.get("nodeType", kind)))


def values_of(root: Element, schema: Schema) -> Iterator[JSON]:
    """The readings of a document. Raises MalformedXml for a root of another name than the schema says."""
    hints = _hints(schema, root.name)
    if not hints.fits(root):
        raise MalformedXml(f"must have the root element {hints.name}")
    failed: Undecodable | None = None
    for meaning in Meaning:
        try:
            yield _value(root, schema, meaning)
        except Undecodable as error:
            failed = error
    if failed is not None:
        raise MalformedXml(f"has an element or attribute that {failed}")


def _value(element: Element, schema: Schema, meaning: Meaning) -> JSON:
    shape = shape_of(schema)
    if element.is_nil:
        return None
    if (shape.is_object or shape.is_array) and _is_text(element, schema):
        return element.text
    if shape.is_object:
        return _object(element, schema, shape, meaning)
    if shape.is_array:
        items = items_of(schema)
        return [_value(each, items, meaning) if items else _plain(each, ANY) for each in element.children]
    if element.children:
        return _plain(element, shape)
    return scalar(element.text, shape, meaning)


def _is_text(element: Element, schema: Schema) -> bool:
    """Whether an element holds text alone, for which an object or a list has no place."""
    if element.children or element.attributes or not element.text.strip():
        return False
    return not any(_hints(each, name).kind in _TEXT for name, each in _described(schema).items())


def _object(element: Element, schema: Schema, shape: Shape, meaning: Meaning) -> dict[str, JSON]:
    found: dict[str, JSON] = {}
    attributes, children = dict(element.attributes), list(element.children)
    for name, described in _described(schema).items():
        hints = _hints(described, name)
        if hints.kind == "attribute":
            if hints.name in attributes:
                found[name] = scalar(attributes.pop(hints.name), shape_of(described), meaning)
        elif hints.kind in _TEXT:
            found[name] = scalar(element.text, shape_of(described), meaning)
        elif hints.kind == "none" and (items := items_of(described)) is not None:
            own, children = _parted(children, _hints(items, name))
            if own:
                found[name] = [_value(each, items, meaning) for each in own]
        else:
            own, children = _parted(children, hints)
            if own:
                values = [_value(each, described, meaning) for each in own]
                found[name] = values[0] if len(values) == 1 else values
    for name, text in attributes.items():
        found.setdefault(name, scalar(text, shape.member(name), meaning))
    for each in children:
        found.setdefault(each.name, _plain(each, shape.member(each.name)))
    return found


def _parted(elements: list[Element], hints: _Hints) -> tuple[list[Element], list[Element]]:
    """Those that the hints name, and the others."""
    own: list[Element] = []
    others: list[Element] = []
    for each in elements:
        (own if hints.fits(each) else others).append(each)
    return own, others


def _plain(element: Element, shape: Shape) -> JSON:
    """An element that no schema describes: its text, or what is in it by name."""
    if not element.children:
        return scalar(element.text, shape)
    return {each.name: _plain(each, ANY) for each in element.children}


def _described(schema: Schema, above: frozenset[str] = frozenset()) -> dict[str, Schema]:
    """The properties that a schema names, those of its alternatives too."""
    found = dict(properties(schema))
    for part in parts(schema):
        raw = part.raw if isinstance(part.raw, Mapping) else {}
        for word in ("oneOf", "anyOf"):
            listed = raw.get(word)
            for at in range(len(listed) if isinstance(listed, list) else 0):
                branch = child(part, word, at)
                if branch.uri not in above:
                    found = {**_described(branch, above | {branch.uri}), **found}
    return found


def write_xml(value: JSON, schema: Schema) -> bytes:
    """A value as a document; its root is named as the schema says, or as its component."""
    text = _written(value, schema, _hints(schema, schema.name or "root"))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


def _written(value: JSON, schema: Schema | None, hints: _Hints) -> str:
    tag = f"{hints.prefix}:{hints.name}" if hints.prefix else hints.name
    attributes = ""
    if hints.namespace:
        attributes = f" xmlns{hints.prefix and ':' + hints.prefix}={quoteattr(hints.namespace)}"
    if value is None:
        return f'<{tag}{attributes} xmlns:xsi="{_XSI}" xsi:nil="true"/>'
    inside = ""
    if isinstance(value, Mapping):
        described = _described(schema) if schema is not None else {}
        for name, each in value.items():
            known = described.get(name)
            own = _hints(known, name) if known is not None else _Hints(name, "", "", "element")
            if own.kind == "attribute":
                attributes += f" {own.prefix and own.prefix + ':'}{own.name}={quoteattr(_text(each))}"
            elif own.kind in _TEXT:
                inside += escape(_text(each))
            elif isinstance(each, list):
                inside += _items(each, known, own, name)
            else:
                inside += _written(each, known, own)
    elif isinstance(value, list):
        items = items_of(schema) if schema is not None else None
        inside = "".join(_written(e, items, _item_hints(items, "item")) for e in value)
    else:
        inside = escape(_text(value))
    return f"<{tag}{attributes}>{inside}</{tag}>"


def _items(values: list[JSON], schema: Schema | None, own: _Hints, name: str) -> str:
    items = items_of(schema) if schema is not None else None
    written = "".join(_written(each, items, _item_hints(items, name)) for each in values)
    if schema is None or own.kind == "none":
        return written
    tag = f"{own.prefix}:{own.name}" if own.prefix else own.name
    return f"<{tag}>{written}</{tag}>"


def _item_hints(items: Schema | None, name: str) -> _Hints:
    return _hints(items, name) if items is not None else _Hints(name, "", "", "element")


def _text(value: JSON) -> str:
    text = ("true" if value else "false") if isinstance(value, bool) else "" if value is None else str(value)
    return _UNSAYABLE.sub(" ", text)
