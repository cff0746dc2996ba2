"""The shipped contracts, mocked: every operation answers its own examples as documented.

Each call is made in a session of its own, so that all find what the contracts' examples show.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from harness.contract import load_system
from harness.contract.expressions import Context
from harness.contract.model import Contract, Emission, Operation, Parameter
from harness.contract.schema import compile_schema
from harness.driving.actors import claims_for
from harness.driving.watching import applies
from harness.kafka.embedded import EmbeddedBroker
from harness.kafka.listening import Listener
from harness.kafka.wire import Record
from harness.serving.keys import KeyStore
from mocks.documented import request_examples
from mocks.mock import build_mock
from tests.conftest import ROOT
from tests.unit.mocks.running import running

SYSTEM = load_system(ROOT / "contracts")


@dataclass(frozen=True)
class Case:
    contract: Contract
    operation: Operation

    def __str__(self) -> str:
        return f"{self.contract.service}-{self.operation.id}"


CASES = [
    Case(contract, operation)
    for contract in SYSTEM.contracts.values()
    for operation in contract.operations.values()
]
WITHIN = 10.0


@dataclass(frozen=True)
class Shipped:
    urls: Mapping[str, str]
    keys: KeyStore
    listener: Listener
    client: httpx.Client

    def told(self, topic: str, correlation: str, mark: int, *targets: str) -> Record:
        """The first record of this correlation on a topic that tells of one of these states, or of any."""

        def caused(record: Record) -> bool:
            traced = record.topic == topic and record.header("ce_correlationid") == correlation
            return traced and (not targets or record.json()["to"] in targets)

        found = self.listener.wait_for(caused, WITHIN, mark)
        assert found is not None, f"nothing on {topic}"
        return found[0]


@pytest.fixture(scope="module")
def shipped(keys: KeyStore, embedded: EmbeddedBroker) -> Iterator[Shipped]:
    mocks = [build_mock(contract, embedded.broker, keys) for contract in SYSTEM.contracts.values()]
    with (
        running(mocks) as urls,
        Listener(embedded.broker, SYSTEM.topics) as listener,
        httpx.Client() as client,
    ):
        yield Shipped(urls, keys, listener, client)


def example_of(parameter: Parameter, name: str) -> Any:
    """What the contract sends for a parameter in the example of this name; None to leave it out."""
    named = {example.name: example.value for example in parameter.examples}
    if name in named or not parameter.required:
        return named.get(name)
    return next(iter(named.values()))


def call(shipped: Shipped, case: Case, name: str, correlation: str) -> httpx.Response:
    """Call an operation as its examples of one name do, as somebody whom it admits."""
    operation = case.operation
    values: dict[str, dict[str, Any]] = {location: {} for location in ("path", "query", "header")}
    for parameter in operation.parameters:
        value = example_of(parameter, name)
        if value is not None and parameter.name != "traceparent":
            values[parameter.location][parameter.name] = value
    path = operation.path
    for each, value in values["path"].items():
        path = path.replace("{" + each + "}", quote(str(value), safe=""))
    bodies = (pair.body for pair in request_examples(operation) if pair.name == name and pair.has_body)
    body = next(bodies, None)
    shown = shown_by(operation, name)
    subject = (body or {}).get("patientId") or values["path"].get("patientId") or shown.get("patientId")
    if operation.parameter("header", "If-Match") is not None:
        values["header"]["If-Match"] = '"1"'
    token = shipped.keys.mint(claims_for(operation, subject or "pat-4k7m2q9x1a"))
    sent = {each: str(value) for each, value in values["header"].items()}
    sent |= {
        "Authorization": f"Bearer {token}",
        "X-Correlation-Id": correlation,
        "X-Portal-Session": f"{correlation}-{name or 'unnamed'}",
    }
    url = shipped.urls[case.contract.service] + path
    return shipped.client.request(operation.method, url, params=values["query"], headers=sent, json=body)


def shown_by(operation: Operation, name: str) -> dict[str, Any]:
    """What the operation's example of this name answers, else its first; empty if it is no object."""
    shown = [e for r in operation.successes for m in r.content.values() for e in m.examples]
    named = [each.value for each in shown if each.name == name] or [each.value for each in shown]
    return named[0] if named and isinstance(named[0], dict) else {}


def names_of(operation: Operation) -> list[str]:
    """The names of the pairs of an operation: those that a success has an example of."""
    shown = {e.name for r in operation.successes for m in r.content.values() for e in m.examples}
    paired = [pair.name for pair in request_examples(operation) if pair.name in shown]
    return paired or [""]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_answers_its_documented_example(shipped: Shipped, case: Case) -> None:
    for name in names_of(case.operation):
        answer = call(shipped, case, name, f"example-{case.operation.id}")
        response = case.operation.response_for(answer.status_code)
        assert answer.is_success, answer.text
        assert response is not None
        required = [name for name, header in response.headers.items() if header.required]
        assert [name for name in required if name not in answer.headers] == []
        if not response.content:
            assert answer.content == b""
            continue
        media = response.content[answer.headers["content-type"]]
        assert media.schema is not None
        assert compile_schema(media.schema, "response").violations(answer.json()) == ()
        shown = {example.name: example.value for example in media.examples}
        assert answer.json() == shown.get(name, next(iter(shown.values())))


@pytest.mark.parametrize("case", [case for case in CASES if case.operation.emits], ids=str)
def test_it_publishes_what_the_contract_says(shipped: Shipped, case: Case) -> None:
    mark, correlation = shipped.listener.mark(), f"events-{case.operation.id}"
    answer = call(shipped, case, names_of(case.operation)[0], correlation)
    assert answer.is_success, answer.text
    asked = json.loads(answer.request.content) if answer.request.content else None
    context = Context(request_body=asked, response_body=answer.json() if answer.content else None)
    for emission in case.operation.emits:
        if not applies(emission, context, answer.status_code):
            continue
        topic = case.contract.sends[emission.operation].channel.address
        targets = {edge.to for edge in emission.transitions}
        record = shipped.told(topic, correlation, mark, *targets)
        judge(case.contract, emission, record)


def test_mocks_alone_keep_the_flow_going(shipped: Shipped) -> None:
    """A booking is checked by coverage's mock, booked by scheduling's, and told by notifications'."""
    (booking,) = (case for case in CASES if case.operation.id == "bookAppointment")
    mark = shipped.listener.mark()
    body = call(shipped, booking, "everything", "the-whole-flow").json()
    expected = (
        ("portal.scheduling.appointment.v1", "pending"),
        ("portal.coverage.eligibility.v1", "queued"),
        ("portal.coverage.eligibility.v1", "complete"),
        ("portal.scheduling.appointment.v1", "booked"),
    )
    for topic, state in expected:
        told = shipped.told(topic, "the-whole-flow", mark, state).json()
        assert body["id"] == told["id" if "appointment" in topic else "appointmentId"]
        assert told["patientId"] == body["patientId"]
    shipped.told("portal.notifications.delivery.v1", "the-whole-flow", mark)


def judge(contract: Contract, emission: Emission, record: Record) -> None:
    """The record keeps the send operation's message: payload, headers and key."""
    message = contract.sends[emission.operation].messages[0]
    assert message.payload is not None
    assert message.headers is not None
    assert message.key is not None
    assert compile_schema(message.payload).violations(record.json()) == ()
    headers = {name: value.decode() for name, value in record.headers}
    assert compile_schema(message.headers).violations(headers) == ()
    assert compile_schema(message.key).violations(record.key) == ()
    assert record.key == record.json()["id"] == headers["ce_subject"]
    if emission.transitions:
        assert record.json()["to"] in {edge.to for edge in emission.transitions}


def test_a_merged_patient_is_gone_and_leads_to_the_other(shipped: Shipped) -> None:
    gone, operation = "pat-1n6v9m3t7k", SYSTEM.contracts["patient-profile"].operations["getPatient"]
    url = shipped.urls["patient-profile"] + operation.path.replace("{patientId}", gone)
    token = shipped.keys.mint(claims_for(operation, gone))
    answer = shipped.client.get(url, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["replacedBy"]) == (410, "pat-7z4f2c8y6l")
    documented = operation.responses["410"].content["application/problem+json"].schema
    assert documented is not None
    assert compile_schema(documented).is_valid(answer.json())
