"""Messages on demand and on a schedule, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from harness.contract.model import JSON
from harness.errors import UsageError
from harness.serving.exchange import Answer, Request
from harness.serving.problems import Problem
from mocks.control.controls import Controls
from mocks.control.face import Face, gone
from mocks.schedules import Running, Schedule, Schedules
from mocks.speaking import Wish

T = TypeVar("T")


class EventFaces:
    """Messages on demand and on a schedule."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    def handlers(self) -> Mapping[str, Face]:
        """By operationId."""
        return {
            "publishEvent": self._publish,
            "listSchedules": self._listed,
            "addSchedule": self._add,
            "clearSchedules": self._clear,
            "removeSchedule": self._remove,
        }

    def _publish(self, request: Request) -> Answer:
        said = _with_kafka(self._controls.speaker).say(_wish(request.body))
        headers = {name: value.decode("utf-8", "replace") for name, value in said.headers}
        return Answer(202, {"topic": said.topic, "key": said.key, "headers": headers})

    def _listed(self, _request: Request) -> Answer:
        schedules = self._controls.schedules
        return Answer(
            200, {"schedules": [_running(each) for each in schedules.listed()] if schedules else []}
        )

    def _add(self, request: Request) -> Answer:
        schedules: Schedules = _with_kafka(self._controls.schedules)
        body = request.body
        schedule = Schedule(
            id=body.get("id") or schedules.new_id(),
            wish=_wish(body),
            rate=body["rate"],
            jitter=body.get("jitter", 0.0),
            count=body.get("count"),
        )
        return Answer(201, _running(schedules.add(schedule)))

    def _clear(self, _request: Request) -> Answer:
        if self._controls.schedules is not None:
            self._controls.schedules.clear()
        return Answer(204)

    def _remove(self, request: Request) -> Answer:
        schedules = self._controls.schedules
        return gone(schedules is not None and schedules.remove(request.path["scheduleId"]), "schedule")


def _with_kafka(what: T | None) -> T:
    if what is None:
        raise Problem(409, detail="This mock has no Kafka: it was started with --kafka none.")
    return what


def _wish(body: Mapping[str, JSON]) -> Wish:
    if sum((body.get("example") is not None, "payload" in body, bool(body.get("generated")))) > 1:
        raise UsageError(body["operation"], "several payloads are asked for", "example, payload or generated")
    return Wish(
        operation=body["operation"],
        example=body.get("example"),
        generated=body.get("generated", False),
        payload=body.get("payload"),
        has_payload="payload" in body,
        key=body.get("key"),
        headers=body.get("headers", {}),
    )


def _running(running: Running) -> dict[str, JSON]:
    schedule, wish = running.schedule, running.schedule.wish
    said: dict[str, JSON] = {
        "example": wish.example,
        "generated": wish.generated or None,
        "key": wish.key,
        "headers": dict(wish.headers) or None,
        "count": schedule.count,
    }
    if wish.has_payload:
        said["payload"] = wish.payload
    return {
        "id": schedule.id,
        "operation": wish.operation,
        "rate": schedule.rate,
        "jitter": schedule.jitter,
        "said": running.said,
        "failed": running.failed,
        "ended": running.ended,
        **{name: value for name, value in said.items() if value is not None},
    }
