"""OpenAPI 3.1 keywords in bodies and parameters, over a real socket: each is really enforced."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from harness.contract.model import JSON
from tests.unit.serving.live import client_of, contract_from, echoing, pointers

UUID = "7d0f4c1e-9b1a-4f61-8f0e-2f8d1a6b9c01"

CONTRACT = """
openapi: 3.1.0
info: {title: Everything, version: 1.0.0}
servers: [{url: 'https://portal.example/v1'}]
paths:
  /things/{thingId}:
    parameters:
      - {name: thingId, in: path, required: true, schema: {type: string, format: uuid}}
      - {name: shared, in: query, schema: {type: integer}}
    get:
      operationId: getThing
      parameters:
        - {name: shared, in: query, schema: {type: integer, maximum: 5}}
        - {name: limit, in: query, schema: {type: [integer, 'null'], minimum: 1, default: 20}}
        - {name: on, in: query, schema: {type: string, format: date}}
        - {name: kind, in: query, schema: {const: simple}}
        - {name: tags, in: query,
           schema: {type: array, items: {type: string, minLength: 2}, uniqueItems: true}}
        - {name: ids, in: query, explode: false, schema: {type: array, items: {type: integer}}}
        - {name: pair, in: query, style: pipeDelimited, explode: false,
           schema: {type: array, prefixItems: [{type: integer}, {type: boolean}], items: false}}
        - {name: words, in: query, style: spaceDelimited, explode: false,
           schema: {type: array, items: {type: string}}}
        - {name: filter, in: query, style: deepObject,
           schema: {type: object, properties: {min: {type: number}, open: {type: boolean}},
                    unevaluatedProperties: false}}
        - {name: where, in: query, content: {application/json: {schema: {type: object, required: [a]}}}}
        - {name: X-Depth, in: header, schema: {type: integer, minimum: 0}}
        - {name: session, in: cookie, schema: {type: string, format: uuid}}
      responses: {'200': {description: ok, content: {application/json: {}}}}
  /things:
    post:
      operationId: addThing
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [name]
              properties:
                name: {type: [string, 'null'], maxLength: 5}
                kind: {const: simple}
                at: {type: string, format: date-time}
                id: {type: string, format: uuid}
                day: {type: string, format: date}
                mail: {type: string, format: email}
                pair: {type: array, prefixItems: [{type: integer}, {type: string}], items: false}
                inside: {$ref: '#/components/schemas/Tree'}
              allOf: [{properties: {extra: {type: boolean}}}]
              unevaluatedProperties: false
      responses: {'201': {description: ok, content: {application/json: {}}}}
  /notes:
    put:
      operationId: putNote
      requestBody:
        content:
          text/plain: {schema: {type: string, maxLength: 5}}
          application/*: {}
      responses: {'200': {description: ok}}
components:
  schemas:
    Tree:
      type: object
      properties: {children: {type: array, items: {$ref: '#/components/schemas/Tree'}}}
      unevaluatedProperties: false
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    contract = contract_from(tmp_path_factory.mktemp("contracts"), CONTRACT)
    with client_of(echoing(contract)) as client:
        yield client


GOOD_QUERIES: tuple[tuple[str, str, JSON], ...] = (
    ("limit=7", "limit", 7),
    ("limit=", "limit", None),
    ("limit=null", "limit", None),
    ("", "limit", 20),
    ("on=2031-02-28", "on", "2031-02-28"),
    ("kind=simple", "kind", "simple"),
    ("tags=ab&tags=cd", "tags", ["ab", "cd"]),
    ("tags=a%2Cb", "tags", ["a,b"]),
    ("tags=a+b", "tags", ["a b"]),
    ("ids=1,2,3", "ids", [1, 2, 3]),
    ("ids=1%2C2", "ids", [1, 2]),
    ("ids=", "ids", []),
    ("pair=1|true", "pair", [1, True]),
    ("pair=1%7Cfalse", "pair", [1, False]),
    ("words=ab%20cd", "words", ["ab", "cd"]),
    ("filter[min]=1.5&filter%5Bopen%5D=true", "filter", {"min": 1.5, "open": True}),
    ("where=%7B%22a%22%3A1%7D", "where", {"a": 1}),
    ("shared=5", "shared", 5),
)


@pytest.mark.parametrize(("query", "name", "value"), GOOD_QUERIES)
def test_a_query_parameter_means_what_its_schema_says(
    client: httpx.Client, query: str, name: str, value: JSON
) -> None:
    answer = client.get(f"/v1/things/{UUID}?{query}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["query"][name] == value


BAD_QUERIES: tuple[tuple[str, str], ...] = (
    ("limit=0", "/query/limit"),
    ("limit=x", "/query/limit"),
    ("limit=1.5", "/query/limit"),
    ("limit=007", "/query/limit"),
    ("limit=1&limit=2", "/query/limit"),
    ("on=2031-02-30", "/query/on"),
    ("kind=other", "/query/kind"),
    ("tags=a", "/query/tags/0"),
    ("tags=ab&tags=ab", "/query/tags"),
    ("tags=%00%00", "/query/tags"),
    ("tags=%ff%fe", "/query/tags"),
    ("ids=1,x", "/query/ids"),
    ("ids=1&ids=2", "/query/ids"),
    ("pair=1|2", "/query/pair"),
    ("pair=1|true|3", "/query/pair/2"),
    ("filter[min]=x", "/query/filter"),
    ("filter[other]=x", "/query/filter"),
    ("filter[min]=1&filter[min]=2", "/query/filter"),
    ("where=%7B", "/query/where"),
    ("where=%7B%7D", "/query/where"),
    ("shared=6", "/query/shared"),
    ("lim1t=5", "/query/lim1t"),
    ("%ff=5", "/query"),
)


@pytest.mark.parametrize(("query", "pointer"), BAD_QUERIES)
def test_a_query_parameter_that_breaks_its_schema_is_refused(
    client: httpx.Client, query: str, pointer: str
) -> None:
    answer = client.get(f"/v1/things/{UUID}?{query}")
    assert answer.status_code == 400, answer.text
    assert pointers(answer) == [pointer]


def test_path_header_and_cookie_parameters_are_held_to_their_formats_all_at_once(
    client: httpx.Client,
) -> None:
    answer = client.get("/v1/things/17?limit=0", headers={"X-Depth": "-1", "Cookie": "session=mine"})
    assert answer.status_code == 400
    assert pointers(answer) == ["/cookie/session", "/header/X-Depth", "/path/thingId", "/query/limit"]


GOOD_BODIES: tuple[JSON, ...] = (
    {"name": None},
    {"name": "Ann", "kind": "simple", "extra": True},
    {"name": "Ann", "at": "2031-03-03T09:00:00+01:00", "id": UUID, "day": "2031-03-03"},
    {"name": "Ann", "pair": [1, "a"]},
    {"name": "Ann", "inside": {"children": [{"children": []}]}},
    {"name": "日本語"},
)


@pytest.mark.parametrize("body", GOOD_BODIES)
def test_a_body_that_keeps_the_schema_reaches_the_handler(client: httpx.Client, body: JSON) -> None:
    answer = client.post("/v1/things", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["body"] == body


BAD_BODIES: tuple[tuple[JSON, list[str]], ...] = (
    ({}, [""]),
    ([], [""]),
    (None, [""]),
    ({"name": 7}, ["/name"]),
    ({"name": "longer than five"}, ["/name"]),
    ({"name": "Ann", "kind": "other"}, ["/kind"]),
    ({"name": "Ann", "at": "2031-03-03 09:00"}, ["/at"]),
    ({"name": "Ann", "id": "17"}, ["/id"]),
    ({"name": "Ann", "day": "2031-02-29"}, ["/day"]),
    ({"name": "Ann", "mail": "nobody"}, ["/mail"]),
    ({"name": "Ann", "pair": ["a", 1]}, ["/pair/0", "/pair/1"]),
    ({"name": "Ann", "pair": [1, "a", 2]}, ["/pair/2"]),
    ({"name": "Ann", "undocumented": 1}, [""]),
    ({"name": "Ann", "inside": {"children": [{"child": 1}]}}, ["/inside/children/0"]),
    ({"name": 7, "kind": "other", "day": "never"}, ["/day", "/kind", "/name"]),
)


@pytest.mark.parametrize(("body", "expected"), BAD_BODIES)
def test_a_body_that_breaks_the_schema_is_refused_with_every_reason(
    client: httpx.Client, body: JSON, expected: list[str]
) -> None:
    answer = client.post("/v1/things", json=body)
    assert answer.status_code == 400, answer.text
    assert pointers(answer) == expected


def test_a_refusal_never_repeats_what_was_sent(client: httpx.Client) -> None:
    secret = "melanoma-diagnosis"
    answers = [
        client.post("/v1/things", json={"name": secret, "kind": secret, "at": secret, "pair": [secret]}),
        client.post("/v1/things", content=f'{{"name": "{secret}"'.encode(), headers=JSON_TYPE),
        client.get(f"/v1/things/{secret}?limit={secret}&tags={secret}&tags={secret}&filter[open]={secret}"),
    ]
    for answer in answers:
        assert answer.status_code == 400
        assert secret not in answer.text


JSON_TYPE = {"Content-Type": "application/json"}

MALFORMED: tuple[tuple[str, bytes], ...] = (
    ("cut short", b'{"name": "Ann"'),
    ("not UTF-8", b'{"name": "\xff"}'),
    ("a byte order mark", b'\xef\xbb\xbf{"name": "Ann"}'),
    ("NaN", b'{"name": NaN}'),
    ("Infinity", b'{"name": Infinity}'),
    ("beyond a double", b'{"name": 1e999}'),
    ("a lone surrogate", b'{"name": "\\ud800"}'),
    ("a name twice", b'{"name": "Ann", "name": "Bob"}'),
    ("a name twice further in", b'{"name": "Ann", "inside": {"children": [], "children": []}}'),
    ("too deep", b'{"name": "Ann", "inside": ' + b'{"children": [' * 200 + b"]}" * 200 + b"}"),
    ("far too deep", b"[" * 200_000),
    ("too long a number", b'{"name": ' + b"9" * 5000 + b"}"),
    ("nothing", b""),
)


@pytest.mark.parametrize("raw", [raw for _, raw in MALFORMED], ids=[name for name, _ in MALFORMED])
def test_a_body_that_could_be_read_two_ways_is_refused(client: httpx.Client, raw: bytes) -> None:
    answer = client.post("/v1/things", content=raw, headers=JSON_TYPE)
    assert answer.status_code == 400, answer.text
    assert pointers(answer) == [""]


WRONG_TYPES: tuple[dict[str, str], ...] = (
    {"Content-Type": "application/xml"},
    {"Content-Type": "application/json; charset=latin-1"},
    {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    {},
)


@pytest.mark.parametrize("headers", WRONG_TYPES)
def test_a_body_of_another_type_is_refused(client: httpx.Client, headers: dict[str, str]) -> None:
    answer = client.post("/v1/things", content=b'{"name": "Ann"}', headers=headers)
    assert answer.status_code == 415
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_the_bound_is_refused(client: httpx.Client, chunked: bool) -> None:
    part = b'{"name": "' + b"x" * 2_000_000
    content: Any = iter([part[:1_000_000], part[1_000_000:]]) if chunked else part
    answer = client.post("/v1/things", content=content, headers=JSON_TYPE)
    assert answer.status_code == 413
    assert client.get(f"/v1/things/{UUID}").status_code == 200, "the next request suffers"


def test_other_content_types_keep_their_schema_or_reach_the_handler_as_bytes(client: httpx.Client) -> None:
    text = {"Content-Type": "text/plain; charset=UTF-8"}
    assert client.put("/v1/notes", content="short", headers=text).json()["body"] == "short"
    assert client.put("/v1/notes", content="far too long", headers=text).status_code == 400
    assert client.put("/v1/notes", content=b"\xff", headers=text).status_code == 400
    assert client.put("/v1/notes").json()["body"] is None
    anything = client.put("/v1/notes", content=b'{"a": 1}', headers={"Content-Type": "application/json"})
    assert anything.json()["body"] == {"a": 1}


def test_integers_keep_every_digit_there_and_back(client: httpx.Client) -> None:
    digits = "123456789012345678901234567890"
    raw = f'{{"huge": {digits}}}'.encode()
    answer = client.put("/v1/notes", content=raw, headers={"Content-Type": "application/json"})
    assert f'"huge":{digits}' in answer.text


def test_fifty_at_a_time_do_not_mix(client: httpx.Client) -> None:
    async def ask(session: httpx.AsyncClient, number: int) -> None:
        name = f"n{number}"
        answer = await session.post("/v1/things", json={"name": name}, headers={"X-Correlation-Id": name})
        assert answer.json()["body"] == {"name": name}
        assert answer.headers["x-correlation-id"] == name

    async def all_of_them() -> None:
        limits = httpx.Limits(max_connections=50)
        async with httpx.AsyncClient(base_url=client.base_url, limits=limits, trust_env=False) as session:
            await asyncio.gather(*(ask(session, number) for number in range(50)))

    asyncio.run(all_of_them())
