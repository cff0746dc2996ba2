"""What the OpenAPI specifications demand beyond what a table of kinds can say (3.0.4, 3.1.1, 3.2.0)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from harness.contract.node import Node
from harness.lint import structure_values
from harness.lint.misfit import Misfit, only_one
from harness.lint.source import Source
from harness.lint.structure_values import Demand
from harness.lint.walk import Walk

_NAME = re.compile(r"[a-zA-Z0-9._-]+\Z")
_STATUS = re.compile(r"([1-5](\d\d|XX)|default)\Z")
_VERSION = re.compile(r"3\.\d+\.\d+(-.+)?\Z")
_SCHEMES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "apiKey": (("name", "in"), ()),
    "http": (("scheme",), ("bearerFormat",)),
    "mutualTLS": ((), ()),
    "oauth2": (("flows",), ("oauth2MetadataUrl",)),
    "openIdConnect": (("openIdConnectUrl",), ()),
}
"""Type of a security scheme → the keys that it must have, and those that it may have."""

_FLOWS = {
    "implicit": ("authorizationUrl",),
    "password": ("tokenUrl",),
    "clientCredentials": ("tokenUrl",),
    "authorizationCode": ("authorizationUrl", "tokenUrl"),
    "deviceAuthorization": ("deviceAuthorizationUrl", "tokenUrl"),
}
_FLOW_URLS = ("authorizationUrl", "tokenUrl", "deviceAuthorizationUrl")


def demands(source: Source, walk: Walk) -> Iterator[Misfit]:
    """Everything that an OpenAPI document breaks."""
    for kind, demand in _DEMANDS:
        for piece in walk.of(kind):
            if piece.first and isinstance(piece.node.value, dict):
                yield from demand(piece.node, source.version)


def _document(node: Node, version: tuple[int, int]) -> Iterator[Misfit]:
    written = str(node.value.get("openapi"))
    if not _VERSION.match(written):
        where = node.child("openapi")
        yield Misfit(where, "this is no version of OpenAPI", f"'{written}'", "a whole version such as 3.1.1")
    if version >= (3, 1) and not {"paths", "components", "webhooks"} & node.value.keys():
        title = "the document describes nothing"
        yield Misfit(node, title, "no paths, components or webhooks", "at least one of the three")


def _self(node: Node, version: tuple[int, int]) -> Iterator[Misfit]:
    said = node.value.get("$self")
    if isinstance(said, str) and "#" in said:
        yield Misfit(node.child("$self"), "'$self' has a fragment", said, said.partition("#")[0])


def _license(node: Node, version: tuple[int, int]) -> Iterator[Misfit]:
    yield from only_one(node, ("identifier", "url"))


def _paths(node: Node, version: tuple[int, int]) -> Iterator[Misfit]:
    for key in node.value:
        if not key.startswith(("/", "x-")):
            title = "a path does not begin with '/'"
            yield Misfit(node.child(key), title, f"'{key}'", f"'/{key}'")


def _components(node: Node, version: tuple[int, int]) -> Iterator[Misfit]:
    for section, held in node.value.items():
        for name in held if isinstance(held, dict) and not section.startswith("x-") else ():
            if not _NAME.match(name):
                expected = "letters, digits, '.', '-' and '_'"
                title = "a component's name has characters that it may not have"
                yield Misfit(node.child(section).child(name), title, f"'{name}'", expected)


def _responses(node: Node, version: tuple[int, int]) -> Iterator[Misfit]:
    statuses = [key for key in node.value if not key.startswith("x-")]
    if not statuses:
        title, expected = "no response is documented", "at least one, the successful one"
        yield Misfit(node, title, "an empty list of responses", expected)
    for key in statuses:
        if not _STATUS.match(key):
            expected = "a status such as '200', a class such as '4XX', or 'default'"
            yield Misfit(node.child(key), f"'{key}' is no status", f"'{key}'", expected)


def _example(node: Node, version: tuple[int, int]) -> Iterator[Misfit]:
    yield from only_one(node, ("value", "externalValue"))
    yield from only_one(node, ("value", "dataValue"))
    yield from only_one(node, ("value", "serializedValue"))
    yield from only_one(node, ("serializedValue", "externalValue"))


def _link(node: Node, version: tuple[int, int]) -> Iterator[Misfit]:
    yield from only_one(node, ("operationId", "operationRef"), needed=True)


def _security_scheme(node: Node, version: tuple[int, int]) -> Iterator[Misfit]:
    type_ = node.value.get("type")
    if not isinstance(type_, str) or type_ not in _SCHEMES:
        return
    needed, possible = _SCHEMES[type_]
    for key in needed:
        if key not in node.value:
            title = f"a security scheme of type {type_} needs '{key}'"
            yield Misfit(node, title, f"no '{key}'", f"'{key}'")
    for key in node.value:
        known = (*needed, *possible, "type", "description", "deprecated", "$ref")
        if key not in known and not key.startswith("x-"):
            title = f"'{key}' says nothing about a security scheme of type {type_}"
            yield Misfit(node.child(key), title, f"'{key}'", f"only {', '.join(known[:-3])}")
    if type_ == "http" and "bearerFormat" in node.value and str(node.value.get("scheme")).lower() != "bearer":
        title = "'bearerFormat' belongs to the scheme 'bearer'"
        yield Misfit(
            node.child("bearerFormat"), title, f"scheme: {node.value.get('scheme')}", "scheme: bearer"
        )


def _flows(node: Node, version: tuple[int, int]) -> Iterator[Misfit]:
    for name, needed in _FLOWS.items():
        flow = node.value.get(name)
        if not isinstance(flow, dict):
            continue
        for key in needed:
            if key not in flow:
                title = f"the OAuth flow {name} needs '{key}'"
                yield Misfit(node.child(name), title, f"no '{key}'", f"'{key}'")
        for key in _FLOW_URLS:
            if key in flow and key not in needed:
                title = f"the OAuth flow {name} has no '{key}'"
                yield Misfit(node.child(name).child(key), title, f"'{key}'", f"only {', '.join(needed)}")


def _variable(node: Node, version: tuple[int, int]) -> Iterator[Misfit]:
    if node.value.get("enum") == []:
        title = "a server variable without any value"
        yield Misfit(node.child("enum"), title, "enum: []", "at least one value, or no 'enum'")


_DEMANDS: tuple[tuple[str, Demand], ...] = (
    ("OpenAPI", _document),
    ("OpenAPI", _self),
    ("License", _license),
    ("Paths", _paths),
    ("Components", _components),
    ("Responses", _responses),
    *structure_values.DEMANDS,
    ("Example", _example),
    ("Link", _link),
    ("SecurityScheme", _security_scheme),
    ("OAuthFlows", _flows),
    ("ServerVariable", _variable),
)
