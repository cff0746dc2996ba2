"""Lists in the order that documented query parameters ask for, over a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from harness.contract import load
from mocks.mock import build_mock
from tests.unit.mocks.running import running, write

CONTRACT = """
openapi: 3.1.0
info: {title: Sorted, version: '1'}
paths:
  /apples:
    get:
      parameters:
        - {name: sort, in: query, schema: {type: array, items: {type: string}}}
        - {name: limit, in: query, schema: {type: integer, default: 10}}
        - {name: cursor, in: query, schema: {type: string}}
      responses: {'200': {$ref: '#/components/responses/Apples'}}
    post:
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Apple'}}}}
      responses:
        '201': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Apple'}}}}
  /apples/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get:
      responses:
        '200': {description: one, content: {application/json: {schema: {$ref: '#/components/schemas/Apple'}}}}
        '404': {description: none}
    delete: {responses: {'204': {description: gone}}}
  /ordered/apples:
    get:
      parameters:
        - {name: order_by, in: query, schema: {type: string, default: weight}}
        - {name: direction, in: query, schema: {type: string, enum: [asc, desc], default: asc}}
      responses: {'200': {$ref: '#/components/responses/Apples'}}
components:
  responses:
    Apples:
      description: all
      content:
        application/json:
          schema:
            type: object
            properties:
              items: {type: array, items: {$ref: '#/components/schemas/Apple'}}
              next: {type: string}
          example:
            items:
              - {id: a, name: gala, weight: 100, pickedAt: '2030-03-01'}
              - {id: b, name: Boskoop, weight: 20, pickedAt: '2030-01-01'}
              - {id: c, name: cox, weight: 100}
  schemas:
    Apple:
      type: object
      required: [id]
      properties:
        id: {type: string}
        name: {type: string}
        weight: {type: integer}
        pickedAt: {type: string, format: date}
"""


@pytest.fixture
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    contract = load(write(tmp_path_factory.mktemp("sorted"), CONTRACT))
    with running([build_mock(contract)]) as urls, httpx.Client(base_url=urls["library"]) as client:
        yield client


def ids(answer: httpx.Response) -> str:
    assert answer.headers["x-portal-matched"] == "state"
    return "".join(each["id"] for each in answer.json()["items"])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/apples", "abc"),
        ("/apples?sort=name", "bca"),
        ("/apples?sort=-name", "acb"),
        ("/apples?sort=%2Bname", "bca"),
        ("/apples?sort=name:desc", "acb"),
        ("/apples?sort=name%20DESC", "acb"),
        ("/apples?sort=name,desc", "acb"),
        ("/apples?sort=weight", "bac"),
        ("/apples?sort=-weight&sort=-name", "acb"),
        ("/apples?sort=-weight,name", "cab"),
        ("/apples?sort=picked", "bac"),
        ("/apples?sort=-picked_at", "abc"),
        ("/apples?sort=colour", "abc"),
        ("/ordered/apples", "bac"),
        ("/ordered/apples?order_by=name&direction=desc", "acb"),
        ("/ordered/apples?direction=desc", "acb"),
    ],
)
def test_a_list_is_ordered_as_its_parameters_say(client: httpx.Client, path: str, expected: str) -> None:
    assert ids(client.get(path)) == expected


def test_pages_of_a_sorted_list_go_on_where_they_were(client: httpx.Client) -> None:
    asked: dict[str, str | int] = {"sort": "name", "limit": 1}
    first = client.get("/apples", params=asked)
    assert ids(first) == "b"
    second = client.get("/apples", params={**asked, "cursor": first.json()["next"]})
    assert ids(second) == "c"
    client.delete("/apples/c")
    client.post("/apples", json={"id": "d", "name": "Zabergau"})
    third = client.get("/apples", params={**asked, "limit": 9, "cursor": second.json()["next"]})
    assert ids(third) == "ad"
