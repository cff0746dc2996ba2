"""Exchanges on record: whole, bounded, without credentials."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.serving.app import build_app
from harness.serving.recording import MAX_RECORDED, Recorder
from tests.unit.serving.live import client_of, contract_from, echo

CONTRACT = """
openapi: 3.1.0
info: {title: Recorded, version: 1.0.0}
paths:
  /things/{thingId}:
    put:
      operationId: putThing
      parameters: [{name: thingId, in: path, required: true, schema: {type: string}}]
      requestBody: {content: {application/json: {schema: {type: object}}}}
      responses: {'200': {description: ok, content: {application/json: {}}}}
"""


@pytest.fixture
def records(tmp_path: Path) -> list[dict[str, Any]]:
    contract = contract_from(tmp_path, CONTRACT)
    recorder = Recorder(tmp_path / "exchanges.jsonl")
    app = build_app(contract, {"putThing": echo}, None, recorder=recorder, max_body=10 * MAX_RECORDED)
    with client_of(app) as client:
        secret = {"Authorization": "Bearer s3cret", "Cookie": "s3cret=1", "X-Mine": "kept"}
        client.put("/things/a%20b", json={"n": 1}, headers=secret)
        client.put("/things/1?x=1", json=[])
        client.put("/things/1", json={"text": "x" * MAX_RECORDED})
    recorder.close()
    return [json.loads(line) for line in recorder.path.read_text().splitlines()]


def test_each_exchange_is_one_line(records: list[dict[str, Any]]) -> None:
    assert [each["status"] for each in records] == [200, 400, 200]
    first, refused, long = records
    assert (first["service"], first["method"], first["path"]) == ("tested", "PUT", "/things/a%20b")
    assert json.loads(first["body"]) == {"n": 1}
    assert json.loads(first["response_body"])["body"] == {"n": 1}
    assert first["headers"]["x-mine"] == "kept"
    assert first["response_headers"]["content-type"] == "application/json"
    assert (refused["query"], refused["url"].endswith("/things/1?x=1")) == ("x=1", True)
    assert (first["refused"], len(refused["refused"])) == ([], 2), (
        "why, whatever words the contract has for it"
    )
    assert [each["truncated"] for each in records] == [False, False, True]
    assert len(long["body"]) == MAX_RECORDED


def test_credentials_are_not_on_record(records: list[dict[str, Any]]) -> None:
    assert "s3cret" not in json.dumps(records)
