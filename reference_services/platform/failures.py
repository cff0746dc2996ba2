"""Why work in the background failed, in a few words: where, and never with which values."""

from __future__ import annotations

import traceback
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from harness.errors import HarnessError
from reference_services.platform.roles import said


def why(error: BaseException) -> str:
    """What a database or a broker said, else the error's type and where it was raised."""
    cause = error.__cause__ or error
    if isinstance(cause, DBAPIError):
        return said(cause)
    if isinstance(error, HarnessError):
        return error.paragraph().rstrip(".")
    places = traceback.extract_tb(cause.__traceback__)[-1:]
    return " at ".join(
        (type(cause).__name__, *(f"{Path(each.filename).name}:{each.lineno} {each.name}" for each in places))
    )
