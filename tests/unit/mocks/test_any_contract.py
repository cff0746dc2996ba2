"""Contracts that know nothing of Portal's words, and halves of contracts, are mocked all the same."""

from __future__ import annotations

from pathlib import Path

import httpx
import orjson

from harness.contract import load
from harness.kafka.embedded import EmbeddedBroker
from harness.kafka.listening import Listener
from harness.kafka.wire import publish
from mocks.mock import build_mock
from tests.unit.mocks.running import LIBRARY, TOPICS, running, write
from tests.unit.mocks.test_messages import Sent

BARE = """
openapi: 3.0.3
info: {title: Bare, version: '1'}
paths:
  /things/{thing}:
    get:
      parameters: [{name: thing, in: path, required: true, schema: {type: integer}}]
      responses:
        '200':
          description: A thing
          content:
            application/json:
              schema:
                type: object
                required: [id, name, parts]
                properties:
                  id: {type: integer}
                  name: {type: string, minLength: 3, nullable: true}
                  parts: {type: array, minItems: 2, items: {type: number, minimum: 5}}
    put:
      operationId: put_thing
      parameters: [{name: thing, in: path, required: true, schema: {type: integer}}]
      requestBody: {content: {application/json: {}}}
      responses: {default: {description: Whatever}}
  /picture:
    get:
      operationId: picture
      responses: {'200': {description: One, content: {image/png: {schema: {type: string, format: binary}}}}}
  /moved:
    get:
      operationId: moved
      responses:
        '302': {description: There, headers: {Location: {schema: {type: string}, example: /picture}}}
"""

SILENT = """
openapi: 3.1.0
info: {title: Silent, version: '1'}
paths: {/nothing: {post: {operationId: nothing}}}
"""


def test_a_contract_without_examples_words_or_security(tmp_path: Path) -> None:
    contract = load(write(tmp_path, BARE))
    with running([build_mock(contract)]) as urls, httpx.Client(base_url=urls["library"]) as client:
        thing = client.get("/things/12").json()
        assert thing["id"] == 12
        assert len(thing["parts"]) >= 2
        assert client.put("/things/12", json={}).status_code == 200
        picture = client.get("/picture")
        assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
        moved = client.get("/moved", follow_redirects=False)
        assert (moved.status_code, moved.headers["location"]) == (302, "/picture")
        assert client.get("/things/nine").status_code == 400


def test_an_operation_that_documents_no_answer(tmp_path: Path) -> None:
    contract = load(write(tmp_path, SILENT))
    with running([build_mock(contract)]) as urls:
        assert httpx.post(f"{urls['library']}/nothing").status_code == 204


def test_asyncapi_alone(tmp_path: Path, embedded: EmbeddedBroker) -> None:
    contract = load(write(tmp_path, "", (LIBRARY / "asyncapi.yaml").read_text()))
    with (
        Listener(embedded.broker, TOPICS) as listener,
        running([build_mock(contract, embedded.broker)]) as urls,
    ):
        assert httpx.get(f"{urls['library']}/anything").status_code == 404
        publish(embedded.broker, [Sent("library.reader", orjson.dumps({"id": 3}))])
        assert listener.wait_for(lambda record: record.topic == "library.dead", 10.0) is not None
