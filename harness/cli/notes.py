"""Lines for whoever runs a command, on stderr: plain text, or JSON where ``--log-format`` asks for it."""

from __future__ import annotations

import logging
import sys
from enum import StrEnum
from typing import Annotated

import typer

_LOG = logging.getLogger("portal")


class LogFormat(StrEnum):
    """The words of ``--log-format``."""

    TEXT = "text"
    JSON = "json"


Logs = Annotated[
    LogFormat,
    typer.Option(
        "--log-format",
        help="How stderr reads: text, or a JSON object a line with time, level, service, correlation and "
        "trace. Values marked x-phi are in neither.",
    ),
]


class _Form:
    """How this process writes."""

    json = False


def write_logs(form: LogFormat) -> None:
    """Write what is logged and noted from now on in this form."""
    if form is LogFormat.JSON and not _Form.json:
        from harness.serving import logs

        logs.begin()
        _Form.json = True


def are_json() -> bool:
    return _Form.json


def note(text: str, who: str = "portal", level: int = logging.WARNING) -> None:
    """Say one thing."""
    if _Form.json:
        _LOG.log(level, "%s", text)
    else:
        sys.stderr.write(f"{who}: {text}\n")
        sys.stderr.flush()
