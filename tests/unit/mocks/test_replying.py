"""Request and reply over Kafka, from an AsyncAPI contract alone."""

from __future__ import annotations

import time
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

ORACLE = """
asyncapi: 3.0.0
info: {title: Oracle, version: 1.0.0}
channels:
  asked: {address: oracle.asked, messages: {question: {$ref: '#/components/messages/Question'}}}
  answered: {address: oracle.answered, messages: {answer: {$ref: '#/components/messages/Answer'}}}
  named: {address: null, messages: {answer: {$ref: '#/components/messages/Answer'}}}
  signed: {address: oracle.signed, messages: {question: {payload: {type: object}}}}
  signatures: {address: oracle.signatures, messages: {signature: {$ref: '#/components/messages/Signature'}}}
  timed: {address: oracle.timed, messages: {when: {$ref: '#/components/messages/When'}}}
  times:
    address: oracle.times
    messages: {time: {payload: {type: object, properties: {hour: {type: integer}}}}}
operations:
  ask:
    action: receive
    channel: {$ref: '#/channels/asked'}
    reply:
      address: {location: '$message.header#/replyTo'}
      channel: {$ref: '#/channels/named'}
  askWho:
    action: receive
    channel: {$ref: '#/channels/signed'}
    reply: {channel: {$ref: '#/channels/signatures'}}
  askWhen:
    action: receive
    channel: {$ref: '#/channels/timed'}
    reply: {channel: {$ref: '#/channels/times'}}
components:
  messages:
    Question:
      correlationId: {location: '$message.header#/correlationId'}
      payload:
        type: object
        required: [text]
        properties: {text: {type: string}, questionId: {type: string}}
      examples:
        - {name: love, payload: {text: does it}}
        - {name: rain, payload: {text: will it rain}}
    Answer:
      correlationId: {location: '$message.payload#/about'}
      payload:
        type: object
        required: [says]
        properties: {says: {type: string}, about: {type: string}, questionId: {type: string}}
        additionalProperties: false
      examples:
        - {name: usual, payload: {says: perhaps}}
        - {name: rain, payload: {says: it will}}
    Signature:
      headers:
        type: object
        required: [ce_id, ce_source, ce_type]
        properties:
          ce_id: {type: string}
          ce_type: {type: string}
          ce_source: {type: string}
          ce_time: {type: string, format: date-time}
          office: {type: string}
        examples:
          - ce_id: e-0
            ce_type: delphi.Signed
            ce_source: /delphi
            ce_time: '2001-01-01T00:00:00Z'
            office: east
      payload: {type: object, examples: [{by: me}]}
    When:
      correlationId: {location: '$message.payload#/ref'}
      payload: {type: object, properties: {ref: {type: integer}}}
"""

TOPICS = (
    "oracle.asked",
    "oracle.answered",
    "oracle.elsewhere",
    "oracle.timed",
    "oracle.times",
    "oracle.signed",
    "oracle.signatures",
)


@dataclass(frozen=True)
class Oracle:
    told: Controlled
    embedded: EmbeddedBroker
    listener: Listener

    def ask(self, topic: str, payload: JSON, **headers: str) -> int:
        mark = self.listener.mark()
        publish(self.embedded.broker, [Sent(topic, orjson.dumps(payload), "k", headers)])
        return mark

    def answer(self, topic: str, mark: int) -> Record:
        found = self.listener.wait_for(lambda record: record.topic == topic, WITHIN, mark)
        assert found is not None
        return found[0]


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    contract = load(write(tmp_path_factory.mktemp("oracle"), asyncapi=ORACLE))
    with (
        EmbeddedBroker(dict.fromkeys(TOPICS, 1)) as embedded,
        controlled(build_mock(contract, embedded.broker)) as told,
        Listener(embedded.broker, TOPICS) as listener,
    ):
        yield Oracle(told, embedded, listener)


def test_the_reply_goes_where_the_request_says(oracle: Oracle) -> None:
    asked = {"text": "how", "questionId": "q-7"}
    headers = {"replyTo": "oracle.elsewhere", "correlationId": "c-1", "ce_id": "e-1"}
    answer = oracle.answer("oracle.elsewhere", oracle.ask("oracle.asked", asked, **headers))
    assert answer.json() == {"says": "perhaps", "about": "c-1", "questionId": "q-7"}
    assert (answer.key, answer.header("ce_causationid")) == ("k", "e-1")


def test_the_example_of_the_same_name_answers(oracle: Oracle) -> None:
    mark = oracle.ask("oracle.asked", {"text": "will it rain"}, replyTo="oracle.answered")
    assert oracle.answer("oracle.answered", mark).json() == {"says": "it will"}


def test_without_an_address_the_channel_has_it(oracle: Oracle) -> None:
    answer = oracle.answer("oracle.times", oracle.ask("oracle.timed", {"ref": 5}))
    assert isinstance(answer.json(), dict)
    assert answer.header("content-type") == "application/json"


def test_a_reply_says_who_replies_and_not_who_did_in_the_example(oracle: Oracle) -> None:
    """What no mock can know for its own, as the example has it."""
    mark = oracle.ask("oracle.signed", {}, ce_id="e-7", ce_correlationid="c-7")
    answer = oracle.answer("oracle.signatures", mark)
    assert answer.header("ce_source") == "/library"
    assert answer.header("ce_id") not in (None, "e-0", "e-7")
    assert (answer.header("ce_time") or "") > "2020"
    assert (answer.header("ce_type"), answer.header("office")) == ("delphi.Signed", "east")
    assert (answer.header("ce_correlationid"), answer.header("ce_causationid")) == ("c-7", "e-7")


@pytest.mark.parametrize("where", [{}, {"replyTo": "no topic/at all"}], ids=["none", "nonsense"])
def test_a_request_that_does_not_say_where_to_is_noted(oracle: Oracle, where: dict[str, str]) -> None:
    oracle.told.control.delete("/journal")
    oracle.ask("oracle.asked", {"text": "how"}, **where)
    deadline = time.monotonic() + WITHIN
    while not (failed := oracle.told.journal(kind="failed")):
        assert time.monotonic() < deadline
    assert "nobody can tell where the reply goes" in failed[0]["detail"]
    (received,) = oracle.told.journal(kind="received")
    assert received["operation"] == "ask"


def test_a_request_and_its_reply_are_journalled(oracle: Oracle) -> None:
    oracle.told.control.delete("/journal")
    mark = oracle.ask("oracle.asked", {"text": "how"}, replyTo="oracle.answered", ce_correlationid="c-9")
    oracle.answer("oracle.answered", mark)
    told = {(each["kind"], each["correlation"]) for each in oracle.told.journal(operation="ask")}
    assert ("published", "c-9") in told
