"""A mock tells who asked for what of whose (``x-records``), as its contract alone has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson
import pytest

from harness.checks.audit import CHECK
from harness.contract import load, load_system
from harness.contract.model import JSON, Contract, System
from harness.findings import CouldNotTell, Finding, Passed
from harness.kafka.embedded import EmbeddedBroker
from harness.kafka.listening import Listener
from harness.kafka.wire import Record
from harness.serving.keys import KeyStore
from harness.target import Capability, Limits, Target
from mocks.conduct import USUAL, Conduct
from mocks.fault_rules import rule_of
from mocks.mock import build_mock
from tests.conftest import ROOT
from tests.unit.mocks.controlled import Controlled, controlled
from tests.unit.mocks.running import FORGETFUL, write

TOPIC = "portal.export-audit.access.v1"
WITHIN = 10.0
SCOPES = " ".join(
    f"{who}/{what}.{deed}"
    for who in ("patient", "user")
    for what in ("Appointment", "Slot")
    for deed in ("read", "write")
)
STAFF: Mapping[str, JSON] = {"actor": "staff", "sub": "staff-1"}
AMARA, BEN, CHLOE = "pat-4k7m2q9x1a", "pat-8d3w6n5z0b", "pat-2h9t4v7c6e"


def _patient(who: str) -> dict[str, JSON]:
    return {"actor": "patient", "sub": who, "patient": who}


@pytest.fixture(scope="module")
def shipped() -> System:
    return load_system(ROOT / "contracts")


@dataclass(frozen=True)
class Told:
    """A mock of scheduling on a broker, and somebody who reads what it tells of accesses."""

    mock: Controlled
    listener: Listener
    keys: KeyStore

    def call(
        self, method: str, path: str, claims: Mapping[str, JSON], body: JSON = None, **headers: str
    ) -> httpx.Response:
        token = self.keys.mint({"scope": SCOPES, **claims})
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        said = {"Authorization": f"Bearer {token}", **named}
        content = None if body is None else orjson.dumps(body)
        if content is not None:
            said["Content-Type"] = "application/json"
        return self.mock.client.request(method, f"/v1{path}", headers=said, content=content)

    def told(self, mark: int) -> list[Record]:
        """What was told since a mark, until a last access that every other was told before."""
        last = self.call("GET", f"/patients/{CHLOE}/appointments", STAFF)
        assert last.status_code == 200, last.text
        named = last.headers["X-Correlation-Id"]
        found = self.listener.wait_for(
            lambda record: record.header("ce_correlationid") == named, WITHIN, mark
        )
        assert found is not None, "no access was told"
        self.listener.settle(0.2)  # of several partitions no one knows of the others
        return [each for each in self.listener.since(mark) if each.header("ce_correlationid") != named]

    def operations(self, mark: int) -> list[JSON]:
        return [each.json()["operation"] for each in self.told(mark)]

    def appointment(self) -> str:
        """The path of one of Amara's."""
        found = self.call("GET", f"/patients/{AMARA}/appointments", _patient(AMARA)).json()["items"]
        self.told(0)
        return f"/appointments/{found[0]['id']}"


@contextmanager
def _telling(
    contract: Contract, keys: KeyStore, embedded: EmbeddedBroker, conduct: Conduct = USUAL
) -> Iterator[Told]:
    with (
        controlled(build_mock(contract, embedded.broker, keys, conduct=conduct)) as mock,
        Listener(embedded.broker, [TOPIC]) as listener,
    ):
        yield Told(mock, listener, keys)


@pytest.fixture(scope="module")
def running(shipped: System, keys: KeyStore, embedded: EmbeddedBroker) -> Iterator[Told]:
    with _telling(shipped.contracts["scheduling"], keys, embedded) as told:
        yield told


@pytest.fixture
def live(running: Told) -> Iterator[Told]:
    yield running
    running.mock.tell("/reset", {}, 204)


def _said(record: Record, *names: str) -> tuple[JSON, ...]:
    return tuple(record.json()[name] for name in names)


def test_each_of_many_that_are_alike_is_told_once(live: Told) -> None:
    path, mark = live.appointment(), live.listener.mark()
    statuses = []
    for who in (AMARA, BEN):
        token = live.keys.mint({"scope": SCOPES, **_patient(who)})
        asked = {"Authorization": f"Bearer {token}"}
        statuses += [live.mock.client.get(f"/v1{path}", headers=asked).status_code for _ in range(5)]
    assert statuses == [200] * 5 + [404] * 5
    outcomes = [each.json()["outcome"] for each in live.told(mark)]
    assert sorted(outcomes) == ["denied"] * 5 + ["granted"] * 5


def test_a_read_is_told_as_granted(live: Told) -> None:
    path, mark = live.appointment(), live.listener.mark()
    answer = live.call("GET", path, _patient(AMARA))
    assert answer.status_code == 200, answer.text
    (told,) = live.told(mark)
    assert _said(
        told, "operation", "outcome", "patientId", "action", "actor", "agentId", "purpose", "service"
    ) == ("getAppointment", "granted", AMARA, "R", "patient", AMARA, "PATRQT", "scheduling")
    assert told.key == told.json()["id"] == told.header("ce_subject")
    assert told.header("ce_causationid") == answer.headers["X-Correlation-Id"]
    assert told.header("ce_source") == "/portal/scheduling"


def test_refusals_are_told_as_denied_by_thing_request_and_actor(live: Told) -> None:
    path, mark = live.appointment(), live.listener.mark()
    assert live.call("GET", path, _patient(BEN)).status_code == 404
    assert live.call("GET", f"/patients/{AMARA}/appointments", _patient(BEN)).status_code == 403
    nobody: dict[str, JSON] = {"actor": "service", "sub": "billing"}
    assert live.call("GET", f"/patients/{AMARA}/appointments", nobody).status_code == 403
    told = live.told(mark)
    assert {_said(each, "operation", "outcome", "patientId", "agentId") for each in told} == {
        ("getAppointment", "denied", AMARA, BEN),
        ("listAppointments", "denied", AMARA, BEN),
        ("listAppointments", "denied", AMARA, "billing"),
    }
    assert len(told) == 3


@pytest.mark.parametrize(
    ("path", "claims", "status"),
    [
        ("/slots", _patient(AMARA), 200),
        ("/appointments/apt-doesnotexist", _patient(AMARA), 404),
        (f"/patients/{AMARA}/appointments?limit=0", _patient(AMARA), 400),
        ("/patients/somebody/appointments", _patient(AMARA), 403),
        (f"/patients/{AMARA}/appointments", {"exp": 1}, 401),
    ],
    ids=["nobody's data", "not there", "invalid", "no patient's id", "no token"],
)
def test_what_is_no_access_is_not_told(
    live: Told, path: str, claims: Mapping[str, JSON], status: int
) -> None:
    mark = live.listener.mark()
    assert live.call("GET", path, claims).status_code == status
    assert live.told(mark) == []


def test_head_a_repeated_key_and_a_documented_answer_are_accesses(live: Told) -> None:
    slot = live.call("GET", "/slots?status=free", _patient(AMARA)).json()["items"][0]["id"]
    path, mark = live.appointment(), live.listener.mark()
    assert live.call("HEAD", path, _patient(AMARA)).status_code == 200
    assert live.call("POST", f"/slots/{slot}/hold", _patient(AMARA), {"patientId": AMARA}).status_code == 200
    body: JSON = {"patientId": AMARA, "slotId": slot}
    for _ in range(2):
        made = live.call("POST", "/appointments", _patient(AMARA), body, Idempotency_Key="one-key-01")
        assert made.status_code == 201, made.text
    assert live.call("GET", path, _patient(AMARA), Prefer="code=200").status_code == 200
    told = live.told(mark)
    assert sorted((str(each.json()["operation"]), str(each.json()["action"])) for each in told) == [
        ("bookAppointment", "C"),
        ("bookAppointment", "C"),
        ("getAppointment", "R"),
        ("getAppointment", "R"),
        ("holdSlot", "E"),
    ]


def test_an_access_belongs_to_the_session_of_its_request(live: Told) -> None:
    path, mark = live.appointment(), live.listener.mark()
    live.call("GET", path, _patient(AMARA), X_Portal_Session="mine")
    live.call("GET", path, _patient(BEN), X_Portal_Session="mine")
    assert [each.header("x-portal-session") for each in live.told(mark)] == ["mine", "mine"]


@pytest.mark.parametrize("who", [AMARA, BEN], ids=["granted", "denied"])
def test_a_request_may_ask_that_its_access_be_lost(live: Told, who: str) -> None:
    path, mark = live.appointment(), live.listener.mark()
    live.call("GET", path, _patient(who), X_Portal_Fault="event=lost")
    assert live.told(mark) == []
    (noted,) = [each for each in live.mock.journal(kind="published") if each["fault"] == "event=lost"]
    assert noted["operation"] == "accessHappened"


def test_a_mock_that_remembers_nothing_tells_too(
    shipped: System, keys: KeyStore, embedded: EmbeddedBroker
) -> None:
    with _telling(shipped.contracts["scheduling"], keys, embedded, FORGETFUL) as forgetful:
        path, mark = forgetful.appointment(), forgetful.listener.mark()
        shown = forgetful.call("GET", path, STAFF).json()["patientId"]
        forgetful.call("GET", f"/patients/{AMARA}/appointments", _patient(BEN))
        told = forgetful.told(mark)
        assert {_said(each, "outcome", "patientId") for each in told} == {
            ("granted", shown),
            ("denied", AMARA),
        }
        assert len(told) == 2


def test_the_check_finds_accesses_that_a_mock_loses(
    shipped: System, keys: KeyStore, embedded: EmbeddedBroker
) -> None:
    lost = rule_of({"fault": "event=lost", "operation": "accessHappened", "every": 2}, "test", "lost")
    with _telling(shipped.contracts["scheduling"], keys, embedded, Conduct(faults=(lost,))) as faulty:
        url, control = str(faulty.mock.client.base_url), str(faulty.mock.control.base_url)
        able: tuple[Capability, ...] = ("kafka", "control", "state", "access", "idempotency", "accesses")
        target = Target(
            "scheduling", url.rstrip("/"), "mock", frozenset(able), embedded.broker, control.rstrip("/"),
            keys.mint,
        )  # fmt: skip
        results = list(CHECK.run(shipped, target, Limits(settle=0.3)))
    titles = {each.title for each in results if isinstance(each, Finding)}
    assert titles <= {"An access that was granted is not told", "An access that was denied is not told"}
    assert len(titles) == 2
    assert any(isinstance(each, Passed) for each in results), "every other one is told"
    assert not [each for each in results if isinstance(each, CouldNotTell)]


DIARY = """
openapi: 3.1.0
info: {title: Diary, version: 1.0.0}
servers: [{url: /v1}]
security: [{portal: [patient/Entry.write]}]
paths:
  /entries/{entryId}:
    parameters: [{name: entryId, in: path, required: true, schema: {type: string}}]
    get:
      operationId: readEntry
      x-subject: $response.body#/patientId
      x-access: {patient: own, staff: any}
      responses:
        '200': {description: It., content: {application/json: {schema: {$ref: '#/components/schemas/Entry'}}}}
        '404': {description: None.}
    delete:
      operationId: tearOut
      x-subject: $response.body#/patientId
      x-access: {patient: own, staff: any}
      responses:
        '204': {description: Gone.}
        '404': {description: None.}
components:
  securitySchemes:
    portal:
      type: oauth2
      flows: {clientCredentials: {tokenUrl: 'https://portal.test/t', scopes: {patient/Entry.write: w}}}
  schemas:
    Entry:
      type: object
      required: [id, patientId]
      properties: {id: {type: string}, patientId: {type: string}}
      examples: [{id: ent-1, patientId: pat-1}]
"""
DIARY_EVENTS = """
asyncapi: 3.0.0
info: {title: Diary, version: 1.0.0}
channels:
  access:
    address: portal.export-audit.access.v1
    messages:
      accessHappened:
        headers: {type: object, properties: {ce_type: {const: diary.Access.v1}}}
        payload:
          type: object
          required: [id, patientId, outcome]
          properties: {id: {type: string}, patientId: {type: string}, outcome: {type: string}}
operations:
  accessHappened: {action: send, channel: {$ref: '#/channels/access'}, x-records: accesses}
"""


def test_what_is_deleted_was_somebodys(tmp_path: Path, keys: KeyStore, embedded: EmbeddedBroker) -> None:
    """The answer has no body that could say whose."""
    contract = load(write(tmp_path, DIARY, DIARY_EVENTS))
    with _telling(contract, keys, embedded) as diary:
        mark = diary.listener.mark()
        claims = {**_patient("pat-1"), "scope": "patient/Entry.write"}
        assert diary.call("DELETE", "/entries/ent-1", claims).status_code == 204
        told = diary.listener.wait_for(lambda record: record.topic == TOPIC, WITHIN, mark) or []
        assert [_said(each, "patientId", "outcome") for each in told] == [("pat-1", "granted")]
