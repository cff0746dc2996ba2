"""A correlation id that the contract does not take: what an answer says in its place."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from harness.serving.app import build_app
from tests.unit.serving.live import client_of, contract_from, echo

CORRELATED = """
openapi: 3.1.0
info: {title: Correlated, version: 1.0.0}
paths:
  /things:
    post:
      operationId: addThing
      security: [{token: []}]
      parameters: [{name: x-correlation-ID, in: header, schema: {type: string, format: uuid}}]
      requestBody: {content: {application/json: {schema: {type: object}}}}
      responses: {'204': {description: ok}}
components: {securitySchemes: {token: {type: http, scheme: bearer}}}
"""


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer x", "Content-Type": "text/csv"}, 415),
        ({"Authorization": "Bearer x"}, 400),
    ],
)
def test_a_correlation_id_that_the_contract_refuses_is_in_no_answer(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    app = build_app(contract_from(tmp_path, CORRELATED), {"addThing": echo}, None)
    kind = {"Content-Type": "application/json", **headers}
    with client_of(app) as client:
        for sent in ("f", "11111111-1111-4111-8111-111111111111"):
            answer = client.post("/things", content=b"{", headers={**kind, "X-Correlation-Id": sent})
            told = answer.headers["x-correlation-id"]
            assert (answer.status_code, told == sent) == (status, sent != "f")
            assert str(uuid.UUID(told)) == told
            assert answer.json()["instance"] == f"urn:correlation:{told}"
