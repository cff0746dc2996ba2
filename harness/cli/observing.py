"""Whether hosted services tell of their work: spans and figures to a collector, as OpenTelemetry's own
variables say."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from harness.cli.extras import DISTRIBUTION
from harness.cli.notes import LogFormat, are_json, write_logs
from harness.errors import UsageError

_SPOKEN = "http/protobuf"
_INTERVAL, _EVERY = "OTEL_METRIC_EXPORT_INTERVAL", "60000"


class _Signal(NamedTuple):
    """What may be told, by OpenTelemetry's word for it in its variables, and by ours."""

    word: str
    what: str


_SPANS, _FIGURES = _Signal("TRACES", "spans"), _Signal("METRICS", "figures")


class _Telling(Protocol):
    def close(self) -> None:
        """Deliver what waits, within seconds."""


def observe(form: LogFormat) -> None:
    """How this command's lines are written from now on. Raises UsageError for what cannot be told."""
    write_logs(form)
    for signal in (_SPANS, _FIGURES):
        if (found := _endpoint(signal)) is not None:
            _check(signal, *found)
            _need(signal, found[0])


@contextmanager
def observed() -> Iterator[None]:
    """What is built while this is open is watched, as far as ``observe`` found that somebody asks for it."""
    spans, figures = _endpoint(_SPANS), _endpoint(_FIGURES)
    if spans is None and figures is None and not are_json():
        yield
        return
    from harness.serving.readings import read_figures
    from harness.serving.spans import watch

    open: list[_Telling] = []
    try:
        if spans is not None:
            open.append(_tell_spans(spans[1]))
        elif are_json():
            from harness.serving.marks import Marks

            watch(Marks)
        if figures is not None:
            open.append(_tell_figures(figures[1]))
        yield
    finally:
        watch(None)
        read_figures(None)
        _end(open)


def _tell_spans(endpoint: str) -> _Telling:
    from harness.serving.spans import watch
    from harness.serving.telemetry import Telemetry

    try:
        telemetry = Telemetry(endpoint)
    except (ValueError, OSError) as error:  # a batch larger than its queue, a certificate that is not there
        raise _untold(_SPANS, error) from error
    watch(telemetry.spans)
    return telemetry


def _tell_figures(endpoint: str) -> _Telling:
    from harness.serving.metering import Metering
    from harness.serving.readings import read_figures

    try:
        metering = Metering(endpoint, _interval())
    except (ValueError, OSError) as error:
        raise _untold(_FIGURES, error) from error
    read_figures(metering.read)
    return metering


def _end(open: list[_Telling]) -> None:
    """All at once: a collector that says nothing costs each of them seconds."""
    threads = [Thread(target=each.close, daemon=True) for each in open]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _untold(signal: _Signal, error: Exception) -> UsageError:
    return UsageError(
        "the OTEL_… variables", f"{signal.what} cannot be told so: {error}", "what OpenTelemetry documents"
    )


def _endpoint(signal: _Signal) -> tuple[str, str] | None:
    """The variable that says where these go, with its value; None where none does, or others forbid it."""
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    exporters = os.environ.get(f"OTEL_{signal.word}_EXPORTER", "").lower().split(",")
    if not {each.strip() for each in exporters} & {"", "otlp"}:
        return None
    names = (f"OTEL_EXPORTER_OTLP_{signal.word}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    values = ((name, os.environ.get(name, "").strip()) for name in names)
    return next((pair for pair in values if pair[1]), None)


def _check(signal: _Signal, variable: str, endpoint: str) -> None:
    """Raises UsageError for what is no address, or another protocol. Neither is quoted: a password may be in
    it."""
    try:
        parts = urlsplit(endpoint)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine:
        raise UsageError(variable, "this is not the URL of a collector", "e.g. http://127.0.0.1:4318")
    names = (f"OTEL_EXPORTER_OTLP_{signal.word}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    said = next((name for name in names if os.environ.get(name, "").strip()), None)
    if said is not None and os.environ[said].strip() != _SPOKEN:
        raise UsageError(
            said,
            f"'{os.environ[said].strip()[:40]}' is not spoken here",
            _SPOKEN,
            "Collectors take it at port 4318, unless told otherwise",
        )
    if signal is _FIGURES:
        _interval()


def _interval() -> float:
    """Seconds between two times that figures are sent. Raises UsageError."""
    said = os.environ.get(_INTERVAL, "").strip() or _EVERY
    try:
        fine = 0 < float(said) < math.inf
    except ValueError:
        fine = False
    if not fine:
        raise UsageError(
            _INTERVAL, f"'{said[:40]}' is no number of milliseconds", f"e.g. {_EVERY}, the default"
        )
    return float(said) / 1000


def _need(signal: _Signal, variable: str) -> None:
    try:
        import opentelemetry.exporter.otlp.proto.http.trace_exporter
        import opentelemetry.sdk.trace  # noqa: F401
    except ModuleNotFoundError as error:
        raise UsageError(
            variable,
            f"{signal.what} are to be told, and the package that provides '{error.name}' is not installed",
            "Portal with its telemetry part",
            f"Install it: pip install '{DISTRIBUTION}[telemetry]', or in a clone of Portal: "
            "pip install '.[telemetry]'; or unset the variable",
        ) from error
