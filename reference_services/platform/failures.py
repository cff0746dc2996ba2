"""Why work in the background failed, in a few words: where, and never with which values."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from harness.errors import HarnessError
from harness.serving.raised import raised_at
from reference_services.platform.roles import said


def why(error: BaseException) -> str:
    """What a database or a broker said, else the error's type and where it was raised."""
    cause = error.__cause__ or error
    if isinstance(cause, DBAPIError):
        return said(cause)
    if isinstance(error, HarnessError):
        return error.paragraph().rstrip(".")
    place = raised_at(cause.__traceback__, 1)
    return " at ".join(filter(None, (type(cause).__name__, place)))
