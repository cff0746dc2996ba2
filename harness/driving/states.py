"""Provider states and the clock of a target, through the control API (``serving/control.openapi.yaml``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Self

import httpx

from harness.contract.model import JSON
from harness.driving.trust import certificates
from harness.errors import StateError
from harness.target import Limits, Target, offer_control

_NOTHING: Mapping[str, JSON] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class State:
    """One aggregate that now exists: its component schema's name, document and version."""

    type: str
    document: Mapping[str, JSON]
    version: int


class States:
    """Makes what a request needs to find. Every method raises StateError where the target cannot."""

    def __init__(self, target: Target, limits: Limits) -> None:
        self.target = target
        self._client = httpx.Client(
            verify=certificates(False), timeout=limits.timeout, follow_redirects=False, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    @property
    def available(self) -> bool:
        """Whether this target has a control endpoint at all."""
        return self.target.control is not None

    def make(self, schema: str, partial: Mapping[str, JSON] = _NOTHING) -> dict[str, JSON]:
        """Make ``"<schema> exists"`` with these values; returns the whole document."""
        return dict(self.create(schema, partial).document)

    def create(self, schema: str, partial: Mapping[str, JSON] = _NOTHING) -> State:
        """As ``make``, with the version that an ``If-Match`` needs."""
        wish = {"state": f"{schema} exists", "action": "setup", "parameters": dict(partial)}
        made = self._call("POST", "/states", wish, f"{schema} exists")
        document, version = made.get("document"), made.get("version", 1)
        if not isinstance(document, dict) or not isinstance(version, int):
            raise self._error(f"{schema} exists", "the answer holds no document and version")
        return State(schema, document, version)

    def remove(self, schema: str, partial: Mapping[str, JSON]) -> None:
        """Take back ``"<schema> exists"``."""
        wish = {"state": f"{schema} exists", "action": "teardown", "parameters": dict(partial)}
        self._call("POST", "/states", wish, f"{schema} exists (teardown)")

    def reset(self, seed: bool = True) -> None:
        """Empty the service; with ``seed`` the contract's examples are put in again."""
        self._call("POST", "/reset", {"seed": seed}, "reset")

    def advance(self, seconds: float) -> datetime:
        """Move the service's clock on; timers that fall due are worked off before this returns."""
        moved = self._call("POST", "/clock/advance", {"by": _duration(seconds)}, "clock advanced")
        return self._time(moved)

    def now(self) -> datetime:
        """What the service takes for now."""
        return self._time(self._call("GET", "/clock", None, "clock"))

    def set_clock(self, now: datetime) -> None:
        self._call("PUT", "/clock", {"now": now.isoformat()}, "clock set")

    def _time(self, answer: Mapping[str, Any]) -> datetime:
        try:
            return datetime.fromisoformat(str(answer["now"]))
        except (KeyError, ValueError) as error:
            raise self._error("clock", "the answer holds no RFC 3339 time under 'now'") from error

    def _call(self, method: str, path: str, body: JSON, wish: str) -> dict[str, Any]:
        if self.target.control is None:
            raise no_control(self.target)
        try:
            answer = self._client.request(method, self.target.control + path, json=body)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise self._error(wish, str(error) or type(error).__name__) from error
        if not answer.is_success:
            raise self._error(wish, f"{method} {path} answered {answer.status_code}: {_detail(answer)}")
        decoded = _json(answer)
        return decoded if isinstance(decoded, dict) else {}

    def _error(self, wish: str, found: str) -> StateError:
        return StateError(
            self.target.control or self.target.url,
            f"'{wish}' cannot be made true: {found}",
            remedy=offer_control(self.target),
        )


def no_control(target: Target) -> StateError:
    """The error for whatever only a control endpoint can do."""
    return StateError(target.url, "this target offers no control endpoint", remedy=offer_control(target))


def _duration(seconds: float) -> str:
    """ISO 8601, in seconds."""
    return f"PT{seconds:.3f}".rstrip("0").rstrip(".") + "S"


def _json(answer: httpx.Response) -> JSON:
    try:
        return answer.json() if answer.content else None
    except ValueError:
        return None


def _detail(answer: httpx.Response) -> str:
    problem = _json(answer)
    if not isinstance(problem, dict):
        return answer.text[:300]
    errors = [f"{e.get('pointer', '')} {e.get('detail', '')}" for e in problem.get("errors") or []]
    return "; ".join(str(part) for part in (problem.get("detail") or problem.get("title"), *errors) if part)
