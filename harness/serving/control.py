"""Control endpoints: provider states and the clock of one service, on a loopback port of their own.

The contract is ``control.openapi.yaml`` beside this file, served as any other contract is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Literal, Protocol

from harness.contract import load
from harness.contract.durations import seconds_of
from harness.contract.model import EMPTY, JSON, Contract
from harness.errors import HarnessError
from harness.serving.envelope import ASGIApp
from harness.serving.exchange import Answer, Handler, Request
from harness.serving.problems import Problem, Reason

CONTRACT = Path(__file__).with_name("control.openapi.yaml")

Action = Literal["setup", "teardown"]


@dataclass(frozen=True, slots=True)
class Held:
    """What a state change leaves: ``document`` is None and ``version`` 0 once it is torn down."""

    type: str
    document: Mapping[str, JSON] | None
    version: int


class Control(Protocol):
    """What a service offers to tests. Methods run in threads; a HarnessError is answered with 422."""

    def change_state(self, schema: str, action: Action, parameters: Mapping[str, JSON]) -> Held:
        """Make an instance of a component schema that contains ``parameters``, or remove it. No events."""

    def reset(self, *, seed: bool) -> None:
        """Forget everything; with ``seed`` put in the contract's examples."""

    def now(self) -> datetime:
        """The service's time, aware of its zone."""

    def set_now(self, now: datetime) -> None:
        """Set it, and process the timers that are due by then."""

    def advance(self, seconds: float) -> None:
        """Let time pass, and process the timers that are due by then."""

    def healthy(self) -> bool:
        """Whether the service can work."""


def control_app(control: Control) -> ASGIApp:
    """The control endpoints of one service."""
    from harness.serving.app import build_app

    faces = _Faces(control)
    handlers: dict[str, Handler] = {
        "changeState": faces.change_state,
        "reset": faces.reset,
        "readClock": faces.read_clock,
        "setClock": faces.set_clock,
        "advanceClock": faces.advance_clock,
        "health": faces.health,
    }
    return build_app(_contract(), handlers, None)


@cache
def _contract() -> Contract:
    """Of all services in this process, with the validators that the first of them compiled."""
    return load(CONTRACT)


class _Faces:
    def __init__(self, control: Control) -> None:
        self._control = control

    def change_state(self, request: Request) -> Answer:
        body = request.body
        schema = body["state"].removesuffix(" exists")
        try:
            held = self._control.change_state(schema, body["action"], body.get("parameters", EMPTY))
        except HarnessError as error:
            raise Problem(422, detail=error.paragraph()) from error
        return Answer(200, {"type": held.type, "document": held.document, "version": held.version})

    def reset(self, request: Request) -> Answer:
        self._control.reset(seed=(request.body or {}).get("seed", True))
        return Answer(204)

    def read_clock(self, _request: Request) -> Answer:
        now = self._control.now().astimezone(UTC).isoformat(timespec="microseconds")
        return Answer(200, {"now": now.replace("+00:00", "Z")})

    def set_clock(self, request: Request) -> Answer:
        self._control.set_now(datetime.fromisoformat(request.body["now"]))
        return self.read_clock(request)

    def advance_clock(self, request: Request) -> Answer:
        try:
            passed = seconds_of(request.body["by"])
        except ValueError:
            raise Problem(400, errors=[Reason("/by", "is not a duration")]) from None
        self._control.advance(passed)
        return self.read_clock(request)

    def health(self, _request: Request) -> Answer:
        if not self._control.healthy():
            raise Problem(503, detail="The service cannot work.")
        return Answer(200, {"status": "ok"})
