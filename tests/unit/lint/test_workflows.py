"""Lint on workflows: nothing in a good one, and one finding, at its place, for each thing that is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.contract import load_system
from harness.findings import Finding
from harness.lint import lint, workflows

FLOW = """\
arazzo: 1.1.0
$self: https://example.org/flows/visit.arazzo.yaml
info: {title: A visit, version: 1.0.0}
sourceDescriptions:
  - {name: visits, url: ../visits/openapi.yaml, type: openapi}
  - {name: events, url: ../visits/asyncapi.yaml, type: asyncapi}
  - {name: unused, url: missing.yaml, type: openapi}
workflows:
  - workflowId: pay
    inputs: {type: object, required: [visit], properties: {visit: {type: string}}}
    steps:
      - stepId: pay
        operationId: $sourceDescriptions.events.paid
        requestBody: {payload: {visitId: $inputs.visit, ok: true}}
  - workflowId: visit
    inputs: {$ref: '#/components/inputs/Visit'}
    failureActions: [{name: again, type: retry, criteria: [{condition: $statusCode == 503}]}]
    steps:
      - stepId: open
        operationId: $sourceDescriptions.visits.openVisit
        requestBody:
          contentType: application/json
          payload: {state: open, patientId: $inputs.patientId}
          replacements: [{target: /state, value: waiting}]
        successCriteria:
          - condition: $statusCode == 201 && $response.body.state != null
          - {context: $response.body#/state, condition: ^open$, type: regex}
          - {context: $response.body, condition: $.state, type: jsonpath}
        onSuccess: [{name: go, type: goto, stepId: hear}]
        onFailure:
          - name: pay
            type: goto
            workflowId: pay
            parameters: [{name: visit, value: $steps.open.outputs.id}]
        outputs:
          id: $response.body#/id
          etag: $response.header.ETag
          state: {context: $response.body, selector: /state, type: jsonpointer}
      - stepId: hear
        channelPath: '{$sourceDescriptions.events.url}#/channels/visit'
        action: receive
        correlationId: $inputs.correlation
        dependsOn: [open]
        outputs: {count: $message.payload#/count}
      - {stepId: pay, workflowId: pay, parameters: [{name: visit, value: $steps.open.outputs.id}]}
      - stepId: list
        operationId: $sourceDescriptions.visits.listVisits
        parameters:
          - {name: patientId, in: path, value: $inputs.patientId}
          - {reference: $components.parameters.limit}
          - {name: Authorization, in: header, value: 'Bearer {$inputs.token}'}
    outputs: {id: $steps.open.outputs.id, from: $self}
components:
  inputs:
    Visit:
      type: object
      properties: {patientId: {type: string}, correlation: {type: string}, token: {type: string}}
  parameters: {limit: {name: limit, in: query, value: 5}}
"""


def findings(folder: Path, text: str) -> list[Finding]:
    path = folder / "flows/visit.arazzo.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    unused = f"{path}:7"
    found = lint(load_system(path))
    return [each for each in found if (str(each.where), each.severity) != (unused, "warning")]


def test_lint_finds_nothing_in_a_good_workflow(folder: Path) -> None:
    assert findings(folder, FLOW) == []


def test_a_source_that_nothing_needs_is_a_warning(folder: Path) -> None:
    findings(folder, FLOW)
    (only,) = lint(load_system(folder / "flows/visit.arazzo.yaml"))
    assert (only.check, only.severity) == ("lint/workflow-source", "warning")
    assert "missing.yaml" in only.received


WRONG = [
    ("successCriteria:", "sucessCriteria:", "workflow-structure", "Did you mean 'successCriteria'"),
    (
        "info: {title: A visit, version",
        "info: {title: A visit, versio",
        "workflow-structure",
        "has no 'version'",
    ),
    ("    Visit:\n      type: object", "    Visit:\n      type: objec", "workflow-structure", "'object'"),
    ("    Visit:\n", "    Vis it: {}\n    Visit:\n", "workflow-structure", "no expression can say"),
    (
        "action: receive\n",
        "action: receive\n        timout: 5\n",
        "workflow-structure",
        "Did you mean 'timeout'",
    ),
    (
        "$response.body#/state, condition",
        "$response.body#/state, contition: x, condition",
        "workflow-structure",
        "Did",
    ),
    ("events.paid", "unused.paid", "workflow-source", "'unused' cannot be read, so what needs it"),
    ("visits.openVisit", "visits.openVist", "workflow-target", "Did you mean 'openVisit'"),
    ("visits.openVisit", "vists.openVisit", "workflow-target", "Did you mean 'visits'"),
    (
        "workflowId: pay\n            p",
        "workflowId: pey\n            p",
        "workflow-target",
        "Did you mean 'pay'",
    ),
    ("    inputs: {$ref", "    dependsOn: [pey]\n    inputs: {$ref", "workflow-target", "Did you mean 'pay'"),
    ("stepId: hear}", "stepId: heard}", "workflow-step", "Did you mean 'hear'"),
    ("dependsOn: [open]", "dependsOn: [opn]", "workflow-step", "Did you mean 'open'"),
    ("dependsOn: [open]", "dependsOn: [$workflows.pey.steps.x]", "workflow-step", "does not exist"),
    ("type: goto, stepId: hear", "type: end, stepId: hear", "workflow-step", "ends the workflow"),
    (
        "        requestBody:\n",
        "        action: send\n        requestBody:\n",
        "workflow-step",
        "'action' means",
    ),
    ("action: receive", "action: send", "workflow-step", "'correlationId' says which message to wait for"),
    (
        "events.paid\n",
        "events.paid\n        action: receive\n",
        "workflow-step",
        "the service itself receives",
    ),
    (
        "name: patientId, in: path",
        "name: patientID, in: path",
        "workflow-parameter",
        "Did you mean 'patientId'",
    ),
    (
        "name: patientId, in: path",
        "name: patientID, in: path",
        "workflow-parameter",
        "'patientId' is missing",
    ),
    ("name: patientId, in: path,", "name: patientId,", "workflow-parameter", "does not say where it goes"),
    ("{name: limit, in: query", "{name: limits, in: query", "workflow-parameter", "Did you mean 'limit'"),
    ("contentType: application/json", "contentType: text/plain", "workflow-parameter", "takes no text/plain"),
    ("visits.openVisit", "visits.listVisits", "workflow-parameter", "has no request body"),
    (
        "pay, parameters: [{name: visit, value: $s",
        "pay, parameters: [{name: vist, value: $s",
        "workflow-parameter",
        "Did",
    ),
    (
        "pay, parameters: [{name: visit, value: $s",
        "pay, parameters: [{name: vist, value: $s",
        "workflow-parameter",
        "'visit' is m",
    ),
    (
        "parameters: [{name: visit, v",
        "parameters: [{name: visit, in: query, v",
        "workflow-parameter",
        "input has no place",
    ),
    ("patientId: $inputs.patientId}", "patientId: $inputs.patientID}", "workflow-expression", "Did you mean"),
    ("$inputs.patientId}", "$input.patientId}", "workflow-expression", "is malformed"),
    ("{$inputs.token}", "{$inputs.tokn}", "workflow-expression", "Did you mean 'token'"),
    (
        "outputs: {id: $steps.open",
        "outputs: {id: $steps.opened",
        "workflow-expression",
        "Did you mean 'open'",
    ),
    (
        "outputs: {id: $steps.open.outputs.id",
        "outputs: {id: $steps.open.outputs.idd",
        "workflow-expression",
        "'id'",
    ),
    ("outputs: {id: $steps.open.outputs.id", "outputs: {id: $steps.open.id", "workflow-expression", "<name>"),
    ("outputs: {id: $steps.open.outputs.id", "outputs: {id: text", "workflow-expression", "is malformed"),
    (
        "patientId: $inputs",
        "patientId: $steps.hear.outputs.count, x: $inputs",
        "workflow-expression",
        "comes after",
    ),
    (
        "patientId: $inputs",
        "patientId: $steps.open.outputs.id, x: $inputs",
        "workflow-expression",
        "no outputs yet",
    ),
    (
        "etag: $response.header.ETag",
        "etag: $response.header.Tag",
        "workflow-expression",
        "Did you mean 'etag'",
    ),
    ("id: $response.body#/id", "id: $response.body#/idd", "workflow-expression", "Did you mean 'id'"),
    ("id: $response.body#/id", "id: $message.payload#/id", "workflow-expression", "calls an HTTP operation"),
    ("id: $response.body#/id", "id: $response.body.id", "workflow-expression", r"\$response\.body#/id"),
    ("$message.payload#/count", "$message.payload#/cuont", "workflow-expression", "Did you mean 'count'"),
    ("$message.payload#/count", "$statusCode", "workflow-expression", "sends or receives a message"),
    ("outputs: {id: $s", "outputs: {x: $response.body, id: $s", "workflow-expression", "no exchange"),
    (
        "outputs: {id: $s",
        "outputs: {x: $workflows.pey.outputs.y, id: $s",
        "workflow-expression",
        "Did you mean 'pay'",
    ),
    ("outputs: {id: $s", "outputs: {x: $workflows.pay.inputs.vist, id: $s", "workflow-expression", "'visit'"),
    (
        "outputs: {id: $s",
        "outputs: {x: $components.parameters.lmit, id: $s",
        "workflow-expression",
        "'limit'",
    ),
    (
        "outputs: {id: $s",
        "outputs: {x: $sourceDescriptions.vists.url, id: $s",
        "workflow-expression",
        "'visits'",
    ),
    ("$statusCode == 201 &&", "$statusCode = 201 &&", "workflow-criterion", "is malformed from"),
    ("condition: ^open$", "condition: '^(open$'", "workflow-criterion", "no regular expression"),
    ("condition: $.state", "condition: '$.['", "workflow-criterion", "is malformed from character"),
    (
        "condition: $.state, type: jsonpath",
        "condition: /state, type: xpath",
        "workflow-criterion",
        "XPath is not supp",
    ),
    ("{context: $response.body, condition", "{condition", "workflow-criterion", "has no context"),
    (
        "selector: /state, type: jsonpointer",
        "selector: state, type: jsonpointer",
        "workflow-selector",
        "no JSON pointer",
    ),
    (
        "selector: /state, type: jsonpointer",
        "selector: /state, type: xpath",
        "workflow-selector",
        "XPath is not",
    ),
    ("{target: /state,", "{target: /state, targetSelectorType: xpath,", "workflow-selector", "XPath is not"),
    ("dependsOn: [open]", "dependsOn: [open, hear]", "workflow-order", "wait for one another"),
    (
        "    inputs: {$ref",
        "    dependsOn: [visit]\n    inputs: {$ref",
        "workflow-order",
        "wait for one another",
    ),
    (
        "workflowId: pay, parameters: [{name: visit, value: $steps.open.outputs.id}]}\n      - stepId: list",
        "workflowId: visit}\n      - stepId: list",
        "workflow-order",
        "call one another",
    ),
]


@pytest.mark.parametrize(("old", "new", "rule", "said"), WRONG)
def test_each_wrong_thing_is_found_at_its_line(
    folder: Path, old: str, new: str, rule: str, said: str
) -> None:
    assert old in FLOW
    text = FLOW.replace(old, new, 1)
    lines = {
        number
        for number, (was, now) in enumerate(zip(FLOW.splitlines(), text.splitlines(), strict=False), 1)
        if was != now
    }
    found = findings(folder, text)
    told = [each for each in found if each.check == f"lint/{rule}"]
    assert [each for each in told if re.search(said, f"{each.title}: {each.documented}")], found
    assert all(each.where.file.endswith("visit.arazzo.yaml") for each in told)
    nearest = min(abs(each.where.line - line) for each in told for line in lines)
    assert nearest <= (8 if "limit" in old or rule == "workflow-source" else 4), (told, lines)


def test_a_step_may_look_back_at_a_later_one_that_jumps_to_it(folder: Path) -> None:
    text = FLOW.replace("patientId: $inputs", "patientId: $steps.hear.outputs.count, x: $inputs", 1)
    back = "        dependsOn: [open]\n        onSuccess: [{name: back, type: goto, stepId: open}]\n"
    assert findings(folder, text.replace("        dependsOn: [open]\n", back)) == []


def test_inputs_that_may_be_others_are_not_judged(folder: Path) -> None:
    text = FLOW.replace("{$inputs.token}", "{$inputs.other}").replace(
        "    Visit:\n      type: object", "    Visit:\n      type: object\n      additionalProperties: true"
    )
    assert findings(folder, text) == []


def test_the_shipped_workflow_is_clean() -> None:
    shipped = Path(__file__).parents[3] / "contracts/workflows/booking.arazzo.yaml"
    assert list(lint(load_system(shipped))) == []


def test_every_rule_is_tried_here() -> None:
    assert {rule.id for rule in workflows.RULES} == {case[2] for case in WRONG}
