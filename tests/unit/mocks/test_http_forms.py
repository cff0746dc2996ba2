"""Forms of HTTP over a real socket: documented refusals of media types, bytes, multipart, HEAD, OPTIONS,
links; and a state that is kept and brought back."""

from __future__ import annotations

from collections.abc import Iterator
from email.parser import BytesParser

import httpx
import pytest

from harness.contract import load
from mocks.mock import build_mock
from tests.unit.mocks.controlled import Controlled, controlled
from tests.unit.mocks.running import write

CONTRACT = """
openapi: 3.1.0
info: {title: Forms, version: '1'}
paths:
  /scans:
    post:
      operationId: addScan
      requestBody:
        required: true
        content:
          multipart/form-data:
            schema:
              type: object
              required: [title, file]
              properties: {title: {type: string}, pages: {type: integer}, file: {}}
            encoding: {file: {contentType: image/png}}
      responses:
        '201':
          description: kept
          headers: {Location: {schema: {type: string}}, X-Pages: {schema: {type: integer}, example: 3}}
          content: {application/json: {schema: {$ref: '#/components/schemas/Scan'}}}
          links: {read: {operationId: readScan, parameters: {scanId: $response.body#/id}}}
        '400': {$ref: '#/components/responses/Refused'}
        '406': {$ref: '#/components/responses/Refused'}
        '415': {$ref: '#/components/responses/Refused'}
  /scans/{scanId}:
    parameters: [{name: scanId, in: path, required: true, schema: {type: string}}]
    get:
      operationId: readScan
      parameters: [{name: X-Correlation-Id, in: header, schema: {type: string, format: uuid}}]
      responses:
        '200':
          description: one
          content: {application/json: {schema: {$ref: '#/components/schemas/Scan'}}}
        '404': {$ref: '#/components/responses/Refused'}
        '405': {$ref: '#/components/responses/Refused'}
  /scans/{scanId}/picture:
    get:
      operationId: readPicture
      parameters: [{name: scanId, in: path, required: true, schema: {type: string}}]
      responses:
        '200':
          description: bytes
          content: {image/png: {}, application/octet-stream: {schema: {type: string, format: binary}}}
  /bundle:
    get:
      responses:
        '200':
          description: in parts
          content:
            multipart/mixed:
              schema: {type: object, required: [title], properties: {title: {type: string}}}
              example: {title: all of it}
components:
  responses:
    Refused:
      description: in our own words
      content:
        application/json:
          schema:
            type: object
            required: [message, code]
            additionalProperties: false
            properties: {message: {type: string}, code: {type: integer}}
  schemas:
    Scan:
      type: object
      required: [id, title]
      properties: {id: {type: string}, title: {type: string}}
"""


@pytest.fixture
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controlled]:
    with controlled(build_mock(load(write(tmp_path_factory.mktemp("forms"), CONTRACT)))) as told:
        yield told


def add(client: httpx.Client, title: str = "x-ray") -> httpx.Response:
    return client.post(
        "/scans", data={"title": title}, files={"file": ("a.png", b"\x89PNG\xff", "image/png")}
    )


def test_multipart_is_taken_and_a_link_leads_on(live: Controlled) -> None:
    made = add(live.client)
    assert made.status_code == 201, made.text
    assert made.json()["title"] == "x-ray"
    assert made.headers["x-pages"] == "3"
    read = live.client.get(f"/scans/{made.json()['id']}")
    assert read.json() == made.json()
    assert live.client.get(made.headers["location"]).json() == made.json()
    refused = live.client.post("/scans", files={"file": ("a.png", b"\x89", "image/png")})
    assert refused.status_code == 400
    assert set(refused.json()) == {"message", "code"}


def test_media_types_are_refused_as_documented(live: Controlled) -> None:
    answers = (
        (live.client.post("/scans", json={"title": "x"}), 415),
        (live.client.post("/scans", headers={"Accept": "text/csv"}, files={"file": b"x"}), 406),
    )
    for answer, status in answers:
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/json"
        assert set(answer.json()) == {"message", "code"}


def test_a_correlation_that_is_refused_is_not_repeated(live: Controlled) -> None:
    sent = "0b0cbf2e-3d0f-4c4d-9a7e-1f1c2f1f6a10"
    for said, status in (("null", 400), (sent, 404)):
        answer = live.client.get("/scans/none", headers={"X-Correlation-Id": said})
        assert answer.status_code == status, answer.text
        assert (answer.headers["x-correlation-id"] == sent) is (said == sent)
        assert answer.headers["x-correlation-id"] != "null"


def test_a_wrong_method_names_the_right_ones(live: Controlled) -> None:
    answer = live.client.delete("/scans/1")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert "readScan is GET /scans/{scanId}" in answer.text


def test_bytes_are_answered_as_they_are_liked(live: Controlled) -> None:
    for liked in ("image/png", "application/octet-stream"):
        answer = live.client.get("/scans/1/picture", headers={"Accept": liked})
        assert (answer.status_code, answer.headers["content-type"]) == (200, liked)
        assert int(answer.headers["content-length"]) == len(answer.content)


def test_an_answer_in_parts_can_be_taken_apart(live: Controlled) -> None:
    answer = live.client.get("/bundle")
    kind = answer.headers["content-type"]
    assert kind.startswith("multipart/mixed; boundary=")
    parsed = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + answer.content)
    (part,) = [each for each in parsed.walk() if not each.is_multipart()]
    assert "all of it" in str(part.get_payload())


def test_head_and_options(live: Controlled) -> None:
    made = add(live.client).json()
    head, get = (live.client.request(each, f"/scans/{made['id']}") for each in ("HEAD", "GET"))
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"] == str(len(get.content))
    options = live.client.options(f"/scans/{made['id']}")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS")


def test_a_state_is_kept_and_brought_back(live: Controlled) -> None:
    first = add(live.client, "first").json()
    kept = live.control.get("/snapshot").json()
    second = add(live.client, "second").json()
    assert live.client.get(f"/scans/{second['id']}").status_code == 200
    assert live.control.put("/snapshot", json=kept).status_code == 204
    assert live.client.get(f"/scans/{first['id']}").json() == first
    assert live.client.get(f"/scans/{second['id']}").status_code == 404
