"""What real OpenAPI documents write: every form of paths, operations, servers, hooks and parameters."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.contract import load
from harness.contract.model import Contract
from harness.errors import ContractError

DOCUMENT = """
openapi: 3.1.0
info: {title: Everything, version: '1'}
servers:
  - url: https://api.example/{version}/
    variables: {version: {default: v2, enum: [v2, v3]}}
  - url: http://localhost:8080
paths:
  /things/{id}:
    summary: of all
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}, {name: q, in: query}]
    get:
      operationId: same
      parameters: [{name: q, in: query, required: true, schema: {type: string}}]
      responses: {200: {description: as a number}, 4xx: {description: a range}, default: {description: any}}
    delete: {operationId: same}
    put: {servers: [{url: /other}], deprecated: true, externalDocs: {url: 'https://docs.example'}}
  /things/{other}:
    patch: {summary: differs in the name}
  /referred:
    $ref: '#/components/pathItems/Shared'
    parameters: [{name: mine, in: header, schema: {type: string}}]
    post: {operationId: own}
  /notes?kind=old: {get: {operationId: old}}
  /notes?kind=new&page={page}:
    get:
      operationId: new
      parameters: [{name: page, in: path, required: true, schema: {type: integer}}]
  /fragments#one: {get: {operationId: one}}
  /pages{?from,to}: {get: {operationId: pages}}
  relative: {get: {operationId: relative}}
  x-not-a-path: {get: {operationId: never}}
webhooks:
  moved: {post: {summary: somebody moved, requestBody: {$ref: '#/components/requestBodies/Any'}}}
components:
  pathItems:
    Shared:
      parameters: [{name: theirs, in: header, schema: {type: string}}]
      get: {operationId: shared, callbacks: {done: {$ref: '#/components/callbacks/Done'}}}
      post: {operationId: hidden}
  requestBodies:
    Any: {content: {'*/*': {}}}
  callbacks:
    Done:
      '{$request.body#/url}':
        post: {operationId: done, callbacks: {done: {$ref: '#/components/callbacks/Done'}}}
  headers:
    x-lower: {schema: {type: string}}
  securitySchemes:
    either: {type: openIdConnect, openIdConnectUrl: 'https://id.example'}
    device: {type: oauth2, flows: {deviceAuthorization: {scopes: {read: r}}}}
    jwt: {type: http, scheme: Bearer, bearerFormat: JWT}
"""


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return written(tmp_path_factory.mktemp("read"), DOCUMENT)


def written(folder: Path, text: str) -> Contract:
    path = folder / "everything.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def test_an_operation_without_an_id_of_its_own_gets_one_from_its_place(contract: Contract) -> None:
    assert list(contract.operations) == [
        "same",
        "PUT /things/{id}",
        "DELETE /things/{id}",
        "PATCH /things/{other}",
        "own",
        "shared",
        "old",
        "new",
        "one",
        "pages",
        "relative",
    ]


def test_ids_that_are_derived_never_meet(tmp_path: Path) -> None:
    text = """
openapi: 3.0.0
info: {title: a, version: '1'}
paths:
  /a: {get: {}, post: {operationId: GET /a}, put: {operationId: GET /a}, delete: {operationId: PUT /a}}
"""
    operations = written(tmp_path, text).operations
    assert len(operations) == 4
    assert {each.method for each in operations.values()} == {"GET", "POST", "PUT", "DELETE"}


def test_paths_stand_under_every_documented_server(contract: Contract) -> None:
    read = contract.operations["same"]
    assert (read.path, read.also) == ("/v2/things/{id}", ("/v3/things/{id}", "/things/{id}"))
    assert contract.operations["PUT /things/{id}"].path == "/other/things/{id}"


def test_the_operations_own_parameters_win_over_the_paths(contract: Contract) -> None:
    read, removal = contract.operations["same"], contract.operations["DELETE /things/{id}"]
    assert [(each.name, each.required) for each in read.parameters] == [("id", True), ("q", True)]
    assert [(each.name, each.required) for each in removal.parameters] == [("id", True), ("q", False)]
    assert removal.summary == "of all"


def test_a_referred_path_item_keeps_what_stands_beside_the_reference(contract: Contract) -> None:
    assert [each.name for each in contract.operations["own"].parameters] == ["theirs", "mine"]
    assert [each.name for each in contract.operations["shared"].parameters] == ["theirs", "mine"]
    assert contract.operations["own"].path == contract.operations["shared"].path == "/v2/referred"


def test_statuses_are_read_as_they_are_meant(contract: Contract) -> None:
    responses = contract.operations["same"].responses
    assert list(responses) == ["200", "4XX", "default"]
    found = [contract.operations["same"].response_for(status) for status in (200, 418, 500)]
    assert [each.description if each else "" for each in found] == ["as a number", "a range", "any"]


def test_a_query_in_a_path_becomes_parameters_that_must_be_there(contract: Contract) -> None:
    new = contract.operations["new"]
    assert new.path == "/v2/notes"
    assert [(each.name, each.location, each.required) for each in new.parameters] == [
        ("kind", "query", True),
        ("page", "query", True),
    ]
    assert contract.operations["one"].path == "/v2/fragments"
    assert contract.operations["pages"].path == "/v2/pages"
    assert contract.operations["relative"].path == "/v2/relative"


def test_webhooks_and_callbacks_are_operations_of_their_own(contract: Contract) -> None:
    (hook,) = contract.webhooks.values()
    assert (hook.id, hook.path, hook.method) == ("webhook POST moved", "moved", "POST")
    assert hook.body is not None
    (callback,) = contract.operations["shared"].callbacks
    assert (callback.name, callback.expression) == ("done", "{$request.body#/url}")
    assert (callback.operation.id, callback.operation.callbacks) == ("done", ())


def test_schemes_of_every_kind(contract: Contract) -> None:
    schemes = contract.security_schemes
    assert schemes["device"].scopes == ("read",)
    assert (schemes["jwt"].scheme, schemes["jwt"].format) == ("bearer", "JWT")


def test_a_document_of_webhooks_alone_is_read(tmp_path: Path) -> None:
    text = "openapi: 3.1.0\ninfo: {title: a, version: '1'}\nwebhooks: {a: {get: {}}}\n"
    contract = written(tmp_path, text)
    assert (list(contract.operations), list(contract.webhooks)) == ([], ["webhook GET a"])


def test_what_openapi_3_2_adds(tmp_path: Path) -> None:
    text = """
openapi: 3.2.0
$self: https://contracts.example/a.yaml
info: {title: a, version: '1'}
tags: [{name: a, parent: b, kind: nav}, {name: b}]
paths:
  /a:
    query: {operationId: ask, requestBody: {content: {application/json: {}}}}
    additionalOperations:
      COPY: {operationId: copy}
    get:
      operationId: stream
      parameters:
        - {name: all, in: querystring, content: {application/x-www-form-urlencoded: {schema: {type: object}}}}
        - {name: c, in: cookie, style: cookie, schema: {type: array, items: {type: string}}}
      responses:
        '200':
          description: lines
          content:
            application/jsonl:
              itemSchema: {type: object}
              examples: {one: {dataValue: {a: 1}}, two: {serializedValue: '{}'}}
"""
    operations = written(tmp_path, text).operations
    assert {name: each.method for name, each in operations.items()} == {
        "ask": "QUERY",
        "copy": "COPY",
        "stream": "GET",
    }
    stream = operations["stream"]
    assert [(each.location, each.explode) for each in stream.parameters] == [
        ("querystring", False),
        ("cookie", True),
    ]
    media = stream.responses["200"].content["application/jsonl"]
    assert media.item_schema is not None
    assert [each.value for each in media.examples] == [{"a": 1}, "{}"]


def test_an_example_that_is_a_reference_to_a_file_is_what_stands_there(tmp_path: Path) -> None:
    (tmp_path / "shown.json").write_text('{"a":\t1}', encoding="utf-8")
    text = """
openapi: 3.0.0
info: {title: a, version: '1'}
paths:
  /a:
    get:
      operationId: a
      responses:
        '200':
          description: a
          content:
            application/json: {example: {$ref: shown.json}}
            application/a+json: {example: {$ref: '#/components/examples/Nothing'}}
            application/b+json: {examples: {a: {value: {$ref: missing.json}}}}
            application/c+json: {example: {$ref: shown.json, more: true}}
"""
    content = written(tmp_path, text).operations["a"].responses["200"].content
    assert [each.examples[0].value for each in content.values()] == [
        {"a": 1},
        {"$ref": "#/components/examples/Nothing"},
        {"$ref": "missing.json"},
        {"$ref": "shown.json", "more": True},
    ]


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("200: {description: as a number}", "'OK' is no status"),
        ("name: q, in: query}]", "in 'body'"),
        ("url: /other", "the server's URL"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(tmp_path: Path, broken: str, says: str) -> None:
    replaced = {
        "200: {description: as a number}": "OK: {description: as a number}",
        "name: q, in: query}]": "name: q, in: body}]",
        "url: /other": "url: 'http://[broken'",
    }[broken]
    with pytest.raises(ContractError, match=says) as raised:
        written(tmp_path, DOCUMENT.replace(broken, replaced))
    assert ".yaml:" in raised.value.where
