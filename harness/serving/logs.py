"""Log lines as JSON, one object a line: what happened, and to which exchange or message it belongs.

What a line says of an exception is its type and where it was raised: its text may hold what somebody sent. Of
what a library logs the text goes without what was put into it, for the same reason.
"""

from __future__ import annotations

import logging
import sys
import threading
from datetime import UTC, datetime

import orjson

from harness.serving.raised import raised_at
from harness.serving.spans import IN_HAND
from harness.serving.tracing import ids_of, plain

OURS = ("harness", "mocks", "portal", "reference_services")
"""Loggers of our own: their texts are told whole."""

_LOG = logging.getLogger("portal")
_LONGEST = 1000
"""Characters of a text; with the rest of its line it stays below what a parent process takes of one."""


class JsonLines(logging.Formatter):
    """The keys are ``time`` (RFC 3339), ``level``, ``logger`` and ``message``, and where they are known
    ``service``, ``correlation``, ``trace_id``, ``span_id``, ``exception`` (its type) and ``at``."""

    def format(self, record: logging.LogRecord) -> str:
        """The library's."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            "time": when.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _text(record)[:_LONGEST],
            **_whose(),
            **_raised(record),
        }
        return orjson.dumps({name: value for name, value in line.items() if value}, default=str).decode()


def begin() -> None:
    """Write what is logged in this process to stderr as JSON, also what ends a thread of it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.getLogger().addHandler(handler)
    threading.excepthook = _ended


def _text(record: logging.LogRecord) -> str:
    if record.name.partition(".")[0] not in OURS:
        return str(record.msg).strip().partition("\n")[0]
    try:
        return record.getMessage()
    except Exception:  # a line that was written wrongly must not end what it tells of
        return str(record.msg)


def _whose() -> dict[str, str]:
    found = IN_HAND.get()
    if found is None:
        return {}
    trace, span = ids_of(found.traceparent)
    correlation = found.correlation if plain(found.correlation) else ""
    return {"service": found.service, "correlation": correlation, "trace_id": trace, "span_id": span}


def _raised(record: logging.LogRecord) -> dict[str, str]:
    kind, _, trace = record.exc_info or (None, None, None)
    return {} if kind is None else {"exception": kind.__name__, "at": raised_at(trace)}


def _ended(arguments: threading.ExceptHookArgs) -> None:
    name = arguments.thread.name if arguments.thread is not None else "a thread"
    raised = (arguments.exc_type, arguments.exc_value or arguments.exc_type(), arguments.exc_traceback)
    _LOG.error("%s ended", name, exc_info=raised)
