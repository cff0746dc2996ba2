"""Which models Schemathesis' examples phase would never come to an end with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from schemathesis.core.result import Ok

from harness.checks.http_properties import run
from harness.contract import load
from harness.contract.model import Contract, System
from harness.driving.property_models import holds_itself_in_many_ways
from harness.driving.property_setup import Setup
from harness.findings import CouldNotTell, Passed
from harness.serving.keys import KeyStore
from harness.target import Limits, Target
from mocks.mock import build_mock
from tests.unit.serving.live import served


def model(kinds: int) -> str:
    """An OpenAPI document: so many kinds of things, each of which may hold every other."""
    names = [f"K{number}" for number in range(kinds)]
    held = ", ".join(f"{name.lower()}: {{$ref: '#/components/schemas/{name}'}}" for name in names)
    schemas = "".join(f"    {name}: {{type: object, properties: {{{held}}}}}\n" for name in names)
    return f"""
openapi: 3.1.0
info: {{title: Things, version: '1'}}
paths:
  /things:
    get: {{operationId: listThings, responses: {{'200': {{description: ok}}}}}}
    post:
      operationId: addThing
      requestBody: {{content: {{application/json: {{schema: {{$ref: '#/components/schemas/K0'}}}}}}}}
      responses: {{'204': {{description: ok}}}}
components:
  schemas:
{schemas}"""


def read(folder: Path, text: str) -> Contract:
    (folder / "openapi.yaml").write_text(text, encoding="utf-8")
    return load(folder / "openapi.yaml")


@pytest.mark.parametrize(("kinds", "many"), [(1, False), (4, False), (9, True), (30, True)])
def test_a_model_that_holds_itself_in_many_ways_is_told(tmp_path: Path, kinds: int, many: bool) -> None:
    contract = read(tmp_path, model(kinds))
    assert holds_itself_in_many_ways(contract.operations["addThing"]) is many
    assert not holds_itself_in_many_ways(contract.operations["listThings"])


def test_its_examples_are_not_gone_through_and_all_else_is_tried(tmp_path: Path) -> None:
    contract = read(tmp_path, model(9))
    target = Target("things", "http://127.0.0.1:9", "external", frozenset())
    [own] = Setup(contract, target, Limits()).settings()["operations"]
    assert own == {"include-name": "POST /things", "phases": {"examples": {"enabled": False}}}


@pytest.mark.parametrize("kept", ["listThings", "addThing"])
def test_of_the_operations_only_those_given_are_tried(tmp_path: Path, kept: str) -> None:
    """Also where one of them has settings of its own."""
    whole = read(tmp_path, model(9))
    contract = replace(whole, operations={kept: whole.operations[kept]})
    target = Target("things", "http://127.0.0.1:9", "external", frozenset())
    schema = Setup(contract, target, Limits()).schema()
    tried = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    assert [each.definition.raw["operationId"] for each in tried] == [kept]


def test_no_shipped_contract_has_one() -> None:
    for folder in sorted(Path("contracts").glob("*/openapi.yaml")):
        operations = load(folder.parent).operations.values()
        assert not any(holds_itself_in_many_ways(each) for each in operations), folder


def test_such_a_model_costs_no_other_operation_its_verdict(tmp_path: Path) -> None:
    contract = read(tmp_path, model(9))
    system = System(contracts={contract.service: contract}, folder=tmp_path)
    with served([build_mock(contract, keys=KeyStore(tmp_path))]) as addresses:
        target = Target(
            contract.service,
            addresses.services[contract.service],
            "mock",
            frozenset(),
            control=addresses.control[contract.service],
        )
        told = {each.operation: each for each in run(system, target, Limits(cases=1, budget=4, timeout=1))}
    assert isinstance(told["listThings"], Passed)
    assert isinstance(told["addThing"], CouldNotTell)
    assert "not everything was tried within 4 s" in told["addThing"].reason
