"""Avro schemas (Avro 1.12 specification) as the JSON Schema of their JSON encoding.

What travels is usually Avro's binary encoding, which is not read here; examples, and messages whose content
type says JSON, are in the JSON encoding (section "JSON Encoding"): a union's value that is not null is an
object of one property, which is named like its branch; bytes and fixed are text of code points up to 255.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from harness.contract.documents import Document
from harness.contract.model import JSON, Schema
from harness.contract.nearest import did_you_mean
from harness.contract.node import Node, kind
from harness.errors import ContractError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_FULL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*\Z")
_TEXT_OF_BYTES = "^[\\u0000-\\u00ff]*$"

PRIMITIVES: dict[str, dict[str, Any]] = {
    "null": {"type": "null"},
    "boolean": {"type": "boolean"},
    "int": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "long": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    "float": {"type": "number"},
    "double": {"type": "number"},
    "bytes": {"type": "string", "pattern": _TEXT_OF_BYTES},
    "string": {"type": "string"},
}
"""Section "Primitive Types": what each is in the JSON encoding."""

_LOGICAL: dict[tuple[str, str], dict[str, Any]] = {
    ("string", "uuid"): {"format": "uuid"},
    ("int", "time-millis"): {"minimum": 0, "maximum": 86_399_999},
    ("long", "time-micros"): {"minimum": 0, "maximum": 86_399_999_999},
}
"""Section "Logical Types": those that narrow the values of what they stand on; others change nothing here."""


@dataclass(slots=True)
class _Place:
    """Where a type stands: its node, and the namespace that its names are read in."""

    node: Node
    namespace: str = ""

    def below(self, key: str | int) -> _Place:
        return _Place(self.node.child(key), self.namespace)


@dataclass(slots=True)
class _Converter:
    """``defs`` are the named types met so far, by full name."""

    defs: dict[str, JSON] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    def convert(self, at: _Place) -> dict[str, Any]:
        node = at.node = at.node.follow()
        if isinstance(node.value, str):
            return self.referred(at, node.value)
        if isinstance(node.value, list):
            return self.union(at)
        if not isinstance(node.value, dict):
            found = f"an Avro type is {kind(node.value)}"
            raise node.error(found, "a type's name, a union's list or a mapping with 'type'")
        said = node.value.get("type")
        if isinstance(said, dict | list):
            return self.convert(at.below("type"))
        if said is None:
            raise node.error("an Avro type has no 'type'", "'type'")
        makers: dict[str, Callable[[_Place], dict[str, Any]]] = {
            "record": self.record,
            "error": self.record,
            "enum": self.enum,
            "fixed": self.fixed,
            "array": lambda at: {"type": "array", "items": self.part(at, "items")},
            "map": lambda at: {"type": "object", "additionalProperties": self.part(at, "values")},
        }
        if said in makers:
            return makers[str(said)](at)
        found_type = self.referred(_Place(node.child("type"), at.namespace), str(said))
        return {**found_type, **_LOGICAL.get((str(said), str(node.value.get("logicalType"))), {})}

    def referred(self, at: _Place, name: str) -> dict[str, Any]:
        if name in PRIMITIVES:
            return dict(PRIMITIVES[name])
        full = name if "." in name or not at.namespace else f"{at.namespace}.{name}"
        for each in (full, name):
            if each in self.kinds:
                return {"$ref": f"#/$defs/{each}"}
        known = (*self.kinds, *PRIMITIVES)
        found = f"no Avro type '{name}' is defined before this place"
        raise at.node.error(found, "a primitive type, or the name of one above", did_you_mean(name, known))

    def part(self, at: _Place, key: str) -> dict[str, Any]:
        if key not in at.node.value:
            raise at.node.error(f"an Avro {at.node.value['type']} has no '{key}'", f"'{key}'")
        return self.convert(at.below(key))

    def named(self, at: _Place) -> str:
        """The full name that a type gets (section "Names")."""
        value = at.node.value
        name, space = value.get("name"), value.get("namespace", at.namespace)
        if not isinstance(name, str) or not _FULL_NAME.match(name):
            found = (
                f"an Avro {value['type']} is called {name!r}"
                if name
                else f"an Avro {value['type']} has no name"
            )
            raise at.node.error(found, "a name of letters, digits and '_' that does not begin with a digit")
        if not isinstance(space, str) or (space and not _FULL_NAME.match(space)):
            raise at.node.child("namespace").error(f"the namespace is {space!r}", "names with dots between")
        full = name if "." in name or not space else f"{space}.{name}"
        if full in self.kinds or full in PRIMITIVES:
            raise at.node.error(f"the Avro type '{full}' is defined a second time", "each name once")
        self.kinds[full] = str(value["type"])
        at.namespace = full.rpartition(".")[0]
        return full

    def record(self, at: _Place) -> dict[str, Any]:
        full = self.named(at)
        fields = at.node.raw("fields")
        if fields is None:
            raise at.node.error(f"the Avro record '{full}' has no 'fields'", "a list of fields")
        properties: dict[str, Any] = {}
        required = []
        for entry in fields.entries():
            name = entry.mapping().get("name")
            if not isinstance(name, str) or not _NAME.match(name):
                raise entry.error(
                    f"a field of '{full}' is called {name!r}", "a name of letters, digits and '_'"
                )
            if name in properties:
                raise entry.error(f"'{full}' has two fields '{name}'", "each name once")
            if "type" not in entry.mapping():
                raise entry.error(f"the field '{name}' of '{full}' has no type", "'type'")
            properties[name] = self.convert(_Place(entry.child("type"), at.namespace))
            if "default" not in entry.value:
                required.append(name)
        self.defs[full] = {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }
        return {"$ref": f"#/$defs/{full}"}

    def enum(self, at: _Place) -> dict[str, Any]:
        full = self.named(at)
        listed = at.node.raw("symbols")
        symbols = [each.value for each in listed.entries()] if listed is not None else []
        for symbol in symbols or [None]:
            if not isinstance(symbol, str) or not _NAME.match(symbol) or symbols.count(symbol) > 1:
                found = (
                    f"the Avro enum '{full}' has the symbol {symbol!r}"
                    if symbols
                    else f"'{full}' has no symbols"
                )
                raise at.node.error(found, "'symbols', each a name, and each once")
        default = at.node.value.get("default")
        if default is not None and default not in symbols:
            found = f"the default of '{full}' is {default!r}"
            raise at.node.child("default").error(found, f"one of {', '.join(symbols)}")
        self.defs[full] = {"type": "string", "enum": symbols}
        return {"$ref": f"#/$defs/{full}"}

    def fixed(self, at: _Place) -> dict[str, Any]:
        full = self.named(at)
        size = at.node.value.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise at.node.error(f"the Avro fixed '{full}' has size {size!r}", "a whole number of bytes")
        text = PRIMITIVES["bytes"]
        self.defs[full] = {**text, "minLength": size, "maxLength": size}
        return {"$ref": f"#/$defs/{full}"}

    def union(self, at: _Place) -> dict[str, Any]:
        branches: dict[str, dict[str, Any]] = {}
        for index, entry in enumerate(at.node.value):
            if isinstance(entry, list):
                raise at.node.child(index).error("a union stands directly in a union", "one list")
            branch = self.convert(at.below(index))
            name = self.branch(entry, branch)
            if name in branches:
                raise at.node.child(index).error(f"this union has '{name}' twice", "each type once")
            branches[name] = branch
        if not branches:
            raise at.node.error("this union is empty", "a list of types")
        return {"oneOf": list(_alternatives(branches))}

    def branch(self, entry: JSON, branch: dict[str, Any]) -> str:
        """The name by which a union's value says its branch: a named type's full one, else its kind."""
        if "$ref" in branch:
            return str(branch["$ref"]).removeprefix("#/$defs/")
        said = entry.get("type") if isinstance(entry, dict) else entry
        while isinstance(said, dict):
            said = said.get("type")
        return str(said)


def _alternatives(branches: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for name, branch in branches.items():
        if name == "null":
            yield branch
        else:
            yield {
                "type": "object",
                "properties": {name: branch},
                "required": [name],
                "additionalProperties": False,
            }


def schema_of_avro(node: Node) -> Schema:
    """The JSON Schema of an Avro schema's JSON encoding.

    Raises ContractError, with its line, for what is not valid Avro: names that are not defined or defined
    twice, symbols, sizes, unions in unions.
    """
    source = node.follow()
    uri = f"avro:{quote(source.uri)}"
    if uri in node.documents:
        document = node.documents.document(uri)
    else:
        converter = _Converter()
        tree = converter.convert(_Place(source))
        tree = {**tree, "$defs": converter.defs} if converter.defs else tree
        document = Document(uri, source.document.path, source.document.file, tree, {})
        node.documents.add(document)
    return Schema(f"{uri}#", document.tree, source.place, None, "2020-12", node.documents)


def defaults_of_avro(node: Node) -> Iterator[ContractError]:
    """What is wrong with the defaults of an Avro schema's fields (section "Complex Types", ``default``)."""
    source = node.follow()
    if isinstance(source.value, list):
        for index in range(len(source.value)):
            yield from defaults_of_avro(source.child(index))
    if not isinstance(source.value, dict):
        return
    for key in ("type", "items", "values"):
        if isinstance(source.value.get(key), dict | list):
            yield from defaults_of_avro(source.child(key))
    fields = source.value.get("fields")
    for index in range(len(fields) if isinstance(fields, list) else 0):
        entry = source.child("fields").child(index)
        if isinstance(entry.value, dict) and "type" in entry.value:
            yield from defaults_of_avro(entry)
            if "default" in entry.value and not _fits(entry.value["type"], entry.value["default"]):
                name = entry.value.get("name")
                yield entry.child("default").error(
                    f"the default of the Avro field '{name}' is not of its type",
                    "a value of the field's type",
                )


def _fits(said: JSON, value: JSON) -> bool:
    """Whether a default is of a type, as far as its kind; in a union it may be of any branch (1.12)."""
    if isinstance(said, list):
        return any(_fits(each, value) for each in said)
    if isinstance(said, dict):
        if said.get("type") == "enum":
            return value in (said.get("symbols") or ())
        return _fits(said.get("type"), value)
    numbers = isinstance(value, int | float) and not isinstance(value, bool)
    match said:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "int" | "long":
            return numbers and float(value).is_integer()
        case "float" | "double":
            return numbers
        case "string" | "bytes" | "fixed":
            return isinstance(value, str)
        case "array":
            return isinstance(value, list)
        case "map" | "record" | "error":
            return isinstance(value, dict)
    return True
