"""What the handlers of the control API share: their shape, and how what cannot be done is told."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from harness.errors import BrokerError, HarnessError
from harness.serving.exchange import Answer, Request
from harness.serving.problems import Problem

Face = Callable[[Request], Answer]
"""A handler, called in a thread."""


def told(face: Face) -> Face:
    """The handler; a HarnessError becomes 422, Kafka's 503."""

    @wraps(face)
    def telling(request: Request) -> Answer:
        try:
            return face(request)
        except BrokerError as error:
            raise Problem(503, detail=error.paragraph(), headers={"Retry-After": "1"}) from error
        except HarnessError as error:
            raise Problem(422, detail=error.paragraph()) from error

    return telling


def gone(found: bool, what: str) -> Answer:
    """The answer to a removal. Raises Problem 404 for what was not there."""
    if not found:
        raise Problem(404, detail=f"There is no {what} of this id.")
    return Answer(204)
