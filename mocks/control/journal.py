"""The journal over HTTP: read, forgotten, and held to what a test expects of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from harness.contract.nearest import did_you_mean
from harness.errors import UsageError
from harness.serving.exchange import Answer, Request
from harness.serving.problems import Problem
from mocks.control.controls import Controls
from mocks.control.face import Face
from mocks.journal_view import Filter
from mocks.matching import match_of
from mocks.verifying import Expectation, verify


class JournalFaces:
    """What the mock saw."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    def handlers(self) -> Mapping[str, Face]:
        """By operationId."""
        return {
            "readJournal": self._page,
            "clearJournal": self._clear,
            "readEntry": self._one,
            "verify": self._verify,
        }

    def _page(self, request: Request) -> Answer:
        query = request.query
        wanted = Filter(
            operation=query.get("operation"),
            status=query.get("status"),
            session=query.get("session"),
            since=_instant(query.get("since")),
            after=query.get("after"),
            matched=query.get("matched"),
            kind=query.get("kind"),
            limit=query.get("limit", 100),
        )
        return Answer(200, self._controls.view.page(wanted))

    def _clear(self, _request: Request) -> Answer:
        self._controls.journal.clear()
        return Answer(204)

    def _one(self, request: Request) -> Answer:
        found = self._controls.view.one(request.path["number"])
        if found is None:
            raise Problem(404, detail="The journal has no entry of this number, or has it no more.")
        return Answer(200, found)

    def _verify(self, request: Request) -> Answer:
        body, contract = request.body, self._controls.contract
        operation = body.get("operation")
        known = {**contract.operations, **contract.message_operations}
        if operation is not None and operation not in known:
            raise UsageError(operation, "there is no such operation", remedy=did_you_mean(operation, known))
        among = Filter(
            operation=operation,
            status=body.get("status"),
            session=body.get("session"),
            since=_instant(body.get("since")),
            kind=body.get("kind"),
        )
        least = body.get("exactly", body.get("atLeast"))
        most = body.get("exactly", body.get("atMost"))
        if "exactly" in body and ("atLeast" in body or "atMost" in body):
            raise UsageError("exactly", "it stands beside atLeast or atMost", "one or the other")
        if least is not None and most is not None and least > most:
            raise UsageError("atLeast", "it is more than atMost", "bounds that something can keep")
        expected = Expectation(among, match_of(body.get("match", {}), "verify"), least, most)
        return Answer(200, verify(self._controls.journal, self._controls.view, expected))


def _instant(text: str | None) -> float | None:
    """A date-time as Unix seconds."""
    return datetime.fromisoformat(text).timestamp() if text is not None else None
