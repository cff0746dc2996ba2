"""What is inferred from path shapes alone, of contracts that Hypothesis makes."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.contract import load
from harness.contract.model import Contract
from harness.contract.schema import schema_of
from mocks.representations import many_in
from mocks.resources import Resources, Role, resources_of

NOUNS = st.sampled_from(["thing", "order", "pet", "invoice", "shelf", "person"])
STYLES = st.sampled_from(["{noun}Id", "{noun}_id", "id", "{noun}", "{noun}-key"])
WRAPPERS = st.sampled_from([None, "data", "result"])
LISTS = st.sampled_from([(), ("items",), ("data",), ("results",), ("data", "items")])


@dataclass(frozen=True)
class Shape:
    """One family of paths: ``prefix`` is that of its collection, ``parameter`` names an item."""

    noun: str
    prefix: str
    parameter: str
    wrapper: str | None
    pointer: tuple[str, ...]
    named: bool
    verb: str | None

    @property
    def item(self) -> str:
        return f"{self.prefix}/{{{self.parameter}}}"


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    noun = draw(NOUNS)
    owner = draw(st.sampled_from(["", "/owners/{ownerId}", "/v2"]))
    return Shape(
        noun=noun,
        prefix=f"{owner}/{noun}s",
        parameter=draw(STYLES).format(noun=noun),
        wrapper=draw(WRAPPERS),
        pointer=draw(LISTS),
        named=draw(st.booleans()),
        verb=draw(st.sampled_from([None, "close", "mark-done"])),
    )


def contract_of(shape: Shape) -> Contract:
    """The contract of a family, written and read."""
    thing: dict[str, Any] = {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "string"}, "title": {"type": "string"}, "ownerId": {"type": "string"}},
    }
    schema = {"$ref": f"#/components/schemas/{shape.noun.title()}"} if shape.named else thing
    one = _inside({"type": "object", "properties": {shape.wrapper: schema}} if shape.wrapper else schema)
    many: dict[str, Any] = {"type": "array", "items": schema}
    for name in reversed(shape.pointer):
        many = {"type": "object", "properties": {name: many, "total": {"type": "integer"}}}
    body = {"requestBody": {"content": {"application/json": {"schema": schema}}}}
    owner = [_path("ownerId")] if "ownerId" in shape.prefix else []
    item = [*owner, _path(shape.parameter)]
    paths: dict[str, Any] = {
        shape.prefix: {
            "get": {"operationId": "list", "parameters": owner, "responses": {"200": _inside(many)}},
            "post": {"operationId": "create", "parameters": owner, **body, "responses": {"201": one}},
        },
        shape.item: {
            "get": {"operationId": "read", "parameters": item, "responses": {"200": one}},
            "put": {"operationId": "replace", "parameters": item, **body, "responses": {"200": one}},
            "patch": {"operationId": "change", "parameters": item, **body, "responses": {"200": one}},
            "delete": {"operationId": "drop", "parameters": item, "responses": {"204": {"description": "x"}}},
        },
    }
    if shape.verb is not None:
        deed = {"operationId": "deed", "parameters": item, "responses": {"200": one}}
        paths[f"{shape.item}/{shape.verb}"] = {"post": deed}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Made", "version": "1"},
        "paths": paths,
        "components": {"schemas": {shape.noun.title(): thing}},
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "openapi.json")
        file.write_bytes(orjson.dumps(document))
        return load(file)


def _inside(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": "x", "content": {"application/json": {"schema": schema}}}


def _path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(shapes())
def test_collections_items_and_deeds_are_one_kind(shape: Shape) -> None:
    resources = resources_of(contract_of(shape))
    does = {name: role.does for name, role in resources.roles.items()}
    expected = {
        "list": "list",
        "create": "create",
        "read": "read",
        "replace": "replace",
        "change": "patch",
        "drop": "delete",
    }
    assert does == expected | ({"deed": "act"} if shape.verb is not None else {})
    assert len({role.kind.name for role in resources.roles.values()}) == 1
    read = resources.roles["read"]
    assert (read.address, read.by, read.kind.id) == (shape.parameter, "id", "id")
    owners = [(each.parameter, each.property) for each in read.parents]
    assert owners == ([("ownerId", "ownerId")] if "ownerId" in shape.prefix else [])


def roles(text: str) -> Resources:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "openapi.yaml")
        file.write_text(text, encoding="utf-8")
        return resources_of(load(file))


HEAD = "openapi: 3.1.0\ninfo: {title: Made, version: '1'}\n"
OBJECT = "{type: object, properties: {id: {type: string}, name: {type: string}}}"


def told(role: Role | None) -> tuple[str, str] | None:
    return (role.does, role.kind.name) if role is not None else None


@pytest.mark.parametrize(
    ("path", "method", "schema"),
    [
        ("/search", "get", "{type: object, properties: {hits: {type: integer}}}"),
        ("/login", "post", "{type: object, properties: {token: {type: string}}}"),
        ("/reports/{year}", "get", "{type: array, items: {type: number}}"),
        ("/status", "get", OBJECT),
        ("/a/{b}.json", "get", OBJECT),
    ],
)
def test_what_fits_no_shape_has_no_role(path: str, method: str, schema: str) -> None:
    response = f"{{'200': {{description: x, content: {{application/json: {{schema: {schema}}}}}}}}}"
    names = ["year"] if "{year}" in path else ["b"] if "{b}" in path else []
    given_ = "".join(f"{{name: {n}, in: path, required: true, schema: {{type: string}}}}" for n in names)
    operation = f"{{operationId: it, parameters: [{given_}], responses: {response}}}"
    assert told(roles(f"{HEAD}paths: {{'{path}': {{{method}: {operation}}}}}").roles.get("it")) is None


def test_what_there_is_once_for_each_owner() -> None:
    answer = f"{{'200': {{description: x, content: {{application/json: {{schema: {OBJECT}}}}}}}}}"
    body = f"{{content: {{application/json: {{schema: {OBJECT}}}}}}}"
    text = f"""{HEAD}paths:
  /users/{{userId}}/profile:
    parameters: [{{name: userId, in: path, required: true, schema: {{type: string}}}}]
    get: {{operationId: read, responses: {answer}}}
    put: {{operationId: put, requestBody: {body}, responses: {answer}}}
  /settings:
    get: {{operationId: settings, responses: {answer}}}
    patch: {{operationId: change, requestBody: {body}, responses: {answer}}}
"""
    found = roles(text).roles
    assert {name: role.does for name, role in found.items()} == {
        "read": "read",
        "put": "replace",
        "settings": "read",
        "change": "patch",
    }
    assert all(role.kind.single for role in found.values())
    assert found["read"].kind is not found["settings"].kind


@pytest.mark.parametrize(
    ("beside", "is_page"),
    [
        ((), True),
        (("offset",), True),
        (tuple("abcdefgh"), False),
        ((*"abcdefgh", "total"), True),
        (("id",), False),
    ],
)
def test_a_document_with_its_content_is_no_page(beside: tuple[str, ...], is_page: bool) -> None:
    item = {"type": "object", "properties": {"a": {"type": "string"}}}
    named = {"content": {"type": "array", "items": item}, **{key: {"type": "string"} for key in beside}}
    found = many_in(schema_of({"type": "object", "properties": named}))
    assert (found is not None and found.pointer == ("content",)) is is_page
