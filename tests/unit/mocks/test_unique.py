"""What no two of a kind share (``x-unique``), in what a mock remembers; over a real socket.

Every test works in a session of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.contract import load
from mocks.mock import build_mock
from tests.unit.mocks.controlled import Controlled, controlled
from tests.unit.mocks.running import write

_STAFF = """
openapi: 3.1.0
info: {title: Staff, version: '1'}
paths:
  /members:
    get:
      operationId: listMembers
      responses:
        '200':
          description: All
          content:
            application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Member'}}}
    post:
      operationId: addMember
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: '#/components/schemas/NewMember'}
            examples: {ann: {value: {name: Ann, badge: B-100}}}
      responses:
        '201':
          description: Added
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Member'}
              examples: {ann: {value: {id: m-3, name: Ann, badge: B-100, desk: desk-30, status: away}}}
        '409': &refused {description: No, content: {application/problem+json: {schema: {type: object}}}}
        '422': *refused
  /members/{memberId}:
    parameters: [{name: memberId, in: path, required: true, schema: {type: string}}]
    get:
      operationId: getMember
      responses:
        '200': &one
          description: One
          content: {application/json: {schema: {$ref: '#/components/schemas/Member'}}}
        '404': {description: None}
    put:
      operationId: replaceMember
      requestBody:
        content: {application/json: {schema: {$ref: '#/components/schemas/NewMember'}}}
      responses: {'200': *one, '404': {description: None}, '409': *refused}
    patch:
      operationId: changeMember
      requestBody:
        content:
          application/merge-patch+json: {schema: {type: object}}
          application/json-patch+json: {schema: {type: array, items: {type: object}}}
      responses: {'200': *one, '404': {description: None}, '422': *refused}
  /members/{memberId}/arrive:
    post:
      operationId: arrive
      parameters: [{name: memberId, in: path, required: true, schema: {type: string}}]
      responses: {'200': *one, '404': {description: None}}
components:
  schemas:
    NewMember:
      type: object
      required: [name]
      properties: &said
        name: {type: string}
        badge: {type: string, pattern: '^B-[0-9]{3}$', x-unique: true}
        keys: {type: array, items: {type: object}, x-unique: true}
    Member:
      type: object
      required: [id, name, desk, status]
      properties:
        <<: *said
        id: {type: string}
        desk: {type: string, pattern: '^desk-[0-9]{2}$', x-unique: true}
        locker: {type: string, pattern: '^L[0-9]{4}$', x-unique: true}
        status: {type: string, enum: [away, there]}
      x-lifecycle:
        property: status
        transitions:
          - {to: away, by: addMember}
          - {from: [away], to: there, by: arrive}
          - {from: [away, there], to: away, by: replaceMember}
          - {from: [away], to: away, by: changeMember}
      examples:
        - {id: m-1, name: Bo, badge: B-001, keys: [{door: 1}, {door: 2}], desk: desk-01, status: away}
        - {id: m-2, name: Cy, badge: B-002, keys: [{door: 3}], desk: desk-02, locker: L0002, status: there}
"""
_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controlled]:
    contract = load(write(tmp_path_factory.mktemp("unique"), _STAFF))
    with controlled(build_mock(contract)) as mock:
        yield mock


@pytest.fixture
def staff(served: Controlled) -> Iterator[httpx.Client]:
    headers = {"X-Portal-Session": f"s{next(_NUMBERS)}"}
    with httpx.Client(base_url=served.client.base_url, headers=headers) as client:
        yield client


def held(staff: httpx.Client, name: str) -> list[Any]:
    """What everybody has of a property."""
    return [each[name] for each in staff.get("/members").json() if name in each]


def test_a_second_thing_with_the_same_value_is_refused(staff: httpx.Client) -> None:
    body = {"name": "Di", "badge": "B-300"}
    assert staff.post("/members", json=body).status_code == 201

    again = staff.post("/members", json={**body, "name": "Ed"})

    assert again.status_code == 409, again.text
    assert again.json()["detail"] == "There is one with the same badge already."
    assert again.headers["x-portal-matched"] == "state"
    assert len(staff.get("/members").json()) == 3


@pytest.mark.parametrize("taken", [{"badge": "B-001"}, {"keys": [{"door": 9}, {"door": 2}]}])
def test_what_was_there_at_first_has_its_values(staff: httpx.Client, taken: dict[str, Any]) -> None:
    """Of a list, each item counts."""
    assert staff.post("/members", json={"name": "Di", **taken}).status_code == 409


def test_what_has_no_value_shares_none(staff: httpx.Client) -> None:
    for name in ("Di", "Ed"):
        assert staff.post("/members", json={"name": name, "keys": []}).status_code == 201


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("merge-patch", {"badge": "B-002"}),
        ("json-patch", [{"op": "add", "path": "/keys/-", "value": {"door": 3}}]),
    ],
)
def test_no_change_leads_to_a_value_that_another_has(staff: httpx.Client, kind: str, change: Any) -> None:
    """Refused by what the operation documents."""
    before = staff.get("/members/m-1").json()
    answer = staff.patch("/members/m-1", json=change, headers={"Content-Type": f"application/{kind}+json"})
    assert answer.status_code == 422, answer.text
    assert staff.get("/members/m-1").json() == before


def test_nor_does_another_document_in_its_place(staff: httpx.Client) -> None:
    assert staff.put("/members/m-1", json={"name": "Bo", "badge": "B-002"}).status_code == 409
    assert staff.put("/members/m-1", json={"name": "Bo", "badge": "B-001"}).status_code == 200


def test_what_examples_share_already_stands_in_no_way(tmp_path: Path) -> None:
    """Such a contract is wrong, but what does not touch the value is not refused for it."""
    wrong = _STAFF.replace("badge: B-002", "badge: B-001")
    with controlled(build_mock(load(write(tmp_path, wrong)))) as mock:
        kind = {"Content-Type": "application/merge-patch+json"}
        answer = mock.client.patch("/members/m-1", json={"name": "Al"}, headers=kind)
        assert (answer.status_code, answer.json()["badge"]) == (200, "B-001"), answer.text


def test_a_value_that_was_given_up_is_free(staff: httpx.Client) -> None:
    assert staff.put("/members/m-1", json={"name": "Bo", "badge": "B-005"}).status_code == 200
    assert staff.post("/members", json={"name": "Di", "badge": "B-001"}).status_code == 201


def test_sessions_share_no_values(served: Controlled) -> None:
    body = {"name": "Di", "badge": "B-400"}
    for session in ("one", "other"):
        headers = {"X-Portal-Session": session}
        assert served.client.post("/members", json=body, headers=headers).status_code == 201


def test_what_the_mock_adds_is_nobody_else_s(staff: httpx.Client) -> None:
    """Examples show a desk; the contract's own request gets that very one, others one each."""
    first = staff.post("/members", json={"name": "Ann", "badge": "B-100"})
    assert (first.status_code, first.json()["desk"]) == (201, "desk-30")
    for number in range(5):
        answer = staff.post("/members", json={"name": "Di", "badge": f"B-20{number}"})
        assert answer.status_code == 201, answer.text
    desks = held(staff, "desk")
    assert len(desks) == len(set(desks)) == 8


def test_nor_is_what_a_state_brings(staff: httpx.Client) -> None:
    """Whoever is there has a locker, as the example in that state has."""
    made = staff.post("/members", json={"name": "Di"}).json()
    for member in ("m-1", made["id"]):
        assert staff.post(f"/members/{member}/arrive").status_code == 200
    lockers = held(staff, "locker")
    assert len(set(lockers)) == len(lockers)
    assert "L0002" in lockers


def test_a_state_for_a_test_keeps_to_it(served: Controlled) -> None:
    def make(status: int, **parameters: Any) -> Any:
        asked = {"state": "Member exists", "action": "setup", "parameters": parameters}
        return served.tell("/states", asked, status)

    made = [make(200)["document"], make(200)["document"]]
    assert len({each["desk"] for each in made} | {"desk-01", "desk-02"}) == 4
    assert make(200, id="m-1", badge="B-001")["document"]["badge"] == "B-001", "its own"
    assert "another Member has the same badge" in str(make(422, badge="B-002"))


def test_an_example_that_only_an_answer_shows_is_no_hindrance(tmp_path: Path) -> None:
    """Where nothing else is shown a mock begins with that; the request of that example still succeeds."""
    alone = _STAFF[: _STAFF.index("      examples:\n        - {id: m-1")]
    with controlled(build_mock(load(write(tmp_path, alone)))) as mock:
        body = {"name": "Ann", "badge": "B-100"}
        assert [mock.client.post("/members", json=body).status_code for _ in range(2)] == [201, 409]
        assert len(set(held(mock.client, "desk"))) == 2
