"""Things whose identifying property no path can hold: they are named by the path alone."""

from __future__ import annotations

from pathlib import Path

import httpx

from harness.contract import load
from mocks.mock import build_mock
from tests.unit.mocks.running import running, write

CONTRACT = """
openapi: 3.0.3
info: {title: Records, version: '1'}
paths:
  /records/{recordId}:
    parameters: [{name: recordId, in: path, required: true, schema: {type: string, example: r-1}}]
    get:
      responses:
        '200': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Record'}}}}
        '404': {description: none}
    put:
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Record'}}}}
      responses:
        '201': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Record'}}}}
components:
  schemas:
    Record:
      type: object
      required: [recordId]
      properties:
        recordId: {type: object, properties: {value: {type: string}}}
        words: {type: string}
      example: {recordId: {value: r-1}, words: shown}
"""


def test_what_is_shown_is_there_and_what_is_put_is_read(tmp_path: Path) -> None:
    contract = load(write(tmp_path, CONTRACT))
    with running([build_mock(contract)]) as urls, httpx.Client(base_url=urls["library"]) as client:
        shown = client.get("/records/r-1")
        assert (shown.status_code, shown.json()["words"]) == (200, "shown")
        assert client.get("/records/r-2").status_code == 404
        put = {"recordId": {"value": "r-2"}, "words": "put"}
        assert client.put("/records/r-2", json=put).status_code == 201
        assert client.get("/records/r-2").json() == put
