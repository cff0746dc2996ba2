"""Walking schemas without compiling them: through ``$ref``, into properties, to where ``x-phi`` stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urljoin

from harness.contract.documents import Documents, escape, look_up, tokens_of
from harness.contract.model import JSON, Contract, Place, Schema
from harness.contract.nearest import did_you_mean
from harness.contract.node import Dialect
from harness.errors import ContractError


def schema_of(raw: Mapping[str, Any] | bool, dialect: Dialect = "2020-12") -> Schema:
    """A schema that stands in no file."""
    return Schema(
        "memory:schema#", raw, Place("(schema)", 1), dialect=dialect, resources={"memory:schema": raw}
    )


def child(schema: Schema, *keys: str | int) -> Schema:
    """The schema that stands under these keys of another."""
    node: Any = schema.raw
    for key in keys:
        node = node[key]
    uri = schema.uri + "".join(f"/{escape(key)}" for key in keys)
    found = Schema(uri, node, _place(schema.resources, uri), None, schema.dialect, schema.resources)
    return found if reference(found) is None else replace(found, name=expand(found).name)


def _place(resources: Mapping[str, Any], uri: str) -> Place:
    document, _, pointer = uri.partition("#")
    if isinstance(resources, Documents) and document in resources:
        return resources.document(document).place(pointer)
    return Place(document, 0)


def target(schema: Schema, ref: str) -> Schema:
    """The schema that a ``$ref`` inside ``schema`` leads to. Raises ContractError if nothing is there."""
    document, _, here = schema.uri.partition("#")
    resources = schema.resources
    if isinstance(resources, Documents) and document in resources:
        place = resources.document(document).place(f"{here}/$ref")
        found, pointer = resources.resolve(document, ref, place)
        uri, root = found.uri, found.tree
    else:
        uri, _, fragment = (document + ref if ref.startswith("#") else urljoin(document, ref)).partition("#")
        pointer, root = unquote(fragment), resources.get(uri, schema.raw if uri == document else None)
    raw = look_up(root, pointer)
    if not isinstance(raw, dict | bool):
        raise ContractError(str(schema.place), f"the $ref '{ref}' leads to no schema", "a mapping")
    whole = f"{uri}#{pointer}"
    dialect = _declared(root) or schema.dialect
    return Schema(whole, raw, _place(resources, whole), _component(pointer), dialect, resources)


def _declared(root: JSON) -> Dialect | None:
    if isinstance(root, Mapping) and "openapi" in root:
        return "openapi-3.0" if str(root["openapi"]).startswith("3.0") else "2020-12"
    return "2020-12" if isinstance(root, Mapping) and "asyncapi" in root else None


def _component(pointer: str) -> str | None:
    tokens = tokens_of(pointer)
    return tokens[2] if len(tokens) == 3 and tokens[:2] == ["components", "schemas"] else None


def reference(schema: Schema) -> str | None:
    """The ``$ref`` (or ``$dynamicRef``) at the top of a schema, or None."""
    if isinstance(schema.raw, Mapping):
        for word in ("$ref", "$dynamicRef"):
            if isinstance(schema.raw.get(word), str):
                return str(schema.raw[word])
    return None


def expand(schema: Schema) -> Schema:
    """The schema at the end of the chain of ``$ref``s at its top; words beside a ``$ref`` are left behind.

    Keeps the name of the first component on the way.
    """
    name, seen = schema.name, {schema.uri}
    while (ref := reference(schema)) is not None:
        schema = target(schema, ref)
        name = name or schema.name
        if schema.uri in seen:
            raise ContractError(str(schema.place), "this $ref leads in a circle", "a $ref that ends")
        seen.add(schema.uri)
    return replace(schema, name=name)


def parts(schema: Schema) -> Iterator[Schema]:
    """The schema itself and all that must hold with it: through ``$ref`` and ``allOf``, each once."""
    seen, waiting = set[str](), [schema]
    while waiting:
        each = waiting.pop(0)
        if each.uri in seen:
            continue
        seen.add(each.uri)
        yield each
        ref = reference(each)
        if ref is not None:
            waiting.append(target(each, ref))
        if isinstance(each.raw, Mapping) and isinstance(each.raw.get("allOf"), list):
            waiting += [child(each, "allOf", index) for index in range(len(each.raw["allOf"]))]


def properties(schema: Schema) -> Mapping[str, Schema]:
    """Property → schema, through ``$ref`` and ``allOf``; what stands nearest wins."""
    found: dict[str, Schema] = {}
    for part in parts(schema):
        own = part.raw.get("properties") if isinstance(part.raw, Mapping) else None
        for name in own if isinstance(own, Mapping) else ():
            found.setdefault(name, child(part, "properties", name))
    return found


def items_of(schema: Schema) -> Schema | None:
    """The schema of an array's items, through ``$ref`` and ``allOf``; None if it does not say."""
    for part in parts(schema):
        if isinstance(part.raw, Mapping) and isinstance(part.raw.get("items"), Mapping):
            return child(part, "items")
    return None


def says(schema: Schema, word: str) -> JSON:
    """The value of an annotation such as ``readOnly``, through ``$ref`` and ``allOf``; None without one."""
    for part in parts(schema):
        if isinstance(part.raw, Mapping) and part.raw.get(word) is not None:
            return part.raw[word]
    return None


def component(contract: Contract, name: str) -> Schema:
    """A component schema by its name. Raises ContractError."""
    if name not in contract.schemas:
        expected = f"a component schema of the contract '{contract.service}'"
        raise ContractError(name, "there is no such schema", expected, did_you_mean(name, contract.schemas))
    return contract.schemas[name]


def phi_properties(schema: Schema) -> frozenset[str]:
    """Where ``x-phi: true`` stands: JSON pointers in which ``*`` is any item or any further property."""
    if not _speaks_of_phi(schema):
        return frozenset()
    cache = schema.resources.compiled if isinstance(schema.resources, Documents) else {}
    key = ("phi", schema.uri)
    if key not in cache:
        cache[key] = frozenset(_phi(schema, "", frozenset()))
    found: frozenset[str] = cache[key]
    return found


def _speaks_of_phi(schema: Schema) -> bool:
    """Whether the word stands anywhere: walking every path of a large recursive schema takes minutes."""
    resources = schema.resources
    cache = resources.compiled if isinstance(resources, Documents) else {}
    key = ("x-phi", len(resources))  # a file may be opened later
    if key not in cache:
        cache[key] = any(_has_word(tree, "x-phi") for tree in (*resources.values(), schema.raw))
    found: bool = cache[key]
    return found


def _has_word(tree: JSON, word: str) -> bool:
    inside = tree.values() if isinstance(tree, Mapping) else tree if isinstance(tree, list) else ()
    return (isinstance(tree, Mapping) and word in tree) or any(_has_word(each, word) for each in inside)


def _phi(schema: Schema, pointer: str, above: frozenset[str]) -> Iterator[str]:
    held = list(parts(schema))
    inside = above | {part.uri for part in held}
    if not above.isdisjoint(part.uri for part in held):
        return  # the schema is inside itself: what it holds was said above
    for part in held:
        raw = part.raw
        if not isinstance(raw, Mapping):
            continue
        if raw.get("x-phi") is True:
            yield pointer
        own = raw.get("properties")
        for name in own if isinstance(own, Mapping) else ():
            yield from _phi(child(part, "properties", name), f"{pointer}/{escape(name)}", inside)
        for word in ("items", "additionalProperties", "unevaluatedProperties"):
            if isinstance(raw.get(word), Mapping):
                yield from _phi(child(part, word), f"{pointer}/*", inside)
        for word in ("oneOf", "anyOf", "prefixItems"):
            listed = raw.get(word)
            for index in range(len(listed) if isinstance(listed, list) else 0):
                below = f"{pointer}/{index}" if word == "prefixItems" else pointer
                yield from _phi(child(part, word, index), below, inside)
