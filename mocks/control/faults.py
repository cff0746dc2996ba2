"""Rules of faults over HTTP."""

from __future__ import annotations

from collections.abc import Mapping

from harness.serving.exchange import Answer, Request
from mocks.control.controls import Controls
from mocks.control.face import Face, gone
from mocks.fault_rules import check_rule, rule_of


class FaultFaces:
    """Rules of faults."""

    def __init__(self, controls: Controls) -> None:
        self._controls, self._rules = controls, controls.faults

    def handlers(self) -> Mapping[str, Face]:
        """By operationId."""
        return {
            "listFaults": self._listed,
            "addFault": self._add,
            "clearFaults": self._clear,
            "removeFault": self._remove,
        }

    def _listed(self, _request: Request) -> Answer:
        shown = [
            {**rule.document(), "matched": matched, "struck": struck}
            for rule, matched, struck in self._rules.listed()
        ]
        return Answer(200, {"faults": shown})

    def _add(self, request: Request) -> Answer:
        rule = rule_of(request.body, "fault", self._rules.new_id())
        check_rule(rule, self._controls.contract, "fault")
        self._rules.add(rule)
        return Answer(201, {**rule.document(), "matched": 0, "struck": 0})

    def _clear(self, _request: Request) -> Answer:
        self._rules.clear()
        return Answer(204)

    def _remove(self, request: Request) -> Answer:
        return gone(self._rules.remove(request.path["faultId"]), "fault")
