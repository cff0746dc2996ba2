"""``If-Match``: a change of what somebody else has changed meanwhile is refused (RFC 9110, 13.1.1)."""

from __future__ import annotations

from harness.serving.exchange import Request
from harness.serving.problems import Problem
from reference_services.platform.aggregate import Aggregate
from reference_services.platform.operations import OperationPlan


class Precondition:
    """One request's ``If-Match``, checked once against the aggregate that the operation addresses."""

    def __init__(self, plan: OperationPlan | None, request: Request | None) -> None:
        self._open = plan is not None and plan.matched and request is not None
        self._sent = request.headers.get("if-match") if request is not None else None
        address = plan.address if plan is not None else None
        self._addressed = str(request.path.get(address)) if request is not None and address else None

    def check_addressed(self, aggregate: Aggregate) -> None:
        """``check``, if the path names this very aggregate (or names none)."""
        if self._open and self._addressed in (None, aggregate.id):
            self.check(aggregate)

    def check(self, aggregate: Aggregate) -> None:
        """Raises Problem 428 if the operation asks for If-Match and none came, 412 if it is stale."""
        if not self._open:
            return
        self._open = False
        if self._sent is None:
            raise _missing()
        tags = {tag.strip() for tag in self._sent.split(",")}
        if "*" not in tags and f'"{aggregate.version}"' not in tags:
            raise _stale()

    def check_new(self, id: str) -> None:
        """What the path names is made only now: ``"0"`` stands for that there is nothing yet."""
        if not self._open or self._addressed != id:
            return
        self._open = False
        if self._sent is None:
            raise _missing()
        if '"0"' not in {tag.strip() for tag in self._sent.split(",")}:
            raise _stale()


def _missing() -> Problem:
    return Problem(428, detail="Send the ETag as If-Match.")


def _stale() -> Problem:
    return Problem(412, detail="It has changed since. Read it again.")
