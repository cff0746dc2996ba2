"""Every Arazzo document of the corpus is read; what lint finds in them is what a person finds there too."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.contract import load_system
from harness.contract.model.workflows import HttpCall, Nowhere, WorkflowCall, WorkflowDocument
from harness.errors import ContractError
from harness.lint import lint

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("CONTRACT_CORPUS", ROOT.parent / "shared" / "corpus")) / "arazzo"

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no corpus in {CORPUS}")

FILES = {
    "1.0.0/ExtendedParametersExample.arazzo.yaml": {"workflow-source"},  # animals.yaml is not there
    "1.0.0/FAPI-PAR.arazzo.yaml": {"workflow-target"},  # says PAR, and the operationId is Par
    "1.0.0/LoginAndRetrievePets.arazzo.yaml": {"workflow-source"},  # on another machine
    # On another machine; and outputs that no step has, one of them written $steps.<id>.<name>.
    "1.0.0/bnpl-arazzo.yaml": {"workflow-source", "workflow-expression"},
    "1.0.0/oauth.arazzo.yaml": set[str](),
    "1.0.0/pet-coupons.arazzo.yaml": {"workflow-parameter"},  # pet_tags and pet_id, which are tags and petId
}
"""Document → the rules that find an error in it, and what the error is."""


def read(name: str) -> WorkflowDocument:
    (document,) = load_system(CORPUS / name).workflows
    return document


def test_no_document_is_left_out() -> None:
    assert {str(each.relative_to(CORPUS)) for each in CORPUS.rglob("*arazzo.yaml")} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_each_document_is_read_and_its_errors_are_true(name: str) -> None:
    found = [each for each in lint(load_system(CORPUS / name)) if each.severity == "error"]
    assert {each.check.removeprefix("lint/") for each in found} == FILES[name], found
    assert all(each.where.file.endswith(name) and each.where.line > 1 for each in found)


@pytest.mark.parametrize("name", ["1.0.0/oauth.arazzo.yaml", "1.0.0/pet-coupons.arazzo.yaml"])
def test_every_step_leads_to_an_operation_or_a_workflow(name: str) -> None:
    document = read(name)
    for _, step in document.steps:
        does = step.does
        assert isinstance(does, HttpCall | WorkflowCall)
        if isinstance(does, WorkflowCall):
            assert document.workflow(does) is not None


def test_a_document_whose_source_is_elsewhere_is_read_and_refused_where_it_is_used() -> None:
    document = read("1.0.0/bnpl-arazzo.yaml")
    (workflow,) = document.workflows.values()
    assert len(workflow.steps) == 7
    assert len(workflow.steps["checkLoanCanBeProvided"].on_success) == 3
    for step in workflow.steps.values():
        assert isinstance(step.deed, Nowhere)
        with pytest.raises(ContractError, match=r"needs the source 'BnplApi'.*raw\.githubusercontent\.com"):
            _ = step.does


def test_what_is_shared_by_reference_comes_with_the_value_given_there() -> None:
    step = read("1.0.0/pet-coupons.arazzo.yaml").workflows["buy-available-pet"].steps["find-pet"]
    values = {each.name: (each.location, each.value) for each in step.parameters}
    assert values == {"status": ("query", "available"), "page": ("query", 1), "pageSize": ("query", 10)}


def test_the_same_document_beside_its_source_leads_to_every_operation(tmp_path: Path) -> None:
    text = (CORPUS / "1.0.0/bnpl-arazzo.yaml").read_text()
    remote = "https://raw.githubusercontent.com/OAI/Arazzo-Specification/main/examples/1.0.0/"
    (tmp_path / "bnpl.arazzo.yaml").write_text(text.replace(remote, ""))
    (tmp_path / "bnpl-openapi.yaml").write_bytes((CORPUS / "1.0.0/bnpl-openapi.yaml").read_bytes())
    (document,) = load_system(tmp_path).workflows
    assert all(isinstance(step.does, HttpCall) for _, step in document.steps)


def test_1_1_joins_http_and_messages(tmp_path: Path) -> None:
    """The flow that 1.1 tells of, over the corpus's own AsyncAPI document, which is all there is of it."""
    (tmp_path / "pets.yaml").write_bytes((CORPUS / "1.1.0/pet-asyncapi.yaml").read_bytes())
    (tmp_path / "pets.arazzo.yaml").write_text(
        """\
arazzo: 1.1.0
info: {title: Pets, version: 1.0.0}
sourceDescriptions: [{name: pets, url: pets.yaml, type: asyncapi}]
workflows:
  - workflowId: buy
    inputs: {type: object, properties: {id: {type: string}}}
    steps:
      - stepId: order
        operationId: $sourceDescriptions.pets.placeOrder
        action: send
        parameters: [{name: orderRequestId, in: header, value: $inputs.id}]
        requestBody: {payload: {petId: 7}}
      - stepId: confirm
        channelPath: '{$sourceDescriptions.pets.url}#/channels/confirm-order'
        action: receive
        correlationId: $inputs.id
        timeout: 6000
        dependsOn: [order]
        outputs: {orderId: $message.payload#/orderId}
    outputs: {orderId: $steps.confirm.outputs.orderId}
"""
    )
    system = load_system(tmp_path)
    assert [each for each in lint(system) if each.check.startswith("lint/workflow")] == []
