"""Events as CloudEvents in Kafka's binary mode, with the type and source that the contract fixes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import orjson
import pytest

from harness.contract import load
from harness.contract.model import JSON, Contract
from harness.contract.schema import compile_schema
from harness.errors import ContractError
from harness.serving.emitting import Cause, make_event, sequence_of

NOW = datetime(2031, 3, 3, 10, 0, 0, 5000, tzinfo=timezone(timedelta(hours=1)))
CAUSE = Cause("corr-1", "cause-1", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")


def test_an_event_of_a_shipped_contract_keeps_its_own_headers_schema(contracts: Path) -> None:
    contract = load(contracts / "scheduling")
    send = contract.sends["slotChanged"]
    payload = {"id": "slt-10000002", "version": 2, "reason": "naïve"}
    event = make_event(contract, send, payload, key="slt-10000002", cause=CAUSE, sequence=2, now=NOW)
    headers = {name: value.decode() for name, value in event.headers}
    schema = send.messages[0].headers
    assert schema is not None
    assert not compile_schema(schema).violations(headers)
    assert (event.topic, event.key) == (send.channel.address, "slt-10000002")
    assert orjson.loads(event.value) == payload
    assert headers["ce_id"] == event.id
    assert headers["ce_time"] == "2031-03-03T09:00:00.005Z"
    assert headers["ce_type"] == "portal.scheduling.SlotChanged.v1"
    assert (headers["ce_correlationid"], headers["ce_causationid"]) == ("corr-1", "cause-1")
    assert (headers["ce_sequence"], headers["ce_subject"]) == ("2", "slt-10000002")
    again = make_event(contract, send, payload, key="slt-10000002", cause=CAUSE, sequence=2, now=NOW)
    assert again.id != event.id


ASYNC = """
asyncapi: 3.0.0
info: {title: Events, version: 1.0.0}
channels:
  things:
    address: things.v1
    messages:
      made: {$ref: '#/components/messages/made'}
      gone: {$ref: '#/components/messages/gone'}
operations:
  thingChanged:
    action: send
    channel: {$ref: '#/channels/things'}
    messages: [{$ref: '#/channels/things/messages/made'}, {$ref: '#/channels/things/messages/gone'}]
components:
  messages:
    made:
      contentType: application/vnd.thing+json
      headers: {type: object, properties: {ce_type: {const: thing.made}}}
      payload: {type: object}
    gone:
      headers: {type: object}
      payload: {type: object}
"""


@pytest.fixture
def contract(tmp_path: Path) -> Contract:
    (tmp_path / "things").mkdir()
    (tmp_path / "things" / "asyncapi.yaml").write_text(ASYNC, encoding="utf-8")
    return load(tmp_path / "things")


def test_the_source_defaults_to_the_service(contract: Contract) -> None:
    send = contract.sends["thingChanged"]
    event = make_event(contract, send, {}, key="k", cause=CAUSE, sequence=1, now=datetime.now(UTC))
    headers = dict(event.headers)
    assert headers["ce_source"] == b"/things"
    assert headers["content-type"] == b"application/vnd.thing+json"


@pytest.mark.parametrize(
    ("message", "said"), [("gone", "does not say its ce_type"), ("other", "no message other")]
)
def test_what_the_contract_does_not_say_is_an_error(contract: Contract, message: str, said: str) -> None:
    send = contract.sends["thingChanged"]
    with pytest.raises(ContractError, match=said):
        make_event(contract, send, {}, key="k", cause=CAUSE, sequence=1, now=NOW, message=message)


@pytest.mark.parametrize(
    ("claimed", "payload", "number"),
    [
        ("", {"version": 2}, None),
        (None, {}, None),
        ("2", {"version": 2}, 2),
        ("7", {}, 7),
        ("7", [], 7),
        ("9" * 18, None, int("9" * 18)),
    ],
)
def test_a_sequence_that_can_be_is_believed(claimed: str | None, payload: JSON, number: int | None) -> None:
    headers = {} if claimed is None else {"ce_sequence": claimed}
    assert sequence_of(headers, payload) == number


@pytest.mark.parametrize(
    ("claimed", "payload"), [("3", {"version": 2}), ("-1", {}), ("1e3", {}), ("\u0661", {}), ("9" * 19, {})]
)
def test_a_sequence_that_cannot_be_is_not(claimed: str, payload: JSON) -> None:
    with pytest.raises(ValueError, match="ce_sequence"):
        sequence_of({"ce_sequence": claimed}, payload)
