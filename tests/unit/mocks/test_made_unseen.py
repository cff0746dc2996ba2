"""Things that are made by an operation which shows none: it only says under which id they will be there."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from harness.contract import load
from mocks.mock import build_mock
from tests.unit.mocks.running import running, write

CONTRACT = """
openapi: 3.1.0
info: {title: Loans, version: '1'}
paths:
  /loans:
    post:
      operationId: askForLoan
      requestBody:
        content: {application/json: {schema: {type: object, properties: {amount: {type: integer}}}}}
      responses:
        '202':
          description: Somebody will look into it
          content:
            application/json:
              schema: {type: object, required: [GIVEN], properties: {GIVEN: {type: string, minLength: 4}}}
        '404': {description: none}
  /loans/{loanId}:
    get:
      operationId: getLoan
      parameters: [{name: loanId, in: path, required: true, example: loan-1, schema: {type: string}}]
      responses:
        '200':
          description: ok
          content: {application/json: {schema: {$ref: '#/components/schemas/Loan'}, example: {sum: 7}}}
        '404': {description: none}
components:
  schemas:
    Loan: {type: object, required: [sum], properties: {sum: {type: integer}}}
"""


@pytest.mark.parametrize(("given", "status"), [("loanId", 200), ("loan_id", 200), ("ticket", 404)])
def test_what_an_id_was_given_out_for_can_be_read(tmp_path: Path, given: str, status: int) -> None:
    contract = load(write(tmp_path, CONTRACT.replace("GIVEN", given)))
    with running([build_mock(contract)]) as urls, httpx.Client(base_url=urls["library"]) as client:
        asked = client.post("/loans", json={"amount": 3})
        assert asked.status_code == 202
        read = client.get(f"/loans/{asked.json()[given]}")
        assert read.status_code == status
        assert ("sum" in read.json()) is (status == 200)


LISTED = """paths:
  /loans:
    get:
      operationId: listLoans
      responses:
        '200':
          description: ok
          content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Loan'}}}}
"""
EXAMPLE = ", example: {sum: 7}"


@pytest.mark.parametrize(
    ("shown", "listed", "status"), [(True, False, 404), (False, True, 404), (False, False, 200)]
)
def test_of_what_nothing_makes_lists_or_shows_anything_may_be_there(
    tmp_path: Path, shown: bool, listed: bool, status: int
) -> None:
    text = CONTRACT.replace("  /loans:", "  /questions:").replace("GIVEN", "ticket")
    text = text if shown else text.replace(EXAMPLE, "")
    contract = load(write(tmp_path, text.replace("paths:\n", LISTED) if listed else text))
    with running([build_mock(contract)]) as urls, httpx.Client(base_url=urls["library"]) as client:
        assert client.get("/loans/loan-77").status_code == status


def test_what_was_deleted_is_gone_though_nothing_was_known_of_it(tmp_path: Path) -> None:
    text = CONTRACT.replace("GIVEN", "loanId").replace(
        "    get:\n      operationId: getLoan",
        """    delete:
      operationId: dropLoan
      parameters: [{name: loanId, in: path, required: true, schema: {type: string}}]
      responses: {'204': {description: gone}, '404': {description: none}}
    get:
      operationId: getLoan""",
    )
    contract = load(write(tmp_path, text))
    with running([build_mock(contract)]) as urls, httpx.Client(base_url=urls["library"]) as client:
        statuses = [
            client.request(each, "/loans/l-9").status_code for each in ("GET", "DELETE", "GET", "DELETE")
        ]
        assert statuses == [200, 204, 404, 404]
        assert client.get("/loans/l-10").status_code == 200
