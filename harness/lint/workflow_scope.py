"""Which steps, inputs, outputs, workflows and sources an expression of a workflow may speak of, and when."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from harness.contract.expressions import Expression
from harness.contract.model import EMPTY, Schema
from harness.contract.model.workflows import (
    HttpCall,
    MessageFlow,
    Nowhere,
    Step,
    Workflow,
    WorkflowCall,
)
from harness.contract.navigation import parts, properties
from harness.contract.nearest import did_you_mean
from harness.errors import ContractError
from harness.lint.expressions import missing
from harness.lint.workflow_text import At, Text

_EXCHANGE = frozenset(("request", "response", "url", "method", "statusCode"))


def astray(expression: Expression, text: Text) -> str:
    """What the expression should name instead; empty if it names something, or nobody can tell."""
    at = text.at
    match expression.source:
        case "inputs":
            return _input(at.workflow, expression.name)
        case "outputs":
            return _own_output(at, expression.name)
        case "steps":
            return _step(expression, text)
        case "workflows":
            return _workflow(expression, at)
        case "sourceDescriptions":
            return _among("source description", expression.owner, at.document.sources)
        case "components":
            return _component(expression, at)
        case "self":
            own = at.document.self_uri
            return "" if own else "'$self:' at the top of the document, which is not there"
        case _:
            return "" if text.inherited else _exchanged(expression, at)


def _among(called: str, name: str, known: Collection[str]) -> str:
    return "" if name in known else f"a {called}. {did_you_mean(name, known)}".strip()


def _named(called: str, name: str, known: Collection[str]) -> str:
    """A name may hold dots itself, or reach into the value of a shorter one by them."""
    begins = [name[:index] for index, character in enumerate(name) if character in ".["]
    return "" if any(each in known for each in begins) else _among(called, name, known)


def _input(workflow: Workflow, name: str) -> str:
    if workflow.inputs is None:
        return f"an input, but the workflow '{workflow.id}' has no inputs"
    known = declared(workflow.inputs)
    return "" if known is None else _named(f"declared input of '{workflow.id}'", name, known)


def declared(inputs: Schema) -> Collection[str] | None:
    """The inputs that a schema names; None where it says that there may be others, or cannot be read."""
    try:
        for part in parts(inputs):
            raw = part.raw
            if not isinstance(raw, Mapping):
                continue
            if raw.get("additionalProperties") not in (None, False) or "patternProperties" in raw:
                return None
            if any(word in raw for word in ("oneOf", "anyOf", "if", "$dynamicRef")):
                return None
        return properties(inputs)
    except ContractError:
        return None


def _own_output(at: At, name: str) -> str:
    """In a step that calls a workflow ``$outputs`` are that one's; else its own and its workflow's."""
    if at.step is not None and isinstance(at.step.deed, WorkflowCall):
        found = at.document.workflow(at.step.deed)
        return _named(f"output of '{at.step.deed.workflow}'", name, found[1].outputs) if found else ""
    known = {**at.workflow.outputs, **(at.step.outputs if at.step else EMPTY)}
    return _named("declared output", name, known)


def _step(expression: Expression, text: Text) -> str:
    at, steps = text.at, text.at.workflow.steps
    if expression.owner not in steps:
        return f"a step of '{at.workflow.id}'. {did_you_mean(expression.owner, steps)}"
    owner = steps[expression.owner]
    wrong = _named(f"declared output of '{owner.id}'", expression.name, owner.outputs)
    if wrong or at.step is None:
        return wrong
    if owner.id == at.step.id:
        return "" if text.moment == "after" else "an earlier step: this one has no outputs yet"
    if _may_be_done(at.workflow, owner, at.step):
        return ""
    return f"an earlier step: '{owner.id}' comes after '{at.step.id}'"


def _may_be_done(workflow: Workflow, owner: Step, step: Step) -> bool:
    """Whether a step can have been done before another: it stands before it, or is waited for, or jumped to.

    1.1, Step Dependencies and Execution Order.
    """
    order = list(workflow.steps)
    first, second = order.index(owner.id), order.index(step.id)
    if first < second or owner.id in _awaited(workflow, step):
        return True
    for index, each in enumerate(workflow.steps.values()):
        for action in (*each.on_success, *each.on_failure):
            if action.kind == "retry" and action.step == owner.id and index <= second:
                return True
            is_jump = action.kind == "goto" and action.step in workflow.steps
            back = is_jump and index >= first and order.index(action.step) <= second
            ahead = is_jump and index < second and order.index(action.step) == first
            if back or ahead:
                return True
    return False


def _awaited(workflow: Workflow, step: Step) -> set[str]:
    """The steps of the same workflow that a step waits for, over others too."""
    found: set[str] = set()
    waiting = [step]
    while waiting:
        for each in waiting.pop().depends_on:
            same = not each.source and each.workflow in ("", workflow.id)
            if same and each.step in workflow.steps and each.step not in found:
                found.add(each.step)
                waiting.append(workflow.steps[each.step])
    return found


def _workflow(expression: Expression, at: At) -> str:
    workflows = at.document.workflows
    if expression.owner not in workflows:
        return f"a workflow of this document. {did_you_mean(expression.owner, workflows)}"
    owner = workflows[expression.owner]
    if expression.section == "inputs":
        return _input(owner, expression.name)
    return _named(f"declared output of '{owner.id}'", expression.name, owner.outputs)


def _component(expression: Expression, at: At) -> str:
    tree = at.document.documents.get(at.document.uri)
    components = tree.get("components") if isinstance(tree, dict) else None
    kept = components.get(expression.section) if isinstance(components, dict) else None
    names: Iterable[str] = kept if isinstance(kept, dict) else ()
    return _among(f"component in {expression.section}", expression.name, list(names))


def _exchanged(expression: Expression, at: At) -> str:
    """What an exchange or a message says, of the kind of step that has one."""
    if at.step is None:
        return "an input or a step's output: a workflow as a whole has no exchange"
    part = expression.source.partition(".")[0]
    match at.step.deed:
        case HttpCall(operation=operation):
            if part == "message":
                return "$request… or $response…: the step calls an HTTP operation"
            return missing(expression, operation, every=True) if part in ("request", "response") else ""
        case MessageFlow(operation=operation, channel=channel):
            if part in _EXCHANGE:
                return "$message…: the step sends or receives a message"
            messages = operation.messages if operation else tuple(channel.messages.values())
            lacks = [missing(expression, each) for each in messages]
            return lacks[0] if lacks and all(lacks) else ""
        case WorkflowCall():
            return "$outputs…: the step calls a workflow"
        case Nowhere():
            return ""
