"""What a request needs to be in place: a state that admits this very request, and a timer that it starts."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.contract import load
from harness.contract.model import JSON, Contract
from harness.driving.anatomy import Anatomy
from harness.driving.bench import Bench
from harness.driving.requests import successful
from harness.driving.scenarios import scenarios
from harness.driving.timers import Timer
from harness.target import Limits

PAPER = {"id": "one", "status": "filed", "urgent": True}


def _document() -> dict[str, JSON]:
    """Papers: what is put in says its status, and touching one leaves it where it is."""
    schema = {"$ref": "#/components/schemas/Paper"}
    answer = {"description": "It", "content": {"application/json": {"schema": schema}}}
    wishes = {"filing": {"value": {"status": "filed"}}, "mending": {"value": {"status": "mended"}}}
    body = {"content": {"application/json": {"schema": {"type": "object"}, "examples": wishes}}}
    id = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}, "example": "one"}
    transitions = [
        {
            "from": ["filed", "mended"],
            "to": "mended",
            "by": "put",
            "when": "$request.body#/status == 'mended'",
        },
        {"from": ["open"], "to": "filed", "by": "put", "when": "$request.body#/status == 'filed'"},
        {"from": ["filed"], "to": "filed", "by": "touch"},
        {"from": ["filed"], "to": "filed", "by": {"after": "PT1H"}, "when": "$response.body#/urgent == true"},
    ]
    named = {"id": {"type": "string"}, "status": {"type": "string"}, "urgent": {"type": "boolean"}}
    paper = {
        "type": "object",
        "properties": named,
        "examples": [PAPER],
        "x-lifecycle": {"property": "status", "transitions": transitions},
    }
    put = {"operationId": "put", "parameters": [id], "requestBody": body, "responses": {"200": answer}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Papers", "version": "1"},
        "paths": {
            "/papers/{id}": {
                "get": {"operationId": "get", "parameters": [id], "responses": {"200": answer}},
                "put": put,
            },
            "/papers/{id}/touch": {
                "post": {"operationId": "touch", "parameters": [id], "responses": {"200": answer}}
            },
        },
        "components": {"schemas": {"Paper": paper}},
    }


@pytest.fixture
def papers(tmp_path: Path) -> Contract:
    (tmp_path / "openapi.json").write_text(json.dumps(_document()), encoding="utf-8")
    return load(tmp_path)


class _Desk:
    """As much of a bench as prepares a request: whatever is wished for is made, and every call succeeds."""

    controlled = remembers = True
    limits = Limits()

    def __init__(self, contract: Contract) -> None:
        self.contract, self.anatomy = contract, Anatomy(contract)
        self.made: list[JSON] = []
        self.states, self.caller = self, self

    def fresh_id(self, _: object) -> str:
        return f"paper-{len(self.made)}"

    def create(self, _: str, wish: JSON) -> Any:
        self.made.append(wish)
        return SimpleNamespace(document=wish, version=1)

    def send(self, call: Any, _: object = None) -> Any:
        return SimpleNamespace(call=call, ok=True, status=200, headers={}, body=self.made[-1])


@pytest.mark.parametrize(("wish", "status"), [("filing", "open"), ("mending", "filed")])
def test_a_request_finds_what_it_addresses_in_a_state_that_admits_it(
    papers: Contract, wish: str, status: str
) -> None:
    desk, put = _Desk(papers), papers.operations["put"]
    (scenario,) = [each for each in scenarios(put) if each.name == wish]
    prepared = successful(cast("Bench", desk), put, scenario=scenario)
    assert prepared.thing is not None
    assert prepared.thing.document["status"] == status


def test_a_request_that_finds_a_timer_running_has_not_started_it(papers: Contract) -> None:
    """Its correlation is not the timer's: that is of what brought the aggregate into its state."""
    desk, lifecycle = _Desk(papers), papers.lifecycles["Paper"]
    (edge,) = [each for each in lifecycle.transitions if each.timed]
    entered = Timer(lifecycle, edge, "filed").enter(cast("Bench", desk))
    assert entered.exchange is None
