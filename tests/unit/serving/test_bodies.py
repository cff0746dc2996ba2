"""Bodies that are no JSON, over a real socket: forms, multipart, XML, text, bytes, JSON in lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.contract.model import JSON
from harness.contract.schema import schema_of
from harness.serving.exchange import Answer
from harness.serving.media import RefusedBody
from harness.serving.multipart import parts_of
from harness.serving.xml_bodies import MalformedXml, parse_xml, values_of, write_xml
from tests.unit.serving.live import client_of, contract_from, echoing, pointers

CONTRACT = """
openapi: 3.1.0
info: {title: Bodies, version: '1'}
paths:
  /form:
    post:
      operationId: form
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded:
            schema:
              type: object
              required: [name]
              additionalProperties: false
              properties:
                name: {type: string, minLength: 2}
                age: {type: integer}
                tags: {type: array, items: {type: string}, maxItems: 2}
                ids: {type: array, items: {type: integer}}
                where: {type: object, properties: {low: {type: integer}}, additionalProperties: false}
                more: {type: object, properties: {n: {type: integer}}}
                raw: {type: object, required: [a]}
            encoding:
              ids: {style: pipeDelimited, explode: false}
              where: {style: deepObject, explode: true}
              raw: {contentType: application/json}
      responses: {'200': {description: ok, content: {application/json: {}}}}
  /multi:
    post:
      operationId: multi
      requestBody:
        content:
          multipart/form-data:
            schema:
              type: object
              required: [meta, file]
              properties:
                meta: {type: object, required: [id], properties: {id: {type: integer}}}
                file: {type: string, format: binary, maxLength: 8}
                count: {type: integer}
                names: {type: array, items: {type: string, minLength: 1}}
            encoding:
              file:
                contentType: 'image/png, image/*'
                headers: {X-Part: {required: true, schema: {type: integer}}}
      responses: {'200': {description: ok, content: {application/json: {}}}}
  /xml:
    post:
      operationId: xml
      requestBody:
        content:
          application/xml: {schema: {$ref: '#/components/schemas/Pet'}}
          application/json: {schema: {$ref: '#/components/schemas/Pet'}}
          application/soap+xml: {schema: {type: string}}
      responses: {'200': {description: ok, content: {application/json: {}}}}
  /lines:
    post:
      operationId: lines
      requestBody: {content: {application/x-ndjson: {schema: {type: object, required: [a]}}}}
      responses: {'200': {description: ok, content: {application/json: {}}}}
  /any:
    post:
      operationId: anything
      requestBody:
        content:
          text/plain: {schema: {type: integer, minimum: 3}}
          text/*: {schema: {type: string, maxLength: 4}}
          application/octet-stream: {schema: {type: string, format: binary, minLength: 2, maxLength: 4}}
          application/vnd.a+json;version=1: {schema: {required: [one]}}
          application/vnd.a+json;version=2: {schema: {required: [two]}}
          application/*+json: {schema: {required: [some]}}
          image/*: {}
      responses: {'200': {description: ok, content: {application/json: {}}}}
components:
  schemas:
    Pet:
      type: object
      required: [id, name]
      additionalProperties: false
      xml: {name: pet}
      properties:
        id: {type: integer, xml: {attribute: true}}
        name: {type: string, minLength: 2}
        alive: {type: boolean}
        tags: {type: array, xml: {name: tags, wrapped: true}, items: {type: string, xml: {name: tag}}}
        toys: {type: array, items: {type: integer, xml: {name: toy}}}
        owner: {type: object, properties: {age: {type: [integer, 'null']}}}
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    contract = contract_from(tmp_path_factory.mktemp("bodies"), CONTRACT)
    with client_of(echoing(contract, anything=lambda _: Answer(200, {}))) as client:
        yield client


def post(client: httpx.Client, path: str, content: str | bytes, kind: str) -> httpx.Response:
    return client.post(path, content=content, headers={"Content-Type": kind})


FORM = "application/x-www-form-urlencoded"
FORMS: tuple[tuple[str, JSON], ...] = (
    ("name=Ann+B&age=7", {"name": "Ann B", "age": 7}),
    ("name=Ann&tags=a&tags=b", {"name": "Ann", "tags": ["a", "b"]}),
    ("name=Ann&ids=1|2", {"name": "Ann", "ids": [1, 2]}),
    ("name=Ann&where[low]=3", {"name": "Ann", "where": {"low": 3}}),
    ("name=Ann&more[n]=3", {"name": "Ann", "more": {"n": 3}}),
    ("name=Ann&more=%7B%22n%22%3A3%7D", {"name": "Ann", "more": {"n": 3}}),
    ("name=Ann&raw=%7B%22a%22%3A3%7D", {"name": "Ann", "raw": {"a": 3}}),
)


@pytest.mark.parametrize(("text", "value"), FORMS)
def test_a_form_means_what_its_encoding_says(client: httpx.Client, text: str, value: JSON) -> None:
    answer = post(client, "/form", text, FORM)
    assert answer.status_code == 200, answer.text
    assert answer.json()["body"] == value


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("age=7", [""]),
        ("name=A", ["/name"]),
        ("name=Ann&age=x", ["/age"]),
        ("name=Ann&name=Bob", ["/name"]),
        ("name=Ann&tags=a&tags=b&tags=c", ["/tags"]),
        ("name=Ann&other=1", [""]),
        ("name=Ann&where[high]=3", ["/where"]),
        ("name=Ann&raw=%7B%7D", ["/raw"]),
        ("name=Ann&raw=x", ["/raw"]),
        ("name=%ff", ["/name"]),
    ],
)
def test_a_form_that_breaks_its_schema_is_refused(client: httpx.Client, text: str, found: list[str]) -> None:
    answer = post(client, "/form", text, FORM)
    assert (answer.status_code, pointers(answer)) == (400, found)


def multipart(*parts: tuple[str, str]) -> bytes:
    """A body of parts: head and content."""
    whole = "".join(
        f"--xyz\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n" for head, text in parts
    )
    return f"{whole}--xyz--\r\n".encode("latin-1")


META = ('name="meta"\r\nContent-Type: application/json', '{"id": 3}')
FILE = ('name="file"; filename="a.png"\r\nContent-Type: image/png\r\nX-Part: 3', "\x00\xff\r\n--xy")


def test_multipart_becomes_the_object_that_its_parts_are(client: httpx.Client) -> None:
    parts = multipart(META, FILE, ('name="count"', "7"), ('name="names"', "a"), ('name="names"', "b"))
    answer = post(client, "/multi", parts, "multipart/form-data; boundary=xyz")
    assert answer.status_code == 200, answer.text
    assert answer.json()["body"] == {
        "meta": {"id": 3},
        "file": "\x00\xff\r\n--xy",
        "count": 7,
        "names": ["a", "b"],
    }


BAD_PARTS: tuple[tuple[tuple[tuple[str, str], ...], list[str]], ...] = (
    ((META,), [""]),
    (((META[0], '{"id": "x"}'), FILE), ["/meta/id"]),
    (((META[0], "{"), FILE), ["", "/meta"]),
    ((META, (FILE[0], "x" * 9)), ["/file"]),
    ((META, (FILE[0].replace("image/png", "text/html"), "x")), ["/file"]),
    ((META, (FILE[0].replace("X-Part: 3", "X-Part: x"), "x")), ["/file"]),
    ((META, (FILE[0].replace("\r\nX-Part: 3", ""), "x")), ["/file"]),
    ((META, FILE, ('name="count"', "x")), ["/count"]),
    ((META, FILE, ('name="names"', "")), ["/names/0"]),
)


@pytest.mark.parametrize(("parts", "found"), BAD_PARTS)
def test_a_part_that_breaks_its_schema_or_encoding_is_refused(
    client: httpx.Client, parts: tuple[tuple[str, str], ...], found: list[str]
) -> None:
    answer = post(client, "/multi", multipart(*parts), "multipart/form-data; boundary=xyz")
    assert answer.status_code == 400
    assert set(pointers(answer)) >= set(found) - {""}
    assert pointers(answer)


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=other"])
def test_multipart_without_its_boundary_is_refused(client: httpx.Client, kind: str) -> None:
    assert post(client, "/multi", multipart(META, FILE), kind).status_code == 400


@given(raw=st.binary(max_size=200) | st.text("-xyz\r\n:", max_size=60).map(str.encode))
def test_no_bytes_break_the_reader_of_parts(raw: bytes) -> None:
    try:
        parts_of(raw, "multipart/form-data; boundary=xyz")
    except RefusedBody as error:
        assert str(error)


XML = '<pet id="3"><name>Rex</name><alive>true</alive><tags><tag>a</tag></tags><toy>1</toy><toy>2</toy></pet>'
REX = {"id": 3, "name": "Rex", "alive": True, "tags": ["a"], "toys": [1, 2]}


def test_xml_is_mapped_to_its_schema(client: httpx.Client) -> None:
    answer = post(client, "/xml", XML, "application/xml")
    assert (answer.status_code, answer.json()["body"]) == (200, REX)


@pytest.mark.parametrize(
    "text",
    [
        "<pet id='3'><name>Rex</name>",
        "<cat id='3'><name>Rex</name></cat>",
        "<pet id='x'><name>Rex</name></pet>",
        "<pet><name>Rex</name></pet>",
        "<pet id='3'><name>R</name></pet>",
        "<pet id='3'><name>Rex</name><other/></pet>",
        "<pet id='3'><name>Rex</name><name>Max</name></pet>",
        "<pet id='3' colour='red'><name>Rex</name></pet>",
        "<pet id='3'><name>Rex</name><toy>x</toy></pet>",
        "<pet id='3'><name>Rex</name><tags>x</tags></pet>",
        "<!DOCTYPE pet [<!ENTITY a 'Rex'>]><pet id='3'><name>&a;</name></pet>",
        "<!DOCTYPE pet SYSTEM 'file:///etc/hostname'><pet id='3'><name>Rex</name></pet>",
        "<a>" * 80 + "</a>" * 80,
    ],
)
def test_xml_that_breaks_its_schema_or_hides_entities_is_refused(client: httpx.Client, text: str) -> None:
    answer = post(client, "/xml", text, "application/xml")
    assert answer.status_code == 400, answer.text


def test_xml_without_a_structure_need_only_be_well_formed(client: httpx.Client) -> None:
    assert (
        post(client, "/xml", "<any><thing/></any>", "application/soap+xml").json()["body"].startswith("<any")
    )
    assert post(client, "/xml", "<any>", "application/soap+xml").status_code == 400


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cn"]), min_size=2, max_size=9)


@given(name=TEXTS, tags=st.lists(TEXTS, min_size=1, max_size=3), toys=st.lists(st.integers(), max_size=3))
@settings(max_examples=30, deadline=None)
def test_what_is_written_as_xml_is_read_again(name: str, tags: list[str], toys: list[int]) -> None:
    properties: dict[str, Any] = {
        "name": {"type": "string", "xml": {"attribute": True}},
        "tags": {
            "type": "array",
            "xml": {"wrapped": True},
            "items": {"type": "string", "xml": {"name": "t"}},
        },
        "toys": {
            "type": "array",
            "items": {"type": "integer", "xml": {"name": "y", "prefix": "p", "namespace": "urn:p"}},
        },
        "none": {"type": ["string", "null"]},
    }
    schema = schema_of(
        {"type": "object", "xml": {"name": "pet", "namespace": "urn:pet"}, "properties": properties}
    )
    value = {"name": name, "tags": tags, "none": None} | ({"toys": toys} if toys else {})
    assert next(values_of(parse_xml(write_xml(value, schema)), schema)) == value


@given(raw=st.text("<>/a=\"' &;!", max_size=30))
def test_no_text_breaks_the_reader_of_xml(raw: str) -> None:
    try:
        parse_xml(raw.encode())
    except MalformedXml as error:
        assert str(error)


def test_json_in_lines_is_held_to_the_schema_of_each(client: httpx.Client) -> None:
    kind = "application/x-ndjson"
    assert post(client, "/lines", '{"a": 1}\n{"a": 2}\n', kind).json()["body"] == [{"a": 1}, {"a": 2}]
    for _ in range(2):  # one request leaves nothing behind for the next
        assert pointers(post(client, "/lines", '{"a": 1}\n{"b": 2}\n', kind)) == ["/1"]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        ("3", "text/plain", 200),
        ("2", "text/plain; charset=utf-8", 400),
        ("x", "text/plain", 400),
        ("abcd", "text/html", 200),
        ("abcde", "text/html", 400),
        (b"\xff\xfe", "application/octet-stream", 200),
        (b"\xff", "application/octet-stream", 400),
        (b"\xff" * 5, "application/octet-stream", 400),
        ('{"one": 1}', "application/vnd.a+json;version=1", 200),
        ('{"one": 1}', "application/vnd.a+json; Version=2", 400),
        ('{"two": 1}', "application/vnd.a+json; version=2; charset=utf-8", 200),
        ('{"one": 1}', "application/vnd.a+json", 200),
        ('{"one": 1}', "application/vnd.b+json", 400),
        ('{"some": 1}', "application/vnd.b+json", 200),
        ('{"some": 1}', "application/vnd.a+json;version=3", 200),
        (b"\x89PNG", "image/png", 200),
        ('{"some": 1}', "application/json", 415),
        ("x", "audio/mpeg", 415),
    ],
)
def test_the_most_specific_documented_type_holds(
    client: httpx.Client, content: str | bytes, kind: str, status: int
) -> None:
    assert post(client, "/any", content, kind).status_code == status
