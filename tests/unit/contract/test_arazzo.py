"""Arazzo documents are read: sources, steps of all kinds, what is shared between steps; and refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.contract import load_system
from harness.contract.model.workflows import (
    HttpCall,
    Language,
    MessageFlow,
    Nowhere,
    Selector,
    Step,
    Workflow,
    WorkflowCall,
    WorkflowDocument,
)
from harness.errors import ContractError
from tests.unit.contract.conftest import Write

HEAD = """\
arazzo: 1.1.0
info: {title: Flows, version: 1.0.0}
sourceDescriptions:
  - {name: tickets, url: ../tickets/openapi.yaml, type: openapi}
  - {name: events, url: ../tickets/asyncapi.yaml, type: asyncapi}
  - {name: more, url: more.arazzo.yaml, type: arazzo}
"""

MORE = """\
arazzo: 1.0.1
info: {title: More, version: 1.0.0}
sourceDescriptions: [{name: tickets, url: ../tickets/openapi.yaml}]
workflows:
  - workflowId: close
    inputs: {type: object, properties: {id: {type: string}}}
    steps:
      - {stepId: close, operationId: closeTicket, parameters: [{name: ticketId, in: path, value: $inputs.id}]}
"""

WORKFLOWS = """\
workflows:
  - workflowId: open
    summary: Opens one
    inputs: {$ref: '#/components/inputs/Ticket'}
    dependsOn: [$sourceDescriptions.more.close]
    parameters:
      - {name: X-Trace, in: header, value: t}
      - {reference: $components.parameters.limit}
    successActions: [{name: done, type: end}]
    failureActions:
      - name: again
        type: retry
        retryAfter: 2.5
        retryLimit: 4
        criteria: [{condition: $statusCode == 503}]
    steps:
      - stepId: list
        operationPath: '{$sourceDescriptions.tickets.url}#/paths/~1tickets/get'
        parameters:
          - {name: X-Trace, in: header, value: mine}
          - {reference: $components.parameters.limit, value: 5}
        successCriteria:
          - condition: $statusCode == 200
          - {context: $response.body, condition: '$.items[0]', type: jsonpath}
          - context: $response.body
            condition: '$..items[(@.length-1)]'
            type: {type: jsonpath, version: draft-goessner-dispatch-jsonpath-00}
        outputs:
          first: {context: $response.body, selector: '$.items[0].id', type: jsonpath}
          page: $response.body
      - stepId: open
        operationId: $sourceDescriptions.tickets.openTicket
        requestBody:
          contentType: application/json
          payload:
            state: open
            ownerId: {context: $steps.list.outputs.page, selector: /who, type: jsonpointer}
          replacements:
            - {target: /note, value: new}
            - {target: '$.state', targetSelectorType: jsonpath, value: waiting}
        onSuccess: [{name: done, type: goto, stepId: hear}]
        onFailure:
          - name: elsewhere
            type: goto
            workflowId: $sourceDescriptions.more.close
            parameters: [{name: id, value: t-1}]
      - stepId: hear
        channelPath: '{$sourceDescriptions.events.url}#/channels/ticket'
        action: receive
        correlationId: $inputs.id
        timeout: 1500
        dependsOn: [open, $workflows.open.steps.list, $sourceDescriptions.more.close.steps.close]
      - {stepId: send, operationId: $sourceDescriptions.events.mailAnswered}
      - stepId: close
        workflowId: $sourceDescriptions.more.close
        parameters: [{name: id, value: $inputs.id}]
      - {stepId: again, workflowId: open}
    outputs: {id: $steps.open.outputs.id}
components:
  inputs: {Ticket: {type: object, properties: {id: {type: string}, who: {type: string}}}}
  parameters: {limit: {name: limit, in: query, value: 20}}
"""


@pytest.fixture
def document(folder: Path, write: Write) -> WorkflowDocument:
    write("contracts/workflows/more.arazzo.yaml", MORE)
    write("contracts/workflows/open.arazzo.yaml", HEAD + WORKFLOWS)
    found = {each.name: each for each in load_system(folder).workflows}
    assert list(found) == ["more", "open"]
    return found["open"]


@pytest.fixture
def workflow(document: WorkflowDocument) -> Workflow:
    return document.workflows["open"]


def test_sources_of_all_kinds_are_the_systems_own_contracts(folder: Path, document: WorkflowDocument) -> None:
    tickets, events, more = document.sources.values()
    assert tickets.contract is not None
    assert tickets.contract is events.contract
    assert (tickets.contract.service, more.kind) == ("tickets", "arazzo")
    assert more.workflows is not None
    assert list(more.workflows.workflows) == ["close"]


def test_steps_of_all_kinds_lead_to_what_they_name(document: WorkflowDocument, workflow: Workflow) -> None:
    listed, opened, heard, sent, closed, again = (each.does for each in workflow.steps.values())
    assert isinstance(listed, HttpCall)
    assert isinstance(opened, HttpCall)
    assert isinstance(heard, MessageFlow)
    assert isinstance(sent, MessageFlow)
    assert (listed.operation.id, opened.operation.id) == ("listTickets", "openTicket")
    assert (heard.channel.address, heard.action) == ("portal.tickets.ticket.v1", "receive")
    assert (sent.channel.id, sent.action) == (
        "answer",
        "send",
    )  # the service receives what the workflow sends
    assert (closed, again) == (WorkflowCall("close", "more"), WorkflowCall("open"))
    assert isinstance(closed, WorkflowCall)
    found = document.workflow(closed)
    assert found is not None
    assert found[0].name == "more"


def test_what_a_workflow_says_holds_for_every_step_that_does_not_say_otherwise(workflow: Workflow) -> None:
    listed, opened = workflow.steps["list"], workflow.steps["open"]
    assert [(each.name, each.value, each.inherited) for each in listed.parameters] == [
        ("X-Trace", "mine", False),
        ("limit", 5, False),
    ]
    assert [(each.name, each.value, each.inherited) for each in opened.parameters] == [
        ("X-Trace", "t", True),
        ("limit", 20, True),
    ]
    assert [(each.name, each.kind) for each in listed.on_success] == [("done", "end")]
    assert [(each.name, each.kind, each.step) for each in opened.on_success] == [("done", "goto", "hear")]
    first, again = opened.on_failure
    assert (first.target, again.retry_after, again.retry_limit) == (WorkflowCall("close", "more"), 2.5, 4)


def test_values_bodies_criteria_and_dependencies(workflow: Workflow) -> None:
    listed, opened, heard = (workflow.steps[id_] for id_ in ("list", "open", "hear"))
    assert [each.language for each in listed.criteria] == [
        Language(),
        Language("jsonpath"),
        Language("jsonpath", "draft-goessner-dispatch-jsonpath-00"),
    ]
    first = listed.outputs["first"]
    assert isinstance(first, Selector)
    assert (first.context, first.selector) == ("$response.body", "$.items[0].id")
    assert opened.body is not None
    assert isinstance(opened.body.payload, dict)
    assert isinstance(opened.body.payload["ownerId"], Selector)
    assert [(each.target, each.language.name) for each in opened.body.replacements] == [
        ("/note", "jsonpointer"),
        ("$.state", "jsonpath"),
    ]
    assert (heard.timeout, heard.correlation) == (1.5, "$inputs.id")
    assert [(each.source, each.workflow, each.step) for each in heard.depends_on] == [
        ("", "", "open"),
        ("", "open", "list"),
        ("more", "close", "close"),
    ]
    assert dict(workflow.depends_on) == {"$sourceDescriptions.more.close": WorkflowCall("close", "more")}
    assert workflow.inputs is not None


def one(folder: Path, write: Write, steps: str, head: str = HEAD) -> Step:
    """The only step of a document in 1.1 with the usual sources."""
    write("contracts/workflows/more.arazzo.yaml", MORE)
    path = write(
        "contracts/workflows/one.arazzo.yaml", f"{head}workflows: [{{workflowId: w, steps: [{steps}]}}]"
    )
    (document,) = load_system(path).workflows
    return next(iter(document.workflows["w"].steps.values()))


@pytest.mark.parametrize(
    ("does", "problem"),
    [
        ("operationId: openTickt", r"there is no operation 'openTickt'.*Did you mean 'openTicket'"),
        ("operationId: $sourceDescriptions.tickts.openTicket", r"no source 'tickts'.*Did you mean 'tickets'"),
        ("operationId: $sourceDescriptions.events.openTicket", "no operation 'openTicket' in 'events'"),
        (
            "operationPath: '{$sourceDescriptions.tickets.url}#/paths/~1ticket/get'",
            "leads nowhere in 'tickets'",
        ),
        (
            "operationPath: '{$sourceDescriptions.tickets.url}#/paths/~1tickets'",
            "several operations: get, post",
        ),
        ("operationPath: '#/paths/~1tickets/get'", "is no path to an operation"),
        ("operationPath: '{$sourceDescriptions.tickets.url}#/components'", "is no operation of 'tickets'"),
        ("channelPath: '{$sourceDescriptions.events.url}#/channels/ticket'", "has no action"),
        ("channelPath: '{$sourceDescriptions.events.url}#/channels/tickets', action: send", "'ticket'"),
        ("channelPath: '{$sourceDescriptions.more.url}#/channels/ticket', action: send", "holds workflows"),
        ("workflowId: ww", r"no workflow 'ww'.*Did you mean 'w'"),
        ("workflowId: $sourceDescriptions.more.clos", r"no workflow 'clos' in 'more'.*Did you mean 'close'"),
    ],
)
def test_a_name_that_leads_nowhere_is_an_error_of_whoever_uses_it(
    folder: Path, write: Write, does: str, problem: str
) -> None:
    step = one(folder, write, f"{{stepId: s, {does}}}")
    with pytest.raises(ContractError, match=rf"one\.arazzo\.yaml:7: .*{problem}"):
        _ = step.does


def test_the_path_of_a_path_item_with_one_operation_is_that_operation(folder: Path, write: Write) -> None:
    text = "{stepId: s, operationPath: '{$sourceDescriptions.tickets.url}#/paths/~1tickets~1%7BticketId%7D'}"
    does = one(folder, write, text).does
    assert isinstance(does, HttpCall)
    assert does.operation.id == "closeTicket"


def test_an_operation_that_several_sources_have_must_say_which(folder: Path, write: Write) -> None:
    write("contracts/other/openapi.yaml", (folder / "tickets/openapi.yaml").read_text())
    write("contracts/other/asyncapi.yaml", (folder / "tickets/asyncapi.yaml").read_text())
    head = HEAD + "  - {name: other, url: ../other/openapi.yaml}\n"
    with pytest.raises(
        ContractError, match="several sources have an operation 'openTicket': tickets and other"
    ):
        _ = one(folder, write, "{stepId: s, operationId: openTicket}", head).does


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("{name: far, url: 'https://nowhere.invalid/openapi.yaml'}", "https://nowhere.invalid/openapi.yaml"),
        ("{name: far, url: missing.yaml}", "missing.yaml"),
        ("{name: far, url: ../tickets/asyncapi.yaml, type: openapi}", "Did you mean 'type: asyncapi'"),
        ("{name: far, url: one.arazzo.yaml, type: arazzo}", "leads back to where it came from"),
        ("{name: far, url: broken.yaml}", "not valid YAML"),
    ],
)
def test_a_source_that_cannot_be_had_harms_only_what_needs_it(
    folder: Path, write: Write, source: str, problem: str
) -> None:
    write("contracts/workflows/broken.yaml", "openapi: [")
    head = f"{HEAD}  - {source}\n"
    assert isinstance(one(folder, write, "{stepId: s, operationId: openTicket}", head).does, HttpCall)
    for does in ("operationId: $sourceDescriptions.far.x", "operationId: unknown"):
        step = one(folder, write, f"{{stepId: s, {does}}}", head)
        assert isinstance(step.deed, Nowhere)
        assert step.deed.blamed == "far"
        with pytest.raises(ContractError, match=f"needs the source 'far', which cannot be read.*{problem}"):
            _ = step.does


@pytest.mark.parametrize(
    ("own", "url"),
    [
        ("https://example.org/flows/one.yaml", "../tickets/openapi.yaml"),  # not to be had, so what lies here
        ("deeper/still/one.arazzo.yaml", "../../../tickets/openapi.yaml"),
        ("one.arazzo.yaml", "../tickets/openapi.yaml"),
    ],
)
def test_what_a_document_calls_itself_is_what_its_urls_are_relative_to(
    folder: Path, write: Write, own: str, url: str
) -> None:
    head = f"arazzo: 1.1.0\n$self: {own}\nsourceDescriptions: [{{name: t, url: {url}}}]\n"
    assert isinstance(one(folder, write, "{stepId: s, operationId: openTicket}", head).does, HttpCall)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        (("arazzo: 1.1.0", "arazzo: 2.0.0"), "Arazzo version '2.0.0'"),
        (("arazzo: 1.1.0", "arazzo: 1.1.0\n$self: a.yaml#x"), "'\\$self' has a fragment"),
        (("- workflowId: open", "- workflwId: open"), "a workflow has no workflowId"),
        (("- stepId: open", "- stepId: list"), "a second stepId 'list'; the first is in line 23"),
        (("name: events", "name: tickets"), "a second name 'tickets'"),
        (("type: asyncapi", "type: asynapi"), "Did you mean 'asyncapi'"),
        (("    steps:", "    stps:"), "the workflow 'open' has no steps"),
        (("operationId: $s", "operationid: $s"), r"has none of them.*Did you mean 'operationId'"),
        (("{stepId: again,", "{stepId: again, operationId: openTicket,"), "operationId and workflowId"),
        (("$components.parameters.limit,", "$components.parameters.limt,"), "parameters.limit'"),
        (("value: mine", "valu: mine"), "'X-Trace' has no value"),
        (("in: header, value: t", "in: head, value: t"), r"is in 'head'.*Did you mean 'header'"),
        (("type: end", "type: retry"), r"the type 'retry'.*end or goto"),
        (("type: goto, stepId: hear", "type: goto"), "neither a stepId nor a workflowId"),
        (("type: goto, stepId: hear", "type: goto, stepId: hear, workflowId: open"), "both a stepId and"),
        (("retryLimit: 4", "retryLimit: 1.5"), "'retryLimit' is 1.5"),
        (("retryAfter: 2.5", "retryAfter: -1"), "'retryAfter' is -1"),
        (("timeout: 1500", "timeout: 1.5"), "'timeout' is 1.5"),
        (("action: receive", "action: recieve"), "Did you mean 'receive'"),
        (("type: jsonpath}", "type: jsnpath}"), "Did you mean 'jsonpath'"),
        (
            ("version: draft-goessner-dispatch-jsonpath-00", "version: rfc9999"),
            "version 'rfc9999' of jsonpath",
        ),
        (("[{condition: $statusCode == 503}]", "[{conditions: true}]"), "a criterion has no condition"),
        (("page: $response.body", "page: {a: b}"), "the output 'page' is a mapping"),
        (("target: /note, ", ""), "a replacement has no target"),
    ],
)
def test_what_has_no_meaning_is_refused_with_its_line(
    folder: Path, write: Write, changed: tuple[str, str], problem: str
) -> None:
    text = HEAD + WORKFLOWS
    assert changed[0] in text
    path = write("contracts/workflows/open.arazzo.yaml", text.replace(*changed, 1))
    write("contracts/workflows/more.arazzo.yaml", MORE)
    with pytest.raises(ContractError, match=rf"open\.arazzo\.yaml:\d+: .*{problem}"):
        load_system(path)


def test_documents_that_lead_to_one_another_in_a_circle_are_read(folder: Path, write: Write) -> None:
    write(
        "contracts/workflows/more.arazzo.yaml", MORE.replace("[{", "[{name: o, url: open.arazzo.yaml}, {", 1)
    )
    write("contracts/workflows/open.arazzo.yaml", HEAD + WORKFLOWS)
    more, opened = load_system(folder).workflows
    assert opened.sources["more"].workflows is not None
    assert "leads back" in str(opened.sources["more"].workflows.sources["o"].problem)
    assert more.sources["o"].workflows is not None


def test_a_long_chain_of_documents_is_refused_where_it_is_too_long(tmp_path: Path, write: Write) -> None:
    text = (
        "arazzo: 1.1.0\nworkflows: [{workflowId: w, steps: []}]\nsourceDescriptions: [{name: n, url: NEXT}]"
    )
    for number in range(40):
        write(f"{number}.yaml", text.replace("NEXT", f"{number + 1}.yaml"))
    (document,) = load_system(tmp_path / "0.yaml").workflows
    depth = 0
    while (source := document.sources["n"]).workflows is not None:
        document, depth = source.workflows, depth + 1
    assert 10 < depth < 20
    assert "leads too far" in str(source.problem)


def test_selectors_are_data_in_1_0(folder: Path, write: Write) -> None:
    head = HEAD.replace("1.1.0", "1.0.1")
    payload = "{context: $inputs, selector: /who, type: jsonpointer}"
    step = one(
        folder, write, f"{{stepId: s, operationId: openTicket, requestBody: {{payload: {payload}}}}}", head
    )
    assert step.body is not None
    assert step.body.payload == {"context": "$inputs", "selector": "/who", "type": "jsonpointer"}


def test_a_folder_of_workflows_alone_is_a_system(folder: Path, write: Write) -> None:
    write("contracts/workflows/more.arazzo.yaml", MORE)
    write("contracts/workflows/arazzo.yml", HEAD + WORKFLOWS)
    found = load_system(folder / "workflows")
    assert [each.name for each in found.workflows] == ["arazzo", "more"]
    assert not found.contracts
