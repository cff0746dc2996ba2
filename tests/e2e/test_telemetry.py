"""Spans across HTTP and Kafka by OpenTelemetry, and log lines as JSON, as a user asks for them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.contract import load_system
from harness.contract.model import JSON, Contract
from harness.kafka.broker import reach
from harness.kafka.wire import Publisher
from harness.serving.keys import KeyStore
from tests.conftest import ROOT
from tests.e2e.collector import CONSUMER, INTERNAL, PRODUCER, SERVER, Told, collecting
from tests.e2e.portal import PORTAL, Ran, portal
from tests.hostile.canary import Canaries, marked
from tests.services.portal import AMARA, STAFF, eventually, patient

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "50"}
ENDS_WITHIN = 10.0


REASON = "canary: what nobody but the clinic may know"


@cache
def contracts() -> tuple[Contract, ...]:
    return tuple(load_system(ROOT / "contracts").contracts.values())


@cache
def scopes() -> str:
    """All that the contracts offer."""
    ways = [way for each in contracts() for way in each.security_schemes.values()]
    return " ".join(sorted({scope for way in ways for scope in way.scopes}))


@cache
def phi() -> Canaries:
    """What the seeds hold, and what is sent."""
    values = {value for each in contracts() for _, value in marked(each)}
    return Canaries(ROOT / "contracts", frozenset({REASON, *values}))


@dataclass
class Hosted:
    """A hosting command that is ready. ``ended`` holds what it wrote, once it has ended."""

    process: subprocess.Popen[str]
    ready: dict[str, Any]
    tokens: list[str] = field(default_factory=list)
    ended: Ran | None = None

    def call(
        self, service: str, method: str, path: str, claims: Mapping[str, JSON], body: JSON = None, **more: str
    ) -> httpx.Response:
        token = KeyStore().mint({"scope": scopes(), **claims})
        self.tokens.append(token)
        headers = {"Authorization": f"Bearer {token}", **{n.replace("_", "-"): v for n, v in more.items()}}
        url = f"{self.ready['services'][service]}/v1{path}"
        return httpx.request(method, url, json=body, headers=headers, timeout=10)

    def end(self) -> Ran:
        """Ask it to end, as the system does."""
        self.process.terminate()
        out, err = self.process.communicate(timeout=ENDS_WITHIN)
        self.ended = Ran(self.process.returncode, out, err)
        return self.ended


@contextmanager
def hosting(folder: Path, *arguments: str, **environment: str) -> Iterator[Hosted]:
    """A hosting command, its stderr apart from its stdout; killed at the end if it still runs."""
    ready = folder / "ready.json"
    process = subprocess.Popen(
        [*PORTAL, *arguments, "--ready-file", str(ready)],
        env={**os.environ, "NO_COLOR": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 60
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise AssertionError(process.communicate()[1])
            time.sleep(0.02)
        yield Hosted(process, json.loads(ready.read_text()))
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


@dataclass(frozen=True)
class Run:
    """Everything that one run left: scheduling and coverage, an appointment that was booked between them."""

    answer: httpx.Response
    spans: tuple[Told, ...]
    exported: bytes
    hosted: Hosted

    @property
    def lines(self) -> list[str]:
        assert self.hosted.ended is not None
        return self.hosted.ended.err.splitlines()

    def one(self, service: str, kind: int, name: str, parent: str) -> Told:
        """The span of this trace with that parent."""
        found = [each for each in self.spans if each.trace == TRACE and each.parent == parent]
        (match,) = [each for each in found if (each.service, each.kind, each.name) == (service, kind, name)]
        return match


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("telemetry")
    command = ["serve", "scheduling", "coverage", "--log-format", "json"]
    with (
        collecting() as collector,
        hosting(folder, *command, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **SOON) as hosted,
    ):
        answer = booked(hosted)
        publish_what_is_wrong(hosted)

        def is_last(span: Told) -> bool:
            """Scheduling has told that it is booked, after what coverage's timer made of its question."""
            return span.kind == PRODUCER and span.service == "scheduling" and span.parent in taken()

        def taken() -> set[str]:
            return {each.id for each in collector.spans() if each.kind == CONSUMER}

        eventually(lambda: collector.only(is_last))
        eventually(lambda: collector.only(lambda each: each.attributes.get("error.type") == "malformed"))
        hosted.end()
        exported = b"".join(collector.bodies)
        yield Run(answer, tuple(collector.spans()), exported, hosted)


def booked(hosted: Hosted) -> httpx.Response:
    """Book an appointment, with a reason that is nobody's business."""
    state = {"state": "Slot exists", "action": "setup", "parameters": {"status": "free"}}
    made = httpx.post(f"{hosted.ready['control']['scheduling']}/states", json=state)
    slot = made.json()["document"]["id"]
    body: dict[str, JSON] = {"patientId": AMARA}
    held = hosted.call("scheduling", "POST", f"/slots/{slot}/hold", patient(AMARA), body)
    assert held.status_code == 200, held.text
    body |= {"slotId": slot, "reason": REASON}
    answer = hosted.call(
        "scheduling",
        "POST",
        "/appointments",
        patient(AMARA),
        body,
        Idempotency_Key="telemetry-1",
        X_Correlation_Id="one-thread",
        traceparent=f"00-{TRACE}-{CALLER}-01",
    )
    assert answer.status_code == 201, answer.text
    assert hosted.call("scheduling", "GET", "/no-such-path?q=nobody", STAFF).status_code == 404
    return answer


def publish_what_is_wrong(hosted: Hosted) -> None:
    """A message that no consumer can read: it is logged, and goes to the dead letter."""
    headers = {"ce_id": "e-wrong", "ce_correlationid": "a-wrong-one", "content-type": "application/json"}
    with Publisher(reach(hosted.ready["kafka"])) as publisher:
        publisher.send("portal.scheduling.appointment.v1", "apt-0", headers, b"{")


def test_one_trace_goes_from_http_through_kafka_and_back(run: Run) -> None:
    asked = run.one("scheduling", SERVER, "POST /v1/appointments", CALLER)
    assert run.answer.headers["traceparent"] == f"00-{TRACE}-{asked.id}-01", "that span is what travels"
    told = run.one("scheduling", PRODUCER, "send portal.scheduling.appointment.v1", asked.id)
    heard = run.one("coverage", CONSUMER, "process portal.scheduling.appointment.v1", told.id)
    answers = [each for each in run.spans if each.parent == heard.id]
    assert {(each.service, each.kind, each.name) for each in answers} == {
        ("coverage", PRODUCER, "send portal.coverage.eligibility.v1")
    }
    run.one("scheduling", CONSUMER, "process portal.coverage.eligibility.v1", answers[0].id)


def test_what_time_makes_begins_a_trace_of_its_own(run: Run) -> None:
    (timer,) = [each for each in run.spans if each.kind == INTERNAL]
    assert (timer.service, timer.name, timer.parent) == ("coverage", "timer EligibilityCheck", "")
    after = [each for each in run.spans if each.parent == timer.id]
    assert [(each.kind, each.name, each.trace) for each in after] == [
        (PRODUCER, "send portal.coverage.eligibility.v1", timer.trace)
    ]


def test_every_parent_is_a_span_that_was_told(run: Run) -> None:
    known = {each.id for each in run.spans} | {"", CALLER}
    assert [each.name for each in run.spans if each.parent not in known] == []


def test_spans_are_named_and_described_by_the_contract(run: Run) -> None:
    asked = run.one("scheduling", SERVER, "POST /v1/appointments", CALLER)
    assert asked.attributes == {
        "http.request.method": "POST",
        "url.scheme": "http",
        "http.route": "/v1/appointments",
        "http.response.status_code": 201,
        "portal.operation": "bookAppointment",
    }
    heard = next(each for each in run.spans if each.service == "coverage" and each.kind == CONSUMER)
    assert heard.attributes["messaging.system"] == "kafka"
    assert heard.attributes["messaging.operation.type"] == "process"
    assert heard.attributes["messaging.destination.name"] == "portal.scheduling.appointment.v1"
    assert heard.attributes["portal.operation"] == "appointmentChanged"
    lost = next(each for each in run.spans if each.attributes.get("http.response.status_code") == 404)
    assert (lost.name, lost.failed, "http.route" in lost.attributes) == ("GET", False, False)
    wrong = next(each for each in run.spans if each.attributes.get("error.type") == "malformed")
    assert (wrong.service, wrong.kind, wrong.failed) == ("coverage", CONSUMER, True)


def test_neither_spans_nor_lines_hold_phi_tokens_or_who_it_was(run: Run) -> None:
    assert run.hosted.ended is not None
    assert phi().in_text(run.answer.text) == [REASON], "it was there to be told"
    for text in (run.exported.decode("utf-8", "replace"), run.hosted.ended.text):
        assert not phi().in_text(text)
        assert not [each for each in run.hosted.tokens if each in text or each.rpartition(".")[2] in text]
        assert AMARA not in text
        assert "nobody" not in text
    identity = str(run.answer.json()["id"])
    assert identity.encode() not in run.exported, "paths and keys are not told"


def test_every_line_is_json_and_says_to_what_it_belongs(run: Run) -> None:
    lines = [json.loads(each) for each in run.lines]
    (wrong,) = [each for each in lines if each.get("correlation") == "a-wrong-one"]
    assert wrong["message"].startswith("appointmentChanged: ")
    assert (wrong["level"], wrong["service"]) == ("warning", "coverage")
    assert wrong["logger"] == "reference_services.platform.inbox"
    assert wrong["time"].endswith("Z")
    span = next(each for each in run.spans if each.attributes.get("error.type") == "malformed")
    assert (wrong["trace_id"], wrong["span_id"]) == (span.trace, span.id)


def test_it_ends_in_good_order(run: Run) -> None:
    assert run.hosted.ended is not None
    assert run.hosted.ended.code == 0


@contextmanager
def deaf_collector() -> Iterator[str]:
    """One that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_dead_collector_troubles_nobody(tmp_path: Path) -> None:
    with deaf_collector() as url:
        mock = ["mock", str(ROOT / "contracts" / "provider-directory"), "--kafka", "none"]
        with hosting(tmp_path, *mock, OTEL_EXPORTER_OTLP_ENDPOINT=url, **SOON) as hosted:
            began = time.monotonic()
            for _ in range(20):
                answer = hosted.call("provider-directory", "GET", "/providers", STAFF)
                assert answer.status_code == 200, answer.text
            assert time.monotonic() - began < 5.0
            ended = hosted.end()
    assert ended.code == 0
    assert "Traceback" not in ended.err
    assert len(ended.err.splitlines()) <= 1, ended.err


@pytest.fixture
def without_the_extra(tmp_path: Path) -> tuple[dict[str, str], Path]:
    """An environment in which OpenTelemetry cannot be imported, and the file that such a try leaves."""
    tried = tmp_path / "tried"
    package = tmp_path / "blocked" / "opentelemetry"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        f"open({str(tried)!r}, 'w').close()\n"
        "raise ModuleNotFoundError(\"No module named 'opentelemetry'\", name='opentelemetry')\n"
    )
    return {"PYTHONPATH": str(package.parent)}, tried


def test_without_the_variable_nothing_is_imported(
    tmp_path: Path, without_the_extra: tuple[dict[str, str], Path]
) -> None:
    environment, tried = without_the_extra
    command = ["serve", "provider-directory", "--kafka", "none"]
    with hosting(tmp_path, *command, OTEL_EXPORTER_OTLP_ENDPOINT="", **environment) as hosted:
        assert hosted.call("provider-directory", "GET", "/providers", STAFF).status_code == 200
        assert hosted.end().code == 0
    assert not tried.exists()


def test_what_is_missing_is_named(
    without_the_extra: tuple[dict[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment, tried = without_the_extra
    monkeypatch.setenv("PYTHONPATH", environment["PYTHONPATH"])
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    ran = portal("serve", "provider-directory", "--kafka", "none")
    assert (ran.code, len(ran.err.splitlines())) == (2, 1), ran.err
    assert ran.err.startswith("portal: OTEL_EXPORTER_OTLP_ENDPOINT: ")
    assert "pip install 'portal-harness[telemetry]'" in ran.err
    assert tried.exists()


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, "this is not the URL of a collector"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "'grpc' is not spoken here"),
        ({"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "100", "OTEL_BSP_MAX_QUEUE_SIZE": "10"}, "spans cannot be told"),
    ],
)
def test_variables_that_cannot_be_are_told_in_a_paragraph(
    variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", **variables}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    ran = portal("mock", str(ROOT / "contracts" / "provider-directory"), "--kafka", "none")
    assert (ran.code, len(ran.err.splitlines())) == (2, 1), ran.err
    assert said in ran.err


def test_a_failure_to_start_is_json_too() -> None:
    ran = portal("serve", "no-such-service", "--kafka", "none", "--log-format", "json")
    assert ran.code == 2
    line = json.loads(ran.err)
    assert (line["level"], line["logger"]) == ("error", "portal")
    assert "no-such-service" in line["message"]
