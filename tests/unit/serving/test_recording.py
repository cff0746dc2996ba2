"""Exchanges on record: whole, bounded, without credentials."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.serving.app import build_app
from harness.serving.exchange import Answer, AtOnce, Request
from harness.serving.recording import MAX_RECORDED, Recorder
from tests.unit.serving.live import DEADLINE, Service, client_of, contract_from, echo, served
from tests.unit.serving.talk import exchange

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


def test_what_is_answered_while_it_is_parsed_is_on_record_alike(tmp_path: Path) -> None:
    contract = contract_from(tmp_path, CONTRACT)
    recorder = Recorder(tmp_path / "exchanges.jsonl")
    here: list[bool] = []

    def answer(request: Request) -> Answer:
        here.append(asyncio.current_task() is None)
        return Answer(200, {"body": request.body})

    app = build_app(contract, {"putThing": AtOnce(answer)}, None, recorder=recorder)
    head = b"PUT /things/1 HTTP/1.1\r\nHost: h\r\nX-Correlation-Id: mine\r\n"
    body = b'{"n": 1}'
    head += b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    with served([Service("tested", app)]) as addresses:
        url = httpx.URL(addresses.services["tested"])
        with socket.create_connection((url.host, url.port or 0), timeout=DEADLINE) as connection:
            for pieces in ([head, body], [head + body], [head + body[:-1] + b"]"]):
                exchange(connection, *pieces)
    recorder.close()
    asked = [json.loads(line) for line in recorder.path.read_text().splitlines()]
    split, whole, refused = (each for each in asked if each["method"] == "PUT")
    assert here == [False, True]
    del split["response_headers"]["traceparent"], whole["response_headers"]["traceparent"]
    assert split == whole
    assert (refused["status"], len(refused["refused"])) == (400, 1)
