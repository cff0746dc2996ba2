"""``GET /things/{id}/<aspect>``: something else of a thing, for whom the thing itself is."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from harness.contract import load
from harness.serving.keys import KeyStore
from mocks.mock import build_mock
from tests.unit.mocks.running import running, write

CONTRACT = """
openapi: 3.1.0
info: {title: Copies, version: '1'}
paths:
  /copies/{copyId}:
    parameters:
      - &id {name: copyId, in: path, required: true, schema: {type: string}, examples: {ann: {value: c-1}}}
    get:
      operationId: getCopy
      security: &token [{bearer: []}]
      x-subject: $response.body#/patientId
      x-access: {patient: own}
      responses:
        '200': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Copy'}}}}
        '404': &none {description: none}
  /copies/{copyId}/content:
    parameters: [*id]
    get:
      operationId: getContent
      security: *token
      x-subject: $response.body#/patientId
      x-access: {patient: own}
      responses:
        '200':
          description: ok
          content:
            application/json:
              schema: {type: object, properties: {patientId: {type: string}, words: {type: string}}}
              examples: {ann: {value: {patientId: pat-ann, words: of hers}}}
        '404': *none
        '410': {description: over}
  /copies/{copyId}/end:
    parameters: [*id]
    post:
      operationId: endCopy
      security: *token
      x-access: {patient: own}
      responses: {'204': {description: ended}, '404': *none, '409': {description: over already}}
components:
  securitySchemes: {bearer: {type: http, scheme: bearer}}
  schemas:
    Copy:
      type: object
      required: [id, status, patientId]
      properties:
        id: {type: string}
        status: {enum: [kept, over]}
        patientId: {type: string}
        held: {type: array, writeOnly: true, items: {type: string}}
      x-lifecycle:
        property: status
        transitions: [{from: [kept], to: over, by: endCopy}]
      examples:
        - {id: c-1, status: kept, patientId: pat-ann, held: [what nobody is shown]}
        - {id: c-2, status: over, patientId: pat-ann}
        - {id: c-3, status: kept, patientId: pat-bob}
"""


@pytest.fixture(scope="module")
def ann(tmp_path_factory: pytest.TempPathFactory, keys: KeyStore) -> Iterator[httpx.Client]:
    """Ann's client of the mock."""
    contract = load(write(tmp_path_factory.mktemp("copies"), CONTRACT))
    token = keys.mint({"actor": "patient", "patient": "pat-ann", "sub": "pat-ann", "scope": ""})
    with (
        running([build_mock(contract, keys=keys)]) as urls,
        httpx.Client(base_url=urls["library"], headers={"Authorization": f"Bearer {token}"}) as client,
    ):
        yield client


def test_who_may_see_the_thing_is_shown_what_the_examples_say(ann: httpx.Client) -> None:
    shown = ann.get("/copies/c-1/content")
    assert (shown.status_code, shown.json()["words"]) == (200, "of hers")


@pytest.mark.parametrize("copy", ["c-3", "c-9"])
def test_of_somebody_else_s_thing_nothing_is_shown_as_if_there_were_none(
    ann: httpx.Client, copy: str
) -> None:
    assert ann.get(f"/copies/{copy}/content").status_code == 404
    assert ann.get(f"/copies/{copy}").status_code == 404


def test_what_has_come_to_its_end_is_gone_where_that_is_documented(ann: httpx.Client) -> None:
    assert ann.get("/copies/c-2").status_code == 200
    assert ann.get("/copies/c-2/content").status_code == 410


def test_an_example_is_kept_without_what_is_written_only(ann: httpx.Client) -> None:
    answer = ann.get("/copies/c-1")
    assert (answer.headers["x-portal-matched"], "held" in answer.json()) == ("state", False)
