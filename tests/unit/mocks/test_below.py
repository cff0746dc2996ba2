"""What is made below something else, and what is shown in several forms: whose it is, hidden, liked best."""

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
info: {title: Below, version: '1'}
security: [{bearer: []}]
paths:
  /desks/{deskId}:
    get:
      operationId: readDesk
      x-subject: $response.body#/patientId
      x-access: {patient: own, staff: any}
      parameters: [{name: deskId, in: path, required: true, schema: {type: string}}]
      responses:
        '200': {description: One, content: {application/json: {schema: {$ref: '#/components/schemas/Desk'}}}}
        '404': {description: None}
  /desks/{deskId}/scans:
    post:
      operationId: addScan
      x-subject: $response.body#/patientId
      x-access: {patient: own, staff: any}
      parameters:
        - name: deskId
          in: path
          required: true
          schema: {type: string}
          examples: {ann: {value: desk-0001}}
      requestBody:
        required: true
        content:
          application/json:
            schema: {type: object, required: [data], properties: {data: {type: string}}}
            examples: {ann: {value: {data: aGVsbG8=}}}
      responses:
        '201':
          description: Kept
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Scan'}
              examples: {ann: {value: {id: scan-0009, deskId: desk-0001, patientId: patient-0001}}}
        '404': {description: None}
  /scans/{scanId}:
    get:
      operationId: readScan
      x-subject: $response.body#/patientId
      x-access: {patient: own, staff: any}
      parameters:
        - name: scanId
          in: path
          required: true
          schema: {type: string}
          examples: {ann: {value: scan-0001}}
      responses:
        '200':
          description: What is known of it, or the picture
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Scan'}
              examples: {ann: {value: {id: scan-0001, deskId: desk-0001, patientId: patient-0001}}}
            image/png: {schema: {type: string, format: binary}}
        '404': {description: None}
        '406': {description: None}
components:
  securitySchemes: {bearer: {type: http, scheme: bearer}}
  schemas:
    Desk:
      type: object
      required: [id, patientId]
      properties: {id: {type: string}, patientId: {type: string}}
      examples:
        - {id: desk-0001, patientId: patient-0001}
        - {id: desk-0002, patientId: patient-0002}
    Scan:
      type: object
      required: [id, deskId, patientId]
      properties:
        id: {type: string}
        deskId: {type: string}
        patientId: {type: string}
        data: {type: string, writeOnly: true}
      examples: [{id: scan-0001, deskId: desk-0001, patientId: patient-0001, data: aGVsbG8=}]
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, keys: KeyStore) -> Iterator[str]:
    contract = load(write(tmp_path_factory.mktemp("below"), CONTRACT))
    with running([build_mock(contract, keys=keys)]) as urls:
        yield urls["library"]


@pytest.fixture
def call(address: str, keys: KeyStore) -> Iterator[httpx.Client]:
    """As the second patient."""
    token = keys.mint({"actor": "patient", "patient": "patient-0002", "sub": "patient-0002"})
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}) as client:
        yield client


@pytest.fixture
def staff(address: str, keys: KeyStore) -> Iterator[httpx.Client]:
    token = keys.mint({"actor": "staff", "sub": "staff-1"})
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}) as client:
        yield client


@pytest.mark.parametrize(("desk", "status"), [("desk-0001", 404), ("desk-0002", 201), ("desk-none", 404)])
def test_nothing_is_put_below_what_is_somebody_elses(call: httpx.Client, desk: str, status: int) -> None:
    assert call.post(f"/desks/{desk}/scans", json={"data": "aGVsbG8="}).status_code == status


def test_what_is_made_is_whose_that_is_to_which_it_belongs(staff: httpx.Client) -> None:
    made = staff.post("/desks/desk-0002/scans", json={"data": "aGVsbG8="}).json()
    assert (made["deskId"], made["patientId"]) == ("desk-0002", "patient-0002")


def test_what_an_example_has_that_is_only_written_is_not_shown(staff: httpx.Client) -> None:
    shown = staff.get("/scans/scan-0001")
    assert shown.headers["x-portal-matched"] == "state"
    assert shown.json() == {"id": "scan-0001", "deskId": "desk-0001", "patientId": "patient-0001"}


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/json"),
        ("application/json, image/png;q=0.5", "application/json"),
        ("image/png", "image/png"),
        ("image/*, application/json;q=0.1", "image/png"),
    ],
)
def test_the_form_is_answered_that_the_caller_likes_best(staff: httpx.Client, accept: str, kind: str) -> None:
    answer = staff.get("/scans/scan-0001", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind), answer.text
    assert staff.get("/scans/scan-none", headers={"Accept": accept}).status_code == 404


def test_a_form_that_no_example_shows_is_answered_too(staff: httpx.Client) -> None:
    answer = staff.get("/scans/scan-0001", headers={"Accept": "image/png", "Prefer": "code=200"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png"), answer.text


def test_a_form_that_nothing_is_written_in_is_refused(staff: httpx.Client) -> None:
    assert staff.get("/scans/scan-0001", headers={"Accept": "text/html"}).status_code == 406
