"""Scenarios over HTTP."""

from __future__ import annotations

from collections.abc import Mapping

from harness.contract.model import JSON
from harness.contract.nearest import did_you_mean
from harness.errors import UsageError
from harness.serving.exchange import Answer, Request
from mocks.control.controls import Controls
from mocks.control.face import Face, gone
from mocks.documented import answers, answers_of
from mocks.matching import match_of
from mocks.scenarios import Scenario


class ScenarioFaces:
    """Scenarios."""

    def __init__(self, controls: Controls) -> None:
        self._controls, self._scenarios = controls, controls.scenarios

    def handlers(self) -> Mapping[str, Face]:
        """By operationId."""
        return {
            "listScenarios": self._listed,
            "addScenario": self._add,
            "clearScenarios": self._clear,
            "removeScenario": self._remove,
        }

    def _listed(self, _request: Request) -> Answer:
        return Answer(200, {"scenarios": [_shown(each, used) for each, used in self._scenarios.listed()]})

    def _add(self, request: Request) -> Answer:
        body = request.body
        scenario = Scenario(
            id=body.get("id") or self._scenarios.new_id(),
            operation=body["operation"],
            match=match_of(body.get("match", {}), "scenario"),
            status=body.get("status"),
            example=body.get("example"),
            body=body.get("body"),
            has_body="body" in body,
            headers=body.get("headers", {}),
            content_type=body.get("contentType", "application/json"),
            times=body.get("times"),
            session=body.get("session"),
        )
        self._check(scenario)
        self._scenarios.add(scenario)
        return Answer(201, _shown(scenario, 0))

    def _clear(self, _request: Request) -> Answer:
        self._scenarios.clear()
        return Answer(204)

    def _remove(self, request: Request) -> Answer:
        return gone(self._scenarios.remove(request.path["scenarioId"]), "scenario")

    def _check(self, scenario: Scenario) -> None:
        """Raises UsageError for what could never be answered."""
        known = self._controls.contract.operations
        if scenario.operation not in known:
            remedy = did_you_mean(scenario.operation, known)
            raise UsageError(scenario.operation, "there is no such operation", remedy=remedy)
        operation = known[scenario.operation]
        if scenario.has_body:
            if scenario.example is not None:
                raise UsageError(scenario.operation, "both a body and an example are named", "one of them")
            return
        if scenario.headers:
            raise UsageError(scenario.operation, "headers are said without a body", "a body beside them")
        if scenario.status is None and scenario.example is None:
            raise UsageError(scenario.operation, "nothing is said of the answer", "status, example or body")
        ways = answers(operation) if scenario.status is None else answers_of(operation, scenario.status)
        if not ways:
            documented = ", ".join(operation.responses) or "nothing"
            raise UsageError(
                scenario.operation,
                f"{scenario.status} is not documented here",
                f"one of {documented}",
                "Say a body, and any status goes",
            )
        names = [each.example.name for each in ways if each.example is not None and each.example.name]
        if scenario.example is not None and scenario.example not in names:
            raise UsageError(
                scenario.operation,
                f"no example is named '{scenario.example}'",
                remedy=did_you_mean(scenario.example, names),
            )


def _shown(scenario: Scenario, used: int) -> dict[str, JSON]:
    said: dict[str, JSON] = {
        "id": scenario.id,
        "operation": scenario.operation,
        "match": scenario.match.document() or None,
        "status": scenario.status,
        "example": scenario.example,
        "times": scenario.times,
        "session": scenario.session,
    }
    document = {name: value for name, value in said.items() if value is not None}
    if scenario.has_body:
        document |= {"body": scenario.body, "contentType": scenario.content_type}
        document |= {"headers": dict(scenario.headers)} if scenario.headers else {}
    return {**document, "used": used}
