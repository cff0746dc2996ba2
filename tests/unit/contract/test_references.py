"""Where references lead: everything that people write as a ``$ref``, and nothing that only looks like one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.contract import load
from harness.contract.documents import Documents
from harness.contract.schema import compile_schema
from harness.errors import ContractError
from tests.unit.contract.conftest import Write

HEAD = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\n"


def refused(path: Path) -> ContractError:
    with pytest.raises(ContractError) as caught:
        load(path)
    return caught.value


def test_whole_files_and_parts_of_them_are_followed_wherever_they_stand(write: Write) -> None:
    write("parts/paths.yaml", "/a/{id}:\n  $ref: 'item.yaml'\n")
    write(
        "parts/item.yaml",
        """\
        parameters: [{$ref: 'more.yaml#/id'}]
        post:
          operationId: make
          requestBody: {$ref: 'more.yaml#/body'}
          responses:
            '200': {$ref: 'more.yaml#/answers/200'}
        get: {operationId: read, responses: {$ref: 'more.yaml#/answers'}}
        """,
    )
    write(
        "parts/more.yaml",
        """\
        id: {name: id, in: path, required: true, schema: {$ref: 'schemas/id.json'}}
        body: {content: {application/json: {$ref: '#/media'}}}
        media: {schema: {$ref: 'schemas/id.json'}, examples: {one: {$ref: '#/examples/one'}}}
        examples: {one: {summary: the first, value: x1}}
        answers:
          '200':
            description: done
            headers: {X-Count: {$ref: '#/header'}}
            content: {application/json: {schema: {properties: {$ref: 'schemas/properties.yaml'}}}}
            links: {again: {$ref: '#/link'}}
        header: {schema: {type: integer}}
        link: {operationId: make}
        """,
    )
    write("parts/schemas/id.json", '{\n\t"type": "string", "minLength": 2\n}')
    path = write("openapi.yaml", f"{HEAD}paths: {{$ref: parts/paths.yaml}}\n")
    write("parts/schemas/properties.yaml", "count: {type: integer}\n")
    operations = load(path).operations
    assert set(operations) == {"make", "read"}
    make = operations["make"]
    assert make.path == "/a/{id}" and not compile_schema(make.parameters[0].schema).is_valid("x")
    assert make.body is not None
    media = make.body.content["application/json"]
    assert [(each.name, each.value, each.summary) for each in media.examples] == [("one", "x1", "the first")]
    answer = make.responses["200"]
    assert list(answer.headers) == ["X-Count"] and answer.links[0].operation == "make"
    schema = answer.content["application/json"].schema
    assert schema is not None and not compile_schema(schema).is_valid({"count": "many"})


@pytest.mark.parametrize(
    "ref",
    ["#/paths/~1a~1%7Bid%7D/get/responses/200", "./openapi.yaml#/paths/~1a~1%7bid%7d/get/responses/200"],
)
def test_pointers_are_read_as_parts_of_a_uri(write: Write, ref: str) -> None:
    path = write(
        "openapi.yaml",
        f"""\
        openapi: 3.1.0
        info: {{title: t, version: '1'}}
        paths:
          /a/{{id}}:
            get: {{operationId: a, responses: {{'200': {{description: mine}}}}}}
          /b:
            get: {{operationId: b, responses: {{'200': {{$ref: '{ref}'}}}}}}
        """,
    )
    assert load(path).operations["b"].responses["200"].description == "mine"


@pytest.mark.parametrize(
    ("version", "description"), [("3.0.3", "there"), ("3.1.0", "here"), ("3.1.1", "here")]
)
def test_a_description_beside_a_reference_holds_from_3_1_on(
    write: Write, version: str, description: str
) -> None:
    write("there.yaml", "answer: {description: there}\n")
    path = write(
        "openapi.yaml",
        f"""\
        openapi: {version}
        info: {{title: t, version: '1'}}
        paths:
          /a:
            get:
              operationId: a
              responses: {{'200': {{$ref: 'there.yaml#/answer', description: here}}}}
        """,
    )
    assert load(path).operations["a"].responses["200"].description == description


@pytest.mark.parametrize(("version", "valid"), [("3.0.3", True), ("3.1.0", False)])
def test_keywords_beside_a_reference_hold_from_3_1_on(write: Write, version: str, valid: bool) -> None:
    path = write(
        "openapi.yaml",
        f"openapi: {version}\ninfo: {{title: t, version: '1'}}\npaths: {{}}\ncomponents:\n  schemas:\n"
        "    A: {$ref: '#/components/schemas/B', maxLength: 1}\n    B: {type: string}\n",
    )
    assert compile_schema(load(path).schemas["A"]).is_valid("xy") is valid


@pytest.mark.parametrize(
    "written",
    [
        "{type: object, const: {$ref: '#/nowhere'}}",
        "{enum: [{$ref: '#/nowhere'}]}",
        "{default: {$ref: 5}, example: {$ref: '#/nowhere'}, examples: [{$ref: '#/nowhere'}]}",
        "{description: \"see {$ref: '#/nowhere'}\"}",
        "{x-note: {$ref: 'https://example.org/nowhere'}}",
        "{unknownWord: {$ref: '#/nowhere'}}",
        "{properties: {$ref: {type: string}, example: {type: string}}}",
        "{externalDocs: {url: x, more: {$ref: '#/nowhere'}}}",
    ],
)
def test_what_is_data_or_a_name_is_no_reference(write: Write, written: str) -> None:
    path = write("openapi.yaml", f"{HEAD}paths: {{}}\ncomponents: {{schemas: {{A: {written}}}}}\n")
    assert compile_schema(load(path).schemas["A"])


@pytest.mark.parametrize(
    ("value", "says"), [("5", "a number"), ("[a]", "a list"), ("{type: string}", "a mapping")]
)
def test_a_reference_that_is_no_text_is_refused(write: Write, value: str, says: str) -> None:
    path = write(
        "openapi.yaml", f"{HEAD}paths: {{/a: {{get: {{responses: {{'200': {{$ref: {value}}}}}}}}}}}\n"
    )
    error = refused(path)
    assert error.where == f"{path}:3" and error.found == f"this $ref is {says}"


def test_only_what_is_referred_to_in_another_file_is_looked_at(write: Write) -> None:
    write("shared.yaml", "used: {type: string}\nunused: {$ref: '#/nowhere'}\n")
    path = write(
        "openapi.yaml", f"{HEAD}paths: {{}}\ncomponents: {{schemas: {{A: {{$ref: 'shared.yaml#/used'}}}}}}\n"
    )
    assert compile_schema(load(path).schemas["A"]).is_valid("x")


def test_files_that_refer_to_one_another_are_read(write: Write) -> None:
    write("b.yaml", "properties: {a: {$ref: 'openapi.yaml#/components/schemas/A'}, size: {type: integer}}\n")
    path = write(
        "openapi.yaml",
        f"{HEAD}paths: {{}}\ncomponents: {{schemas: {{A: {{properties: {{b: {{$ref: b.yaml}}}}}}}}}}\n",
    )
    validator = compile_schema(load(path).schemas["A"])
    assert validator.is_valid({"b": {"a": {"b": {"size": 1}}}})
    assert not validator.is_valid({"b": {"a": {"b": {"size": "x"}}}})


IDS: list[tuple[str, dict[str, Any]]] = [
    ("an absolute $id", {"ref": "https://example.com/s/b", "id": "https://example.com/s/b"}),
    ("relative to the $id above", {"ref": "b", "id": "b", "above": "https://example.com/s/a"}),
    ("a URN", {"ref": "urn:example:b", "id": "urn:example:b"}),
    ("an anchor under an $id", {"ref": "https://example.com/s/b#name", "id": "https://example.com/s/b"}),
    ("a pointer under an $id", {"ref": "https://example.com/s/b#/$defs/c", "id": "https://example.com/s/b"}),
    ("a relative $id", {"ref": "s/b#name", "id": "s/b"}),
]


@pytest.mark.parametrize(("_", "case"), IDS, ids=[name for name, _ in IDS])
def test_schemas_are_found_by_the_names_that_they_give_themselves(
    write: Write, _: str, case: dict[str, Any]
) -> None:
    above = f"$id: '{case['above']}'" if "above" in case else "title: a"
    path = write(
        "openapi.yaml",
        f"""\
        openapi: 3.1.0
        info: {{title: t, version: '1'}}
        paths: {{}}
        components:
          schemas:
            A:
              {above}
              properties: {{b: {{$ref: '{case["ref"]}'}}}}
              $defs:
                B:
                  $id: '{case["id"]}'
                  $ref: '#/$defs/c'
                  $defs: {{c: {{$anchor: name, type: integer}}}}
        """,
    )
    validator = compile_schema(load(path).schemas["A"])
    assert validator.is_valid({"b": 1}) and not validator.is_valid({"b": "x"})


def test_a_file_with_an_address_as_its_id_has_its_neighbours_beside_it(write: Write) -> None:
    write("s/a.json", '{"$id": "https://example.com/s/a.json", "properties": {"b": {"$ref": "b.json"}}}')
    write("s/b.json", '{"$id": "https://example.com/s/b.json", "type": "integer"}')
    path = write("openapi.yaml", f"{HEAD}paths: {{}}\ncomponents: {{schemas: {{A: {{$ref: s/a.json}}}}}}\n")
    assert not compile_schema(load(path).schemas["A"]).is_valid({"b": "x"})


@pytest.mark.parametrize("ref", ["/etc/hostname", "file:///etc/hostname", "//host/share.yaml"])
def test_places_on_this_machine_and_others_are_named_not_opened(write: Write, ref: str) -> None:
    path = write("openapi.yaml", f"{HEAD}paths: {{}}\ncomponents: {{schemas: {{A: {{$ref: '{ref}'}}}}}}\n")
    error = refused(path)
    assert "names a place on this machine" in error.found or "another machine" in error.found
    assert "--map" in error.remedy


def test_an_id_does_not_move_a_schema_about_this_machine(write: Write, tmp_path: Path) -> None:
    write("secret.yaml", "type: string\n")
    path = write(
        "api/openapi.yaml",
        f"{HEAD}paths: {{}}\ncomponents: {{schemas: {{A: {{$id: '{tmp_path.as_uri()}/x', "
        "properties: {a: {$ref: 'secret.yaml'}}}}}\n",
    )
    assert "cannot be read" in refused(path).found


def test_a_file_is_read_once_by_whatever_way_it_is_reached(write: Write, tmp_path: Path) -> None:
    shared = write("shared/x.yaml", "a: {type: string}\n")
    (tmp_path / "link.yaml").symlink_to(shared)
    path = write("api/openapi.yaml", HEAD)
    documents = Documents()
    documents.open(path)
    uri = path.as_uri()
    ways = [
        "../shared/x.yaml#/a",
        "../shared/../shared/x.yaml#/a",
        "../link.yaml#/a",
        "../shared/%78.yaml#/a",
    ]
    found = {documents.resolve(uri, ref)[0].uri for ref in ways}
    assert found == {shared.as_uri()}
    assert len(documents) == 2


LOCAL = f"""\
{HEAD}paths:
  /things:
    post:
      operationId: make
      requestBody:
        content:
          application/json:
            schema:
              $defs: {{size: {{type: integer}}, name: {{$ref: '#/$defs/text'}}, text: {{minLength: 2}}}}
              properties:
                size: {{$ref: '#/$defs/size'}}
                name: {{$ref: '#/$defs/name'}}
                inner: {{$defs: {{size: {{type: string}}}}, properties: {{size: {{$ref: '#/$defs/size'}}}}}}
      responses:
        '200':
          description: done
          content:
            application/json:
              schema: {{definitions: {{size: {{type: boolean}}}}, items: {{$ref: '#/definitions/size'}}}}
"""


def test_definitions_inside_a_schema_are_its_own(write: Write) -> None:
    operation = load(write("openapi.yaml", LOCAL)).operations["make"]
    assert operation.body is not None
    (body,) = operation.body.content.values()
    (answer,) = operation.responses["200"].content.values()
    assert body.schema is not None and answer.schema is not None
    validator = compile_schema(body.schema)
    assert validator.is_valid({"size": 1, "name": "ab", "inner": {"size": "x"}})
    for wrong in ({"size": "x"}, {"name": "a"}, {"inner": {"size": 1}}):
        assert not validator.is_valid(wrong)
    assert not compile_schema(answer.schema).is_valid([1])


def test_a_definition_that_no_schema_above_has_leads_nowhere(write: Write) -> None:
    path = write("openapi.yaml", LOCAL.replace("items: {$ref: '#/definitions/size'}", "$ref: '#/$defs/size'"))
    assert refused(path).found == "the $ref '#/$defs/size' leads nowhere"
