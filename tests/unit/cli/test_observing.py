"""What OpenTelemetry's variables ask to be told, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from harness.cli.notes import LogFormat
from harness.cli.observing import observe, observed
from harness.errors import UsageError
from harness.serving.readings import Family, show_figures
from harness.serving.spans import spans_of
from tests.e2e.collector import Collector, collecting
from tests.services.portal import eventually


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        yield collector


def registry() -> CollectorRegistry:
    """One figure of each kind, of a service that counts something of its own."""
    made = CollectorRegistry()
    Counter("portal_letters", "Written.", ("kind",), registry=made).labels("short").inc(2)
    Counter("portal_stamps", "None so far.", ("kind",), registry=made)
    Gauge("portal_ink_left", "Litres.", registry=made).set(0.5)
    Histogram("portal_wait_seconds", "Seconds.", registry=made, buckets=(0.1, 1.0)).observe(0.3)
    return made


@pytest.mark.parametrize(
    ("variables", "spans", "figures"),
    [
        ({}, True, True),
        ({"OTEL_METRICS_EXPORTER": "none"}, True, False),
        ({"OTEL_METRICS_EXPORTER": "prometheus"}, True, False),
        ({"OTEL_METRICS_EXPORTER": "console, otlp"}, True, True),
        ({"OTEL_TRACES_EXPORTER": "none"}, False, True),
        ({"OTEL_SDK_DISABLED": "true"}, False, False),
    ],
)
def test_each_is_told_unless_it_is_forbidden(
    collector: Collector,
    variables: dict[str, str],
    spans: bool,
    figures: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    observe(LogFormat.TEXT)
    with observed():
        show_figures("library", registry())
        with spans_of("library").occasion("timer"):
            pass
    assert bool(collector.spans()) is spans
    assert bool(collector.figures()) is figures, "told at the end, at the latest"


def test_figures_that_no_convention_names_keep_their_own(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "20")
    with observed():
        show_figures("library", registry())
        told = {each.name: each for each in eventually(lambda: collector.figures() or None)}
    assert "portal.ink.left" not in {each.name for each in collector.figures()}, "what has ended has no level"
    assert "portal.stamps" not in told, "nothing is said of what nothing is known of"
    letters, ink, wait = (told[f"portal.{each}"] for each in ("letters", "ink.left", "wait.seconds"))
    assert (letters.adds, letters.attributes, letters.value) == (True, {"kind": "short"}, 2)
    assert (ink.adds, ink.value) == (False, 0.5)
    assert (wait.value, wait.total, wait.bounds, wait.buckets) == (1, 0.3, (0.1, 1.0), (0, 1, 0))


def test_one_service_whose_figures_cannot_be_read_does_not_hide_the_others(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def collect(self) -> Iterable[Family]:
            raise RuntimeError("s3cret")

    with observed():
        show_figures("broken", Broken())
        show_figures("library", registry())
    assert {each.service for each in collector.figures()} == {"library"}
    assert "the figures of broken cannot be read: RuntimeError" in caplog.text
    assert "s3cret" not in "".join(each.getMessage() for each in caplog.records)


def test_a_collector_that_is_gone_is_told_of_once_without_its_password(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://user:s3cret@127.0.0.1:9/s3cret")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "0.1")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "1")
    with observed():
        show_figures("library", registry())
    (told,) = [each.getMessage() for each in caplog.records if each.name == "portal.telemetry"]
    assert told.startswith("the collector at http://127.0.0.1:9 does not take figures")


@pytest.mark.parametrize(
    ("variables", "where", "found"),
    [
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "collector"}, "METRICS_ENDPOINT", "this is not the URL"),
        ({"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "grpc"}, "METRICS_PROTOCOL", "'grpc' is not spoken here"),
        ({"OTEL_METRIC_EXPORT_INTERVAL": "soon"}, "EXPORT_INTERVAL", "'soon' is no number of milliseconds"),
        ({"OTEL_METRIC_EXPORT_INTERVAL": "0"}, "EXPORT_INTERVAL", "'0' is no number of milliseconds"),
        ({"OTEL_METRIC_EXPORT_INTERVAL": "nan"}, "EXPORT_INTERVAL", "'nan' is no number of milliseconds"),
    ],
)
def test_variables_that_cannot_be_are_named(
    variables: dict[str, str], where: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", **variables}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError) as refused:
        observe(LogFormat.TEXT)
    paragraph = refused.value.paragraph()
    assert where in paragraph.partition(": ")[0]
    assert found in paragraph
