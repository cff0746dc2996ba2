"""Mocks of contracts as strangers write them: odd examples, credentials of their own, forms by name, XML."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from xml.etree import ElementTree

import httpx
import pytest

from harness.contract import load
from harness.serving.keys import KeyStore
from mocks.mock import build_mock
from tests.unit.mocks.running import running, write

CONTRACT = """
openapi: 3.0.3
info: {title: Foreign, version: '1'}
paths:
  /broken-example:
    get:
      responses:
        '200':
          description: its only example lacks what is required
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Thing'}
              example: {name: half}
  /second-example:
    get:
      responses:
        '200':
          description: one keeps the schema
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Thing'}
              examples: {bad: {value: {id: x}}, good: {value: {id: 7, name: whole}}}
  /text-example:
    get:
      responses:
        '200':
          description: JSON that was written as text
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Thing'}
              example: '{"id": 8, "name": "as text"}'
  /null-example:
    get:
      responses:
        '200':
          description: null by mistake
          content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}, example: null}}
  /impossible:
    get:
      responses:
        '200':
          description: nothing keeps it
          content: {application/json: {schema: {type: integer, minimum: 5, maximum: 4}}}
        '404': {description: not there}
  /endless:
    get:
      responses:
        '200':
          description: a thing that must hold itself
          content: {application/json: {schema: {$ref: '#/components/schemas/Endless'}}}
  /senseless:
    get:
      responses:
        '200':
          description: no schema at all
          content: {application/json: {schema: {type: nonsense}}}
  /interim: {get: {responses: {1XX: {description: wait}}}}
  /pets:
    get:
      responses:
        '200':
          description: says which form it has
          content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}
    post:
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}}
      responses: {'200': {description: ok}}
  /account:
    get:
      responses:
        '200':
          description: never the password
          content: {application/json: {schema: {$ref: '#/components/schemas/Account'}}}
    post:
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Account'}}}}
      responses:
        '200':
          description: never the password
          content: {application/json: {schema: {$ref: '#/components/schemas/Account'}}}
  /xml:
    get:
      responses:
        '200':
          description: XML by its hints
          content:
            application/xml:
              schema: {$ref: '#/components/schemas/Thing'}
              example: {id: 7, name: a<b}
  /xml/cut-off:
    get:
      responses:
        '200':
          description: its first example ends in the middle
          content:
            application/xml:
              schema: {type: string, xml: {name: word}}
              examples: {broken: {value: '<word>no'}, whole: {value: <word>yes</word>}}
  /xml/words:
    get:
      responses:
        '200':
          description: no example is a document
          content:
            application/xml:
              schema: {oneOf: [{type: string, maxLength: 5}, {type: object}], xml: {name: word}}
              example: <word>no
  /file:
    get: {responses: {'200': {description: a file, content: {'image/*': {schema: {type: file}}}}}}
  /anything:
    get: {responses: {'200': {description: any, content: {'*/*': {schema: {type: string}, example: hello}}}}}
  /basic: {get: {security: [{basic: []}], responses: {'200': {description: ok}}}}
  /bearer: {get: {security: [{bearer: []}], responses: {'200': {description: ok}}}}
  /jwt: {get: {security: [{jwt: []}], responses: {'200': {description: ok}}}}
  /optional: {get: {security: [{}, {basic: []}], responses: {'200': {description: ok}}}}
  /either: {get: {security: [{basic: []}, {key: [], other: []}], responses: {'200': {description: ok}}}}
  /scoped: {get: {security: [{oauth: [read]}], responses: {'200': {description: ok}}}}
  /tls: {get: {security: [{tls: []}], responses: {'200': {description: ok}}}}
components:
  securitySchemes:
    basic: {type: http, scheme: basic}
    bearer: {type: http, scheme: bearer}
    jwt: {type: http, scheme: bearer, bearerFormat: JWT}
    key: {type: apiKey, in: query, name: key}
    other: {type: apiKey, in: cookie, name: other}
    oauth: {type: oauth2, flows: {clientCredentials: {tokenUrl: 'https://id.example', scopes: {read: r}}}}
    tls: {type: mutualTLS}
  schemas:
    Thing:
      type: object
      required: [id, name]
      xml: {name: thing}
      properties: {id: {type: integer, xml: {attribute: true}}, name: {type: string}}
    Endless: {type: object, required: [self], properties: {self: {$ref: '#/components/schemas/Endless'}}}
    Account:
      type: object
      required: [id, password]
      properties:
        id: {type: integer, readOnly: true}
        password: {type: string, writeOnly: true}
    Pet:
      oneOf: [{$ref: '#/components/schemas/Cat'}, {$ref: '#/components/schemas/Dog'}]
      discriminator: {propertyName: kind, mapping: {miau: '#/components/schemas/Cat', wau: Dog}}
    Cat: {type: object, required: [kind, lives], properties: {kind: {type: string}, lives: {type: integer}}}
    Dog: {type: object, required: [kind, tricks], properties: {kind: {type: string}, tricks: {type: integer}}}
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, keys: KeyStore) -> Iterator[httpx.Client]:
    contract = load(write(tmp_path_factory.mktemp("foreign"), CONTRACT))
    with running([build_mock(contract, keys=keys)]) as urls, httpx.Client(base_url=urls["library"]) as client:
        yield client


@pytest.mark.parametrize("path", ["/broken-example", "/null-example"])
def test_an_example_that_breaks_its_schema_is_not_the_answer(client: httpx.Client, path: str) -> None:
    body = client.get(path).json()
    assert isinstance(body["id"], int)
    assert isinstance(body["name"], str)


def test_it_can_still_be_asked_for_by_name(client: httpx.Client) -> None:
    assert client.get("/second-example").json() == {"id": 7, "name": "whole"}
    assert client.get("/second-example", headers={"Prefer": "example=bad"}).json() == {"id": "x"}


def test_json_that_was_written_as_text_is_json(client: httpx.Client) -> None:
    assert client.get("/text-example").json() == {"id": 8, "name": "as text"}


@pytest.mark.parametrize(
    ("path", "says"),
    [("/impossible", "no valid value"), ("/endless", "no valid value"), ("/senseless", "makes no sense")],
)
def test_what_no_value_keeps_is_told_clearly(client: httpx.Client, path: str, says: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (501, "application/problem+json")
    assert says in answer.json()["detail"]
    assert "openapi.yaml:" in answer.json()["detail"]


def test_another_answer_of_the_same_operation_is_still_there(client: httpx.Client) -> None:
    assert client.get("/impossible", headers={"Prefer": "code=404"}).status_code == 404
    assert client.get("/interim").status_code == 204


def test_an_answer_says_which_form_it_has(client: httpx.Client) -> None:
    body = client.get("/pets").json()
    assert (body["kind"], "lives" in body) in {("miau", True), ("wau", False)}


def test_a_refusal_speaks_of_the_form_that_was_meant(client: httpx.Client) -> None:
    (reason,) = client.post("/pets", json={"kind": "wau"}).json()["errors"]
    assert '"wau"' in reason["detail"]
    assert "'tricks' is missing" in reason["detail"]
    assert "lives" not in reason["detail"]
    (reason,) = client.post("/pets", json={"kind": "muh"}).json()["errors"]
    assert '"miau", "wau"' in reason["detail"]


def test_what_does_not_travel_is_neither_answered_nor_asked_for(client: httpx.Client) -> None:
    assert client.get("/account").json().keys() == {"id"}
    said = client.post("/account", json={"password": "x"}, headers={"Prefer": "state=off"})
    assert (said.status_code, said.json().keys()) == (200, {"id"})
    assert client.post("/account", json={"password": "x"}).json().keys() == {"id"}
    assert client.post("/account", json={"id": 3}).status_code == 400


def test_xml_is_written_by_its_hints(client: httpx.Client) -> None:
    answer = client.get("/xml")
    assert answer.headers["content-type"] == "application/xml"
    root = ElementTree.fromstring(answer.text)
    assert (root.tag, root.attrib, [each.text for each in root]) == ("thing", {"id": "7"}, ["a<b"])


def test_what_is_no_xml_document_is_no_example_to_answer_by(client: httpx.Client) -> None:
    """Unless it is asked for by its name; without another, one is made up."""
    assert client.get("/xml/cut-off").text == "<word>yes</word>"
    assert client.get("/xml/cut-off", headers={"Prefer": "example=broken"}).text == "<word>no"
    assert ElementTree.fromstring(client.get("/xml/words").text).tag == "word"


def test_a_range_of_types_is_answered_with_one_of_it(client: httpx.Client) -> None:
    assert client.get("/file").headers["content-type"] == "image/png"
    for accept in ("text/csv", "application/pdf;q=0.5, text/csv"):
        answer = client.get("/anything", headers={"Accept": accept})
        assert (answer.status_code, answer.text) == (200, "hello")
        assert answer.headers["content-type"] in accept
    assert json.loads(client.get("/anything").text) == "hello"


def basic(text: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


SOMEBODY = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUifQ.c2ln"
"""A JWT of another issuer."""

CREDENTIALS: tuple[tuple[str, dict[str, str], int], ...] = (
    ("/basic", basic("ann:secret"), 200),
    ("/basic", basic("ann"), 401),
    ("/basic", {"Authorization": "Basic ann:secret"}, 401),
    ("/basic", bearer("x"), 401),
    ("/basic", {}, 401),
    ("/bearer", bearer("opaque"), 200),
    ("/bearer", {}, 401),
    ("/bearer", bearer("no token, this"), 401),
    ("/scoped", bearer("{}"), 401),
    ("/jwt", bearer(SOMEBODY), 200),
    ("/jwt", bearer("opaque"), 401),
    ("/optional", {}, 200),
    ("/optional", basic("ann:secret"), 200),
    ("/optional", basic("ann"), 401),
    ("/either", basic("ann:secret"), 200),
    ("/either?key=k", {"Cookie": "other=o"}, 200),
    ("/either?key=k", {}, 401),
    ("/scoped", bearer(SOMEBODY), 200),
    ("/tls", {}, 200),
)


@pytest.mark.parametrize(("path", "headers", "status"), CREDENTIALS)
def test_credentials_of_others_need_presence_and_shape(
    client: httpx.Client, path: str, headers: dict[str, str], status: int
) -> None:
    answer = client.get(path, headers=headers)
    assert answer.status_code == status
    if status == 401:
        assert answer.headers["www-authenticate"].startswith(
            "Bearer" if path in {"/jwt", "/bearer", "/scoped"} else "Basic"
        )


def test_tokens_of_portal_are_judged_there_too(client: httpx.Client, keys: KeyStore) -> None:
    assert client.get("/scoped", headers=bearer(keys.mint({"sub": "a", "scope": "read"}))).status_code == 200
    assert client.get("/scoped", headers=bearer(keys.mint({"sub": "a", "scope": "no"}))).status_code == 403
    expired = keys.mint({"sub": "a", "scope": "read", "exp": 1})
    assert client.get("/scoped", headers=bearer(expired)).status_code == 401
