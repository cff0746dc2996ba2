"""Whether hosted services tell of their work: spans to a collector, as OpenTelemetry's own variables say."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from harness.cli.extras import DISTRIBUTION
from harness.cli.notes import LogFormat, are_json, write_logs
from harness.errors import UsageError

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_SPOKEN = "http/protobuf"


def observe(form: LogFormat) -> None:
    """How this command's lines are written from now on. Raises UsageError for spans that cannot be told."""
    write_logs(form)
    if (found := _endpoint()) is None:
        return
    _check(*found)
    try:
        import opentelemetry.exporter.otlp.proto.http.trace_exporter
        import opentelemetry.sdk.trace  # noqa: F401
    except ModuleNotFoundError as error:
        raise UsageError(
            found[0],
            f"spans are to be told, and the package that provides '{error.name}' is not installed",
            "Portal with its telemetry part",
            f"Install it: pip install '{DISTRIBUTION}[telemetry]', or in a clone of Portal: "
            "pip install '.[telemetry]'; or unset the variable",
        ) from error


@contextmanager
def observed() -> Iterator[None]:
    """What is built while this is open is watched, as far as ``observe`` found that somebody asks for it."""
    found = _endpoint()
    if found is None and not are_json():
        yield
        return
    from harness.serving.spans import watch

    try:
        if found is None:
            from harness.serving.marks import Marks

            watch(Marks)
            yield
        else:
            with _told(*found):
                yield
    finally:
        watch(None)


@contextmanager
def _told(variable: str, endpoint: str) -> Iterator[None]:
    from harness.serving.spans import watch
    from harness.serving.telemetry import Telemetry

    try:
        telemetry = Telemetry(endpoint)
    except (ValueError, OSError) as error:  # a batch larger than its queue, a certificate that is not there
        raise UsageError(
            "the OTEL_… variables", f"spans cannot be told so: {error}", "what OpenTelemetry documents"
        ) from error
    watch(telemetry.spans)
    try:
        yield
    finally:
        telemetry.close()


def _endpoint() -> tuple[str, str] | None:
    """The variable that says where spans go, with its value; None where none does, or others forbid it."""
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    if os.environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none":
        return None
    values = ((name, os.environ.get(name, "").strip()) for name in _ENDPOINTS)
    return next((pair for pair in values if pair[1]), None)


def _check(variable: str, endpoint: str) -> None:
    """Raises UsageError for what is no address, or another protocol. Neither is quoted: a password may be in
    it."""
    try:
        parts = urlsplit(endpoint)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine:
        raise UsageError(variable, "this is not the URL of a collector", "e.g. http://127.0.0.1:4318")
    said = next((name for name in _PROTOCOLS if os.environ.get(name, "").strip()), None)
    if said is not None and os.environ[said].strip() != _SPOKEN:
        raise UsageError(
            said,
            f"'{os.environ[said].strip()[:40]}' is not spoken here",
            _SPOKEN,
            "Collectors take it at port 4318, unless told otherwise",
        )
