"""Generated values that read like real ones, from an answer of a mock and in a recording's fakes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from harness.contract import load
from harness.contract.schema import compile_schema
from mocks.believable import made_up
from mocks.mock import build_mock
from mocks.proxy.fakes import Fakes
from tests.unit.mocks.running import FORGETFUL, running, write

CONTRACT = """
openapi: 3.1.0
info: {title: People, version: '1'}
paths:
  /people/{id}:
    get:
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses:
        '200':
          description: somebody
          content: {application/json: {schema: {$ref: '#/components/schemas/Person'}}}
components:
  schemas:
    Person:
      type: object
      required: [id, firstName, email, city, code, nick, colours, latitude, birthDate, status]
      properties:
        id: {type: string}
        firstName: {type: string, x-phi: true}
        email: {type: string, format: email, x-phi: true}
        city: {type: string, maxLength: 60}
        code: {type: string, pattern: '^[A-Z]{3}$'}
        nick: {type: string, maxLength: 2}
        colours: {type: array, minItems: 2, items: {$ref: '#/components/schemas/Colour'}}
        latitude: {type: number, minimum: -90, maximum: 90}
        birthDate: {type: string, format: date, x-phi: true}
        status: {enum: [a, b]}
    Colour: {type: string}
"""


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    mock = build_mock(load(write(tmp_path, CONTRACT)), conduct=FORGETFUL)
    with running([mock]) as urls, httpx.Client(base_url=urls["library"]) as client:
        yield client


def test_what_a_mock_makes_up_can_be_believed(client: httpx.Client) -> None:
    somebody = client.get("/people/p-1").json()
    assert re.fullmatch(r"[A-Z][a-z]+", somebody["firstName"])
    assert somebody["email"].endswith(("@example.com", "@example.org", "@example.net"))
    assert re.fullmatch(r"[A-Z][A-Za-z ]+", somebody["city"])
    assert all(re.fullmatch(r"[A-Z][A-Za-z]+", each) for each in somebody["colours"])
    assert somebody["birthDate"] < "2010"
    assert somebody["id"] == "p-1"
    assert client.get("/people/p-1").json() == somebody, "the same for the same seed and request"
    another = client.get("/people/p-2", headers={"Prefer": "dynamic=true"}).json()
    assert another["firstName"] != somebody["firstName"]


def test_whatever_is_believed_is_valid_and_the_same_for_the_same_seed(tmp_path: Path) -> None:
    person = load(write(tmp_path, CONTRACT)).schemas["Person"]
    for seed in range(30):
        value = made_up(person, seed)
        assert compile_schema(person).violations(value) == ()
        assert made_up(person, seed) == value


def test_a_recordings_fakes_can_be_believed_and_tell_nothing(tmp_path: Path) -> None:
    contract = load(write(tmp_path, CONTRACT))
    person = contract.schemas["Person"]
    value = made_up(person, 1)
    assert isinstance(value, dict)
    kept = Fakes(contract).replaced(person, {**value, "firstName": "Wilhelmina"})
    assert isinstance(kept, dict)
    assert kept["firstName"] != "Wilhelmina"
    assert re.fullmatch(r"[A-Z][a-z]+", kept["firstName"])
    assert kept["email"] != value["email"]
    assert "@example." in kept["email"]
    assert kept["city"] == value["city"]
