"""A message that brings what another thing has already (``x-unique``) is refused, as a request with it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import orjson
import pytest

from harness.contract import load
from harness.contract.model import JSON
from harness.kafka.embedded import EmbeddedBroker
from harness.kafka.listening import Listener
from harness.kafka.wire import Record, publish
from mocks.mock import build_mock
from tests.unit.mocks.controlled import Controlled, controlled
from tests.unit.mocks.running import write
from tests.unit.mocks.test_messages import Sent

WITHIN = 10.0

STAFF = """
openapi: 3.1.0
info: {title: Staff, version: '1'}
paths:
  /members/{memberId}:
    parameters: [{name: memberId, in: path, required: true, schema: {type: string}}]
    get:
      operationId: getMember
      responses:
        '200':
          description: One
          content: {application/json: {schema: {$ref: '#/components/schemas/Member'}}}
        '404': {description: None}
components:
  schemas:
    Member:
      type: object
      required: [id, status]
      properties:
        id: {type: string}
        badge: {type: string, pattern: '^B-[0-9]{3}$', x-unique: true}
        status: {type: string, enum: [away, there]}
      x-lifecycle:
        property: status
        emits: memberChanged
        transitions:
          - {from: [away], to: there, by: memberHired, id: $message.payload#/mentor}
          - {to: away, by: memberHired}
      examples:
        - {id: m-1, badge: B-001, status: away}
        - {id: m-2, badge: B-002, status: there}
"""
EVENTS = """
asyncapi: 3.0.0
info: {title: Staff, version: '1'}
channels:
  hired:
    address: library.reader
    messages:
      hired:
        payload:
          type: object
          properties: {badge: {type: string}, mentor: {type: string}}
  member:
    address: library.loan
    messages:
      changed:
        headers: {type: object, properties: {ce_type: {const: staff.Changed}}}
        payload:
          type: object
          required: [id, to]
          properties: {id: {type: string}, to: {type: string}, badge: {type: string}}
        examples: [{payload: {id: m-1, to: there}}]
  dead: {address: library.dead, messages: {dead: {payload: {}}}}
operations:
  memberChanged: {action: send, channel: {$ref: '#/channels/member'}}
  memberHired:
    action: receive
    channel: {$ref: '#/channels/hired'}
    x-retry: {attempts: 5, backoff: PT30S}
    x-dead-letter: dead
"""


@dataclass(frozen=True)
class Staffed:
    mock: Controlled
    listener: Listener
    embedded: EmbeddedBroker

    def send(self, topic: str, payload: JSON) -> int:
        mark = self.listener.mark()
        publish(self.embedded.broker, [Sent(topic, orjson.dumps(payload), "k")])
        return mark

    def come(self, topic: str, mark: int) -> list[Record]:
        found = self.listener.wait_for(lambda record: record.topic == topic, WITHIN, mark)
        assert found is not None
        return found

    def member(self, key: str) -> JSON:
        found: JSON = self.mock.client.get(f"/members/{key}").json()
        return found


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory, embedded: EmbeddedBroker) -> Iterator[Staffed]:
    contract = load(write(tmp_path_factory.mktemp("staff"), STAFF, EVENTS))
    with (
        controlled(build_mock(contract, embedded.broker)) as mock,
        Listener(embedded.broker, ["library.loan", "library.dead"]) as listener,
    ):
        yield Staffed(mock, listener, embedded)


def test_what_no_other_has_is_taken(staffed: Staffed) -> None:
    (told,) = staffed.come("library.loan", staffed.send("library.reader", {"badge": "B-100"}))
    assert told.json()["to"] == "away"
    assert staffed.member(str(told.key)) == {"id": told.key, "badge": "B-100", "status": "away"}


def test_a_beginning_with_what_another_has_is_a_dead_letter_at_once(staffed: Staffed) -> None:
    """However often it were tried; and nothing else that it would have caused is left behind."""
    mark = staffed.send("library.reader", {"badge": "B-002", "mentor": "m-1"})
    (dead,) = staffed.come("library.dead", mark)
    assert dead.header("deadletter_reason") == "failed"
    assert dead.header("deadletter_operation") == "memberHired"
    assert staffed.member("m-1") == {"id": "m-1", "badge": "B-001", "status": "away"}
    assert not [each for each in staffed.listener.since(mark) if each.topic == "library.loan"]
    (noted,) = staffed.mock.journal(kind="rejected", operation="memberHired")
    assert noted["violations"] == [{"pointer": "/badge", "detail": "another one has this"}]
