"""Walking schemas without compiling them: through ``$ref``, into properties, to where ``x-phi`` stands."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urljoin

from harness.contract.document import has_word
from harness.contract.documents import MAX_HOPS, Documents, escape, look_up, tokens_of
from harness.contract.model import JSON, Contract, Dialect, Place, Schema
from harness.contract.nearest import did_you_mean
from harness.contract.placing import LaterPlace
from harness.contract.resolving import base_of
from harness.contract.scopes import dialect_at, entered
from harness.errors import ContractError

MAX_PARTS = 500
"""Schemas that may hold together for one value; who writes more has built a trap."""


def schema_of(raw: Mapping[str, Any] | bool, dialect: Dialect = "2020-12") -> Schema:
    """A schema that stands in no file."""
    documents = Documents()
    document = documents.hold("memory:schema", raw, "(schema)")
    dialect, scope = dialect_at(document, "", dialect), entered((), document, "")
    return Schema("memory:schema#", raw, Place("(schema)", 1), None, dialect, documents, scope)


ANYTHING = schema_of(True)
"""The schema that takes everything."""


def child(schema: Schema, *keys: str | int) -> Schema:
    """The schema that stands under these keys of another."""
    holder: Any = None
    node: Any = schema.raw
    for key in keys:
        holder, node = node, node[key]
    uri = schema.uri + "".join(f"/{escape(key)}" for key in keys)
    dialect, scope = schema.dialect, schema.scope
    if isinstance(node, Mapping) and ("$id" in node or "$schema" in node):
        document, _, pointer = uri.partition("#")
        if isinstance(schema.resources, Documents) and document in schema.resources:
            opened = schema.resources.document(document)
            dialect, scope = dialect_at(opened, pointer, dialect), entered(scope, opened, pointer)
    place = _place(schema.resources, uri, holder, keys[-1])
    found = Schema(uri, node, place, None, dialect, schema.resources, scope)
    if reference(found) is None:
        return found
    return Schema(uri, node, place, expand(found).name, dialect, schema.resources, scope)


def named(schema: Schema, word: str) -> Mapping[str, Schema]:
    """The schemas under a keyword that maps names to them, such as ``properties``; empty without it.

    The whole map may be a ``$ref``, which JSON Schema does not know and many write; a property of that name
    holds a schema, not text.
    """
    value = schema.raw.get(word) if isinstance(schema.raw, Mapping) else None
    if not isinstance(value, Mapping):
        return {}
    if not isinstance(value.get("$ref"), str):
        return {name: child(schema, word, name) for name in value}
    whole = expand(child(schema, word))
    return {name: child(whole, name) for name in (whole.raw if isinstance(whole.raw, Mapping) else ())}


def _place(resources: Mapping[str, Any], uri: str, holder: JSON, key: str | int) -> Place:
    """Where a schema stands, by what holds it."""
    name = uri.partition("#")[0]
    if not isinstance(resources, Documents) or name not in resources:
        return Place(name, 0)
    return LaterPlace(resources, uri, holder, key)


def target(schema: Schema, ref: str) -> Schema:
    """The schema that a reference at the top of ``schema`` leads to: a ``$ref``, or else a ``$dynamicRef`` by
    the scope that it is met in (JSON Schema 2020-12, section 8.2.3.2). Raises ContractError if nothing is
    there."""
    uri, _, here = schema.uri.partition("#")
    resources = schema.resources
    if not isinstance(resources, Documents) or uri not in resources:
        return _target_in(resources, schema, ref)
    is_static = isinstance(schema.raw, Mapping) and schema.raw.get("$ref") == ref
    key = (
        "target",
        uri,
        base_of(resources.document(uri), ref, here),
        ref,
        is_static,
        schema.dialect,
        schema.scope,
    )
    found: Schema | None = resources.compiled.get(key)
    if found is None:
        found = resources.compiled[key] = _led(schema, resources, ref, is_static)
    return found


def _led(schema: Schema, resources: Documents, ref: str, is_static: bool) -> Schema:
    uri, _, here = schema.uri.partition("#")
    found, pointer = resources.resolve(uri, ref, at=here)
    raw = look_up(found.tree, pointer)
    if not is_static and isinstance(raw, Mapping):
        anchor = ref.partition("#")[2]
        static = raw.get("$dynamicAnchor") == anchor if anchor else raw.get("$recursiveAnchor") is True
        held = dict(schema.scope).get(anchor) if static else None
        if held is not None:
            uri, _, pointer = held.partition("#")
            found = resources.document(uri)
            raw = look_up(found.tree, pointer)
    if not isinstance(raw, dict | bool):
        place = resources.document(schema.uri.partition("#")[0]).place(f"{here}/$ref")
        raise ContractError(str(place), f"the $ref '{ref}' leads to no schema", "a mapping")
    own = found.uri == schema.uri.partition("#")[0]  # whose format the referrer has taken into account
    dialect = dialect_at(found, pointer, schema.dialect if own else _declared(found.tree, schema.dialect))
    scope = entered(schema.scope, found, pointer)
    address = f"{found.uri}#{pointer}"
    return Schema(
        address, raw, LaterPlace(resources, address), _component(pointer), dialect, resources, scope
    )


def _target_in(resources: Mapping[str, Any], schema: Schema, ref: str) -> Schema:
    """The same among trees that nobody has opened as documents."""
    document = schema.uri.partition("#")[0]
    uri, _, fragment = (document + ref if ref.startswith("#") else urljoin(document, ref)).partition("#")
    pointer, root = unquote(fragment), resources.get(uri, schema.raw if uri == document else None)
    raw = look_up(root, pointer)
    if not isinstance(raw, dict | bool):
        raise ContractError(str(schema.place), f"the $ref '{ref}' leads to no schema", "a mapping")
    whole = f"{uri}#{pointer}"
    return Schema(whole, raw, Place(uri, 0), _component(pointer), schema.dialect, resources)


def _declared(root: JSON, referrer: Dialect) -> Dialect:
    """The dialect of a document's schemas by its format, else that of who refers to it."""
    if isinstance(root, Mapping) and "openapi" in root:
        return "openapi-3.0" if str(root["openapi"]).startswith("3.0") else "2020-12"
    if referrer == "openapi-3.0" and isinstance(root, Mapping) and "asyncapi" in root:
        return "2020-12"
    return referrer


def _component(pointer: str) -> str | None:
    tokens = tokens_of(pointer)
    return tokens[2] if len(tokens) == 3 and tokens[:2] == ["components", "schemas"] else None


def reference(schema: Schema) -> str | None:
    """The ``$ref`` (or ``$dynamicRef``) at the top of a schema, or None."""
    return next(iter(references(schema)), None)


_WORDS = ("$ref", "$dynamicRef", "$recursiveRef")


def references(schema: Schema) -> tuple[str, ...]:
    """All references at the top of a schema, ``$ref`` first; 2020-12 allows several."""
    raw = schema.raw
    if not isinstance(raw, dict | Mapping):
        return ()
    if "$ref" not in raw and "$dynamicRef" not in raw and "$recursiveRef" not in raw:
        return ()
    return tuple(raw[word] for word in _WORDS if isinstance(raw.get(word), str))


def expand(schema: Schema) -> Schema:
    """The schema at the end of the chain of ``$ref``s at its top; words beside a ``$ref`` are left behind.

    Keeps the name of the first component on the way.
    """
    name, seen = schema.name, {schema.uri}
    while (ref := reference(schema)) is not None:
        schema = target(schema, ref)
        name = name or schema.name
        if schema.uri in seen or len(seen) > MAX_HOPS:
            raise ContractError(str(schema.place), "this $ref leads in a circle", "a $ref that ends")
        seen.add(schema.uri)
    return schema if schema.name == name else replace(schema, name=name)


def parts(schema: Schema) -> Iterator[Schema]:
    """The schema itself and all that must hold with it: through ``$ref`` and ``allOf``, each once."""
    seen, waiting = set[str](), deque((schema,))
    while waiting:
        each = waiting.popleft()
        if each.uri in seen:
            continue
        seen.add(each.uri)
        if len(seen) > MAX_PARTS:
            found = f"more than {MAX_PARTS} schemas hold together for one value"
            raise ContractError(str(schema.place), found, "a shorter chain of allOf and $ref")
        yield each
        waiting.extend(target(each, ref) for ref in references(each))
        if isinstance(each.raw, Mapping) and isinstance(each.raw.get("allOf"), list):
            waiting.extend(child(each, "allOf", index) for index in range(len(each.raw["allOf"])))


def properties(schema: Schema) -> Mapping[str, Schema]:
    """Property → schema, through ``$ref`` and ``allOf``; what stands nearest wins."""
    if not isinstance(schema.resources, Documents):
        return _properties(schema)
    cache, key = schema.resources.compiled, ("properties", schema.uri, schema.dialect, schema.scope)
    if key not in cache:
        cache[key] = MappingProxyType(_properties(schema))
    found: Mapping[str, Schema] = cache[key]
    return found


def _properties(schema: Schema) -> Mapping[str, Schema]:
    found: dict[str, Schema] = {}
    for part in parts(schema):
        for name, each in named(part, "properties").items():
            found.setdefault(name, each)
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
    if not speaks_of(schema, "x-phi"):
        return frozenset()
    cache = schema.resources.compiled if isinstance(schema.resources, Documents) else {}
    key = ("phi", schema.uri)
    if key not in cache:
        cache[key] = frozenset(_phi(schema))
    found: frozenset[str] = cache[key]
    return found


def speaks_of(schema: Schema, word: str) -> bool:
    """Whether a word stands anywhere in the schema's documents: most walks in search of it can be spared."""
    resources = schema.resources
    cache = resources.compiled if isinstance(resources, Documents) else {}
    key = ("speaks of", word, len(resources))  # a file may be opened later
    if key not in cache:
        cache[key] = _spoken(resources, word) or has_word(schema.raw, word)
    found: bool = cache[key]
    return found


def _spoken(resources: Mapping[str, JSON], word: str) -> bool:
    if isinstance(resources, Documents):
        return any(resources.document(uri).speaks_of(word) for uri in resources)
    return any(has_word(tree, word) for tree in resources.values())


def _phi(schema: Schema) -> Iterator[str]:
    above: set[str] = set()
    waiting: list[tuple[Schema, str] | list[str]] = [(schema, "")]
    while waiting:
        entry = waiting.pop()
        if isinstance(entry, list):  # all inside these has been seen
            above.difference_update(entry)
            continue
        held, pointer = list(parts(entry[0])), entry[1]
        if not above.isdisjoint(part.uri for part in held):
            continue  # the schema is inside itself: what it holds was said above
        above.update(part.uri for part in held)
        waiting.append([part.uri for part in held])
        for part in held:
            if isinstance(part.raw, Mapping) and part.raw.get("x-phi") is True:
                yield pointer
            waiting += [(each, f"{pointer}{below}") for each, below in _inside(part)]


def _inside(schema: Schema) -> Iterator[tuple[Schema, str]]:
    """The schemas of what a value holds, each with the pointer to it."""
    raw = schema.raw
    if not isinstance(raw, Mapping):
        return
    for name, each in named(schema, "properties").items():
        yield each, f"/{escape(name)}"
    for word in ("items", "additionalProperties", "unevaluatedProperties"):
        if isinstance(raw.get(word), Mapping):
            yield child(schema, word), "/*"
    for word in ("oneOf", "anyOf", "prefixItems"):
        listed = raw.get(word)
        for index in range(len(listed) if isinstance(listed, list) else 0):
            yield child(schema, word, index), f"/{index}" if word == "prefixItems" else ""
