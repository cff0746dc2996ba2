"""``portal mock FILE`` of AsyncAPI documents alone: it consumes from real topics and judges what comes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.contract import load
from harness.kafka.broker import Broker, reach
from harness.kafka.embedded import EmbeddedBroker
from harness.kafka.listening import Listener
from harness.kafka.wire import publish
from mocks.mock import build_mock
from tests.e2e.portal import running

WITHIN = 10.0
TWO = """\
asyncapi: 2.6.0
info: {title: Lamps, version: '1'}
servers: {main: {url: 'broker.example:9092', protocol: kafka}}
channels:
  lamps.{room}.measured:
    parameters: {room: {schema: {type: string, enum: [hall]}}}
    publish:
      operationId: measure
      x-dead-letter: lamps.dead
      message:
        oneOf:
          - {name: Lumens, payload: {type: object, required: [lumens], properties: {lumens: {type: integer}}}}
          - {name: Note, contentType: text/plain, payload: {type: string, maxLength: 5}}
  lamps.dead: {subscribe: {message: {}}}
"""
AVRO = """\
asyncapi: 3.0.0
info: {title: Lamps, version: '1'}
channels:
  measured:
    address: lamps.avro
    messages:
      measured:
        contentType: avro/binary
        headers: {type: object, required: [kind]}
        payload: {schemaFormat: application/vnd.apache.avro;version=1.9.0, schema: {type: map, values: int}}
  dead: {address: lamps.avro.dead, messages: {any: {payload: {}}}}
operations:
  measure: {action: receive, channel: {$ref: '#/channels/measured'}, x-dead-letter: dead}
  forget: {action: send, channel: {$ref: '#/channels/dead'}}
"""


@dataclass(frozen=True)
class Sent:
    topic: str
    value: bytes
    key: str | None = "k"
    headers: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The broker beside the mock of the 2.x document, which runs as a user runs it."""
    folder = tmp_path_factory.mktemp("lamps")
    path = folder / "lamps.yaml"
    path.write_text(TWO, encoding="utf-8")
    with running(["mock", str(path)], folder) as (_, ready):
        yield reach(ready["kafka"])


def test_a_message_that_keeps_none_of_its_forms_goes_to_the_dead_letters(broker: Broker) -> None:
    with Listener(broker, {"lamps.dead": 1}) as listener:
        mark = listener.mark()
        good = [b'{"lumens": 5}', b"short"]
        types = ["application/json", "text/plain"]
        topic = "lamps.hall.measured"
        sent = [
            Sent(topic, value, headers={"content-type": kind})
            for value, kind in zip(good, types, strict=True)
        ]
        publish(broker, [*sent, Sent(topic, b'{"lumens": "many"}'), Sent(topic, b"\xff")])
        dead = listener.wait_for(lambda record: record.topic == "lamps.dead", WITHIN, mark, 2)
        assert dead is not None
        assert [(each.value, each.header("deadletter_reason")) for each in dead] == [
            (b'{"lumens": "many"}', "invalid"),
            (b"\xff", "malformed"),
        ]


def test_what_cannot_be_judged_is_journalled_and_not_refused(tmp_path: Path) -> None:
    path = tmp_path / "avro.yaml"
    path.write_text(AVRO, encoding="utf-8")
    contract = load(path)
    with EmbeddedBroker({"lamps.avro": 1, "lamps.avro.dead": 1}) as embedded:
        mock = build_mock(contract, embedded.broker)
        mock.start()
        try:
            with Listener(embedded.broker, {"lamps.avro.dead": 1}) as listener:
                mark = listener.mark()
                publish(embedded.broker, [Sent("lamps.avro", b"\x00\x02", headers={"kind": "a"})])
                publish(embedded.broker, [Sent("lamps.avro", b"\x00\x02")])
                dead = listener.wait_for(lambda record: True, WITHIN, mark)
                assert dead is not None and dead[0].header("deadletter_reason") == "invalid"  # its headers
        finally:
            mock.stop()
    noted = [(entry.kind, entry.operation) for entry in mock.journal]
    assert noted == [("received", "measure"), ("unjudged", "measure"), ("rejected", "measure")]
