"""A service's figures over OTLP, beside ``/metrics``: the same ones, named as OpenTelemetry names them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.collector import Collector, Figure, collecting
from tests.e2e.test_telemetry import Hosted, booked, deaf_collector, hosting, phi, publish_what_is_wrong
from tests.services.portal import AMARA, STAFF, eventually

DURATION, CONSUMED = "http.server.request.duration", "messaging.client.consumed.messages"
SOON = {"OTEL_METRIC_EXPORT_INTERVAL": "50"}
BOOKED: dict[str, str | int] = {
    "http.request.method": "POST",
    "url.scheme": "http",
    "http.route": "/v1/appointments",
    "http.response.status_code": 201,
    "portal.operation": "bookAppointment",
}
TAKEN = {
    "messaging.system": "kafka",
    "messaging.operation.name": "process",
    "messaging.destination.name": "portal.scheduling.appointment.v1",
    "portal.operation": "appointmentChanged",
}


@dataclass(frozen=True)
class Run:
    """What was told while an appointment was booked, at last; and what Prometheus read meanwhile."""

    figures: tuple[Figure, ...]
    exported: bytes
    spans: int
    read: dict[str, float]
    level: Figure
    appointment: str
    began: float
    hosted: Hosted

    def one(self, service: str, name: str, **attributes: str | int) -> Figure:
        found = [each for each in self.figures if (each.service, each.name) == (service, name)]
        (match,) = [each for each in found if attributes.items() <= each.attributes.items()]
        return match


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    began, folder = time.time(), tmp_path_factory.mktemp("metrics")
    with collecting() as collector:
        told = {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{collector.url}/v1/metrics", **SOON}
        with hosting(folder, "serve", "scheduling", "coverage", **told) as hosted:
            answer = booked(hosted)
            publish_what_is_wrong(hosted)
            eventually(lambda: collector.figure("coverage", CONSUMED, **{"error.type": "dead"}))
            level = eventually(lambda: _current(collector))
            read = _read(hosted)
            hosted.end()
        exported = b"".join(collector.measured)
        figures, spans = tuple(collector.figures()), len(collector.bodies)
        yield Run(figures, exported, spans, read, level, answer.json()["id"], began, hosted)


def _current(collector: Collector) -> Figure | None:
    """That it is known which relations have ended, once it is."""
    found = collector.figure("scheduling", "portal.relations.current")
    return found if found is not None and found.value == 1 else None


def _read(hosted: Hosted) -> dict[str, float]:
    """Prometheus' own count of times of bookings, and the bounds that it has them in."""
    text = httpx.get(f"{hosted.ready['services']['scheduling']}/metrics").text
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    return {
        str(float(each.labels["le"])) if "le" in each.labels else each.name: each.value
        for each in samples
        if each.name.startswith("portal_http_request_seconds")
        and each.labels["operation"] == "bookAppointment"
    }


def test_requests_are_told_by_route_method_and_status(run: Run) -> None:
    told = run.one("scheduling", DURATION, **{"portal.operation": "bookAppointment"})
    assert (told.unit, told.adds, told.attributes) == ("s", True, BOOKED)
    assert told.value == 1


def test_they_are_the_figures_that_prometheus_reads(run: Run) -> None:
    told = run.one("scheduling", DURATION, **BOOKED)
    assert told.value == run.read["portal_http_request_seconds_count"]
    assert told.total == run.read["portal_http_request_seconds_sum"]
    bounds = [*told.bounds, float("inf")]
    assert [run.read[str(each)] for each in bounds] == list(accumulate(told.buckets))


def test_what_no_operation_takes_has_no_route(run: Run) -> None:
    told = run.one("scheduling", DURATION, **{"http.response.status_code": 404})
    assert told.attributes == {
        "http.request.method": "GET",
        "url.scheme": "http",
        "http.response.status_code": 404,
    }


def test_messages_are_told_by_topic_and_outcome(run: Run) -> None:
    done = run.one("coverage", CONSUMED, **{"portal.outcome": "done"})
    assert (done.unit, done.adds, done.attributes) == ("{message}", True, {**TAKEN, "portal.outcome": "done"})
    dead = run.one("coverage", CONSUMED, **{"portal.outcome": "dead"})
    assert dead.attributes == {**TAKEN, "portal.outcome": "dead", "error.type": "dead"}
    assert dead.value == 1


def test_levels_are_told_as_levels(run: Run) -> None:
    assert (run.level.unit, run.level.adds, run.level.attributes) == ("1", False, {})


def test_what_grows_says_since_when(run: Run) -> None:
    for each in (figure for figure in run.figures if figure.adds):
        assert run.began * 1e9 < each.since < each.at, each


def test_figures_name_nobody(run: Run) -> None:
    text = run.exported.decode("utf-8", "replace")
    assert not phi().in_text(text)
    assert not [each for each in run.hosted.tokens if each in text or each.rpartition(".")[2] in text]
    assert not [each for each in (AMARA, run.appointment, "nobody", "no-such-path") if each in text]


def test_who_asks_for_metrics_is_told_no_spans(run: Run) -> None:
    assert run.spans == 0
    assert run.hosted.ended is not None
    assert run.hosted.ended.code == 0
    assert "Traceback" not in run.hosted.ended.err


def test_a_dead_collector_troubles_nobody(tmp_path: Path) -> None:
    with deaf_collector() as url:
        command = ["serve", "provider-directory", "--kafka", "none"]
        with hosting(tmp_path, *command, OTEL_EXPORTER_OTLP_ENDPOINT=url, **SOON) as hosted:
            for _ in range(20):
                answer = hosted.call("provider-directory", "GET", "/providers", STAFF)
                assert answer.status_code == 200, answer.text
            began = time.monotonic()
            ended = hosted.end()
    assert time.monotonic() - began < 5.0, "spans and figures are given up at once"
    assert ended.code == 0
    assert "Traceback" not in ended.err
    assert len(ended.err.splitlines()) <= 2, ended.err
