"""A mock's control API: its own contract, held to it by Schemathesis and openapi-core, and what it does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from schemathesis import openapi
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, from_schema
from schemathesis.engine.events import ScenarioFinished

from harness.contract import load, load_system
from harness.contract.model import JSON, Contract
from harness.errors import UsageError
from harness.kafka.embedded import EmbeddedBroker
from harness.lint import lint
from harness.serving.control import Action, Held
from harness.serving.keys import KeyStore
from harness.serving.routing import Match, Routes
from mocks.conduct import Conduct
from mocks.control.app import CONTRACT
from mocks.fault_rules import rule_of
from mocks.mock import build_mock
from tests.e2e.openapi_judge import Judge
from tests.unit.mocks.controlled import Controlled, controlled
from tests.unit.mocks.running import FORGETFUL
from tests.unit.serving.live import pointers

BOOK = "/v1/books/book-1"


class Keeping:
    """State that writes down what it is asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def change_state(self, schema: str, action: Action, parameters: Mapping[str, JSON]) -> Held:
        return Held(schema, dict(parameters), 1)

    def reset(self, *, seed: bool = True, session: str | None = None) -> None:
        self.asked.append(("reset", seed, session))

    def now(self) -> datetime:
        return datetime(2031, 3, 3, 9, tzinfo=UTC)

    def set_now(self, now: datetime) -> None:
        self.asked.append(now)

    def advance(self, seconds: float) -> None:
        self.asked.append(seconds)

    def healthy(self) -> bool:
        return True

    def snapshot(self, session: str = "") -> JSON:
        return {"books": ["book-1"], "of": session}

    def restore(self, snapshot: JSON, session: str = "") -> None:
        if "books" not in snapshot:
            raise UsageError("snapshot", "this is none of this mock")
        self.asked.append(("restore", snapshot, session))


@pytest.fixture(scope="module")
def serving(library: Contract, keys: KeyStore, embedded: EmbeddedBroker) -> Iterator[Controlled]:
    with controlled(build_mock(library, embedded.broker, keys)) as told:
        yield told


@pytest.fixture
def live(serving: Controlled) -> Iterator[Controlled]:
    yield serving
    serving.tell("/reset", {}, 204)


def test_the_contract_is_clean() -> None:
    system = load_system(CONTRACT)
    assert [each.title for each in lint(system) if each.severity == "error"] == []


def test_the_contract_is_served(live: Controlled) -> None:
    answer = live.control.get("/openapi.yaml")
    assert answer.content == CONTRACT.read_bytes()


def test_schemathesis_finds_nothing_wrong(library: Contract, keys: KeyStore) -> None:
    """Examples and a little fuzzing: the other phases take longer than a test should."""
    with controlled(build_mock(library, keys=keys)) as told:
        settings = {
            "base-url": str(told.control.base_url).rstrip("/"),
            "seed": 1,
            "continue-on-failure": True,
            "suppress-health-check": ["all"],
            "generation": {"max-examples": 1, "database": "none"},
            "cache": {"enabled": False},
            "phases": {"coverage": {"enabled": False}, "stateful": {"enabled": False}},
            "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "422"]}},
        }
        schema = openapi.from_path(CONTRACT, config=SchemathesisConfig.from_dict(settings))
        events = [each for each in from_schema(schema).execute() if isinstance(each, ScenarioFinished)]
        checks = [check for event in events for found in event.recorder.checks.values() for check in found]
        assert [check.failure_info for check in checks if check.status is not Status.SUCCESS] == []
        assert len(events) >= len(schema.raw_schema["paths"])


def calls() -> Iterator[tuple[str, str, JSON, int]]:
    """One success of every operation, in an order in which each can be one."""
    loan = {"operation": "loanChanged", "example": "opened"}
    yield "POST", "/faults", {"id": "f", "operation": ["getBook"], "fault": "status=503"}, 201
    yield "GET", "/faults", None, 200
    yield "DELETE", "/faults/f", None, 204
    yield "POST", "/scenarios", {"id": "s", "operation": "getBook", "example": "lent", "times": 1}, 201
    yield "POST", "/scenarios", {"operation": "getBook", "status": 200, "body": {"id": "book-1"}}, 201
    yield "GET", "/scenarios", None, 200
    yield "DELETE", "/scenarios/s", None, 204
    yield "DELETE", "/scenarios", None, 204
    yield "POST", "/events", loan, 202
    yield "POST", "/schedules", {**loan, "id": "t", "rate": 1}, 201
    yield "GET", "/schedules", None, 200
    yield "DELETE", "/schedules/t", None, 204
    yield "DELETE", "/schedules", None, 204
    yield "GET", "/journal", None, 200
    yield "GET", "/journal?limit=1&kind=exchange&matched=true&status=2XX", None, 200
    yield "GET", "/journal/1", None, 200
    yield "POST", "/verify", {"operation": "getBook", "atLeast": 1}, 200
    yield "POST", "/verify", {"operation": "getBook", "exactly": 7}, 200
    yield "GET", "/snapshot", None, 200
    yield "PUT", "/snapshot", {"books": []}, 204
    yield "DELETE", "/journal", None, 204
    yield "DELETE", "/faults", None, 204
    yield "GET", "/health", None, 200
    yield "POST", "/reset", {"seed": False}, 204


def recorded(answer: httpx.Response, body: JSON) -> Mapping[str, Any]:
    """An exchange as the judge reads it."""
    url = answer.request.url
    return {
        "method": answer.request.method,
        "url": str(url),
        "path": url.path,
        "query": url.query.decode(),
        "headers": dict(answer.request.headers),
        "body": "" if body is None else json.dumps(body),
        "status": answer.status_code,
        "response_headers": dict(answer.headers),
        "response_body": answer.text,
    }


def test_another_judge_agrees_with_a_success_of_every_operation(
    library: Contract, keys: KeyStore, embedded: EmbeddedBroker
) -> None:
    judge, done, contract = Judge(CONTRACT), set[str](), load(CONTRACT)
    routes = Routes(contract.operations.values())
    with controlled(build_mock(library, embedded.broker, keys)) as told:
        told.mock.controls.kept = Keeping()
        told.client.get(BOOK)
        for method, path, body, status in calls():
            answer = told.control.request(method, path, json=body)
            assert answer.status_code == status, f"{method} {path}: {answer.text}"
            assert judge.disagreements([recorded(answer, body)]) == []
            route = routes.find(method, answer.request.url.path)
            assert isinstance(route, Match)
            done.add(route.operation)
    assert done == set(contract.operations)


def test_a_fault_is_switched_on_and_off(live: Controlled) -> None:
    held = live.tell("/faults", {"operation": ["getBook"], "fault": "status=503;retry-after=2", "first": 1})
    assert held == {
        "id": "fault-1",
        "operation": ["getBook"],
        "fault": "status=503; retry-after=2",
        "first": 1,
        "matched": 0,
        "struck": 0,
    }
    told = [live.client.get(BOOK) for _ in range(3)]
    assert [each.status_code for each in told] == [503, 200, 200]
    assert told[0].headers["retry-after"] == "2"
    (held,) = live.control.get("/faults").json()["faults"]
    assert (held["matched"], held["struck"]) == (3, 1)
    assert live.control.delete("/faults/fault-1").status_code == 204
    assert live.control.delete("/faults/fault-1").status_code == 404
    assert live.control.get("/faults").json() == {"faults": []}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"fault": "statsu=503"}, "Did you mean 'status'?"),
        ({"fault": "status=600"}, "200 to 599"),
        ({"fault": "latency=61s"}, "60000"),
        ({"fault": "reset; empty"}, "end twice"),
        ({"fault": "event=lost; status=500"}, "'event' stands beside"),
        ({"fault": "status=503", "operation": ["getBok"]}, "Did you mean 'getBook'?"),
        ({"fault": "event=lost", "operation": ["getBook"]}, "not a send operation"),
        ({"fault": "status=503", "operation": ["loanChanged"]}, "event=…"),
        ({"fault": "status=503", "match": {"key": "k"}}, "no 'key'"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(live: Controlled, rule: JSON, said: str) -> None:
    answer = live.control.post("/faults", json=rule)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert live.control.get("/faults").json() == {"faults": []}


def test_the_number_of_rules_is_bounded(live: Controlled) -> None:
    for number in range(100):
        live.tell("/faults", {"id": f"r{number}", "fault": "latency=1", "match": {"header": {"x": "never"}}})
    assert live.control.post("/faults", json={"fault": "latency=1"}).status_code == 422
    live.tell("/faults", {"id": "r1", "fault": "latency=2"})


def test_a_scenario_is_answered(live: Controlled) -> None:
    live.tell("/scenarios", {"operation": "getBook", "status": 404, "times": 1})
    live.tell(
        "/scenarios", {"operation": "getBook", "match": {"path": {"bookId": "book-2"}}, "example": "novel"}
    )
    live.tell(
        "/scenarios",
        {
            "operation": "getBook",
            "match": {"path": {"bookId": "book-3"}},
            "status": 202,
            "body": {"any": "thing"},
            "headers": {"X-Any": "1"},
        },
    )
    assert [live.client.get(BOOK).status_code for _ in range(2)] == [404, 200]
    assert live.client.get("/v1/books/book-2").json()["title"] == "Emma"
    answer = live.client.get("/v1/books/book-3")
    assert (answer.status_code, answer.json(), answer.headers["x-any"]) == (202, {"any": "thing"}, "1")
    used = {each["id"]: each["used"] for each in live.control.get("/scenarios").json()["scenarios"]}
    assert used == {"scenario-1": 1, "scenario-2": 1, "scenario-3": 1}


def test_several_of_one_time_are_answered_in_turn(live: Controlled) -> None:
    for status in (404, 429):
        live.tell("/scenarios", {"operation": "getBook", "status": status, "times": 1})
    assert [live.client.get(BOOK).status_code for _ in range(3)] == [404, 429, 200]


def test_a_scenario_is_for_its_session(live: Controlled) -> None:
    live.tell("/scenarios", {"operation": "getBook", "status": 404, "session": "mine"})
    told = [live.client.get(BOOK, headers={"X-Portal-Session": each}) for each in ("mine", "yours")]
    assert [each.status_code for each in told] == [404, 200]


def test_a_scenario_does_not_overrule_the_caller(live: Controlled) -> None:
    live.tell("/scenarios", {"operation": "getBook", "status": 404})
    assert live.client.get(BOOK, headers={"Prefer": "code=429"}).status_code == 429


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        ({"operation": "getBok", "status": 404}, "Did you mean 'getBook'?"),
        ({"operation": "getBook"}, "nothing is said"),
        ({"operation": "getBook", "status": 418}, "418 is not documented"),
        ({"operation": "getBook", "example": "novl"}, "Did you mean 'novel'?"),
        ({"operation": "getBook", "example": "novel", "body": {}}, "both a body and an example"),
        ({"operation": "getBook", "status": 200, "headers": {"A": "b"}}, "without a body"),
    ],
)
def test_a_scenario_that_cannot_be_is_refused(live: Controlled, scenario: JSON, said: str) -> None:
    answer = live.control.post("/scenarios", json=scenario)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


def test_reset_brings_back_what_was_configured(library: Contract, keys: KeyStore) -> None:
    rule = rule_of({"fault": "status=503", "first": 1}, "here", "configured")
    with controlled(build_mock(library, keys=keys, conduct=Conduct((rule,)))) as told:
        told.mock.controls.kept = kept = Keeping()
        assert [told.client.get(BOOK).status_code for _ in range(2)] == [503, 200]
        told.tell("/faults", {"fault": "status=500"})
        told.tell("/scenarios", {"operation": "getBook", "status": 404})
        told.tell("/reset", {"seed": False}, 204)
        assert told.journal() == []
        assert [told.client.get(BOOK).status_code for _ in range(2)] == [503, 200]
        told.tell("/reset", {"session": "mine"}, 204)
        assert kept.asked == [("reset", False, None), ("reset", True, "mine")]
        assert len(told.journal()) == 2


def test_a_snapshot_is_taken_and_restored(library: Contract, keys: KeyStore) -> None:
    with controlled(build_mock(library, keys=keys, conduct=FORGETFUL)) as told:
        assert told.control.get("/snapshot").status_code == 409
        assert told.control.get("/clock").status_code == 404
    with controlled(build_mock(library, keys=keys)) as told:
        told.mock.controls.kept = kept = Keeping()
        assert told.control.get("/snapshot").json() == {"books": ["book-1"], "of": ""}
        assert told.control.get("/snapshot", params={"session": "mine"}).json()["of"] == "mine"
        assert told.control.put("/snapshot", json={"books": []}).status_code == 204
        assert told.control.put("/snapshot", json={"cars": []}).status_code == 422
        assert kept.asked == [("restore", {"books": []}, "")]


def test_what_a_mock_keeps_is_controlled_as_that_of_a_service(library: Contract, keys: KeyStore) -> None:
    with controlled(build_mock(library, keys=keys)) as told:
        told.mock.controls.kept = Keeping()
        state = {"state": "Book exists", "action": "setup", "parameters": {"id": "book-7"}}
        assert told.tell("/states", state, 200)["document"] == {"id": "book-7"}
        assert told.control.get("/clock").json() == {"now": "2031-03-03T09:00:00.000000Z"}
        assert told.control.get("/faults").status_code == 200


def test_without_kafka_nothing_is_published(library: Contract, keys: KeyStore) -> None:
    with controlled(build_mock(library, keys=keys)) as told:
        assert told.control.post("/events", json={"operation": "loanChanged"}).status_code == 409
        assert (
            told.control.post("/schedules", json={"operation": "loanChanged", "rate": 1}).status_code == 409
        )


def test_the_control_api_validates_its_own_requests(live: Controlled) -> None:
    answer = live.control.post("/faults", json={"fault": "reset", "probability": 2, "often": True})
    assert answer.status_code == 400
    assert pointers(answer) == ["", "/probability"]
    assert live.control.get("/journal", params={"limit": 0, "status": "9"}).status_code == 400


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example"])
def test_a_page_under_another_name_cannot_read_it(live: Controlled, host: str) -> None:
    """DNS rebinding: a browser sends the name of the page that it is on."""
    answer = live.control.get("/journal", headers={"Host": host})
    assert answer.status_code == 421


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:80", "LOCALHOST"])
def test_its_own_names_are_taken(live: Controlled, host: str) -> None:
    assert live.control.get("/health", headers={"Host": host}).status_code == 200
