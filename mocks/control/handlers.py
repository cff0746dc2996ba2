"""The handlers of the control API: from JSON to what a mock can be told, and back."""

from __future__ import annotations

from collections.abc import Mapping

from harness.serving.exchange import Answer, Handler, Request
from harness.serving.problems import Problem
from mocks.control.controls import Controls, Kept
from mocks.control.events import EventFaces
from mocks.control.face import Face, told
from mocks.control.faults import FaultFaces
from mocks.control.journal import JournalFaces
from mocks.control.scenarios import ScenarioFaces


def handlers_of(controls: Controls) -> Mapping[str, Handler]:
    """By operationId. All run in threads."""
    kinds = (FaultFaces, ScenarioFaces, JournalFaces, EventFaces, WholeFaces)
    faces = (kind(controls).handlers() for kind in kinds)
    return {operation: told(face) for found in faces for operation, face in found.items()}


class WholeFaces:
    """The mock as a whole."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    def handlers(self) -> Mapping[str, Face]:
        """By operationId."""
        return {
            "reset": self._reset,
            "takeSnapshot": self._take,
            "restoreSnapshot": self._restore,
            "health": self._health,
        }

    def _reset(self, request: Request) -> Answer:
        body = request.body or {}
        self._controls.reset(seed=body.get("seed", True), session=body.get("session"))
        return Answer(204)

    def _take(self, request: Request) -> Answer:
        return Answer(200, self._kept().snapshot(request.query.get("session", "")))

    def _restore(self, request: Request) -> Answer:
        self._kept().restore(request.body, request.query.get("session", ""))
        return Answer(204)

    def _health(self, _request: Request) -> Answer:
        return Answer(200, {"status": "ok"})

    def _kept(self) -> Kept:
        if self._controls.kept is None:
            raise Problem(409, detail="This mock keeps nothing.")
        return self._controls.kept
