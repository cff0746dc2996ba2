"""Steps say what their operation, message or workflow needs, and nothing that it does not know."""

from __future__ import annotations

from collections.abc import Iterator

from harness.contract.model import IGNORED_HEADERS, Contract, Operation, Parameter, System
from harness.contract.model.workflows import (
    Action,
    HttpCall,
    MessageFlow,
    StepParameter,
    Workflow,
    WorkflowCall,
)
from harness.contract.navigation import parts
from harness.contract.nearest import did_you_mean
from harness.errors import ContractError
from harness.findings import Finding, Severity
from harness.lint.workflow_scope import declared
from harness.lint.workflow_text import At, steps_of

_RULE = "workflow-parameter"
_UNDECLARED = IGNORED_HEADERS | {"cookie"}
"""Headers that OpenAPI describes elsewhere than among the parameters (Parameter Object: name)."""


def parameters_fit(system: System) -> Iterator[Finding]:
    """Every parameter and body is one that the step's operation has, and none that it needs is missing."""
    for at in steps_of(system.workflows):
        if at.step is None:
            continue
        yield from _twice(at, at.step.parameters)
        match at.step.deed:
            case HttpCall(contract=contract, operation=operation):
                yield from _of_operation(at, contract, operation)
                yield from _body(at, operation)
            case MessageFlow():
                yield from _located(at, at.step.parameters)
            case WorkflowCall() as call:
                found = at.document.workflow(call)
                if found is not None:
                    yield from _inputs(at, found[1], at.step.parameters)
        for action in (*at.step.on_success, *at.step.on_failure):
            yield from _of_action(at, action)


def _finding(
    at: At, parameter: StepParameter | None, told: tuple[str, str, str], severity: Severity = "error"
) -> Finding:
    place = parameter.place if parameter else at.step.place if at.step else at.workflow.place
    return at.finding(_RULE, place, *told, severity)


def _twice(at: At, parameters: tuple[StepParameter, ...]) -> Iterator[Finding]:
    seen: set[tuple[str, str]] = set()
    for each in parameters:
        if (each.name, each.location) in seen:
            told = (f"the parameter '{each.name}' is given twice", each.name, "each name and place once")
            yield _finding(at, each, told)
        seen.add((each.name, each.location))


def _located(at: At, parameters: tuple[StepParameter, ...]) -> Iterator[Finding]:
    for each in parameters:
        if not each.location:
            told = (f"the parameter '{each.name}' does not say where it goes", "no 'in'", "in: header, say")
            yield _finding(at, each, told)


def _of_operation(at: At, contract: Contract, operation: Operation) -> Iterator[Finding]:
    step = at.step
    given = step.parameters if step else ()
    yield from _located(at, given)
    for each in given:
        if not each.location or operation.parameter(each.location, each.name) or _elsewhere(contract, each):
            continue
        known = [other.name for other in operation.parameters if other.location == each.location]
        documented = f"a {each.location} parameter of '{operation.id}'. {did_you_mean(each.name, known)}"
        told = (f"'{operation.id}' has no {each.location} parameter '{each.name}'", each.name, documented)
        yield _finding(at, each, told, "warning" if each.inherited else "error")
    for needed in operation.parameters:
        has = any(_is(each, needed) for each in given)
        if needed.required and not has:
            documented = f"'{needed.name}' in {needed.location}, which '{operation.id}' requires"
            told = (
                f"the parameter '{needed.name}' is missing",
                ", ".join(e.name for e in given) or "none",
                documented,
            )
            yield _finding(at, None, told)


def _is(given: StepParameter, needed: Parameter) -> bool:
    """Headers are compared without regard to case; one without a place is told of already."""
    fits = given.location in (needed.location, "")
    is_header = needed.location == "header"
    return fits and (given.name.lower() == needed.name.lower() if is_header else given.name == needed.name)


def _elsewhere(contract: Contract, parameter: StepParameter) -> bool:
    """Whether the contract describes it by other means: a security scheme, or a header of HTTP itself."""
    if parameter.location == "header" and parameter.name.lower() in _UNDECLARED:
        return True
    return any(
        scheme.parameter.lower() == parameter.name.lower() and scheme.location == parameter.location
        for scheme in contract.security_schemes.values()
    )


def _body(at: At, operation: Operation) -> Iterator[Finding]:
    body, needed = at.step.body if at.step else None, operation.body
    if body is None:
        if needed is not None and needed.required:
            told = ("the requestBody is missing", "none", f"a requestBody, which '{operation.id}' requires")
            yield _finding(at, None, told)
        return
    if needed is None:
        told = (f"'{operation.id}' has no request body", "a requestBody", "none")
        yield at.finding(_RULE, body.place, *told)
    elif body.content_type and needed.content:
        media = body.content_type.partition(";")[0].strip().lower()
        known = [each.partition(";")[0].strip().lower() for each in needed.content]
        if not any(_covers(each, media) for each in known):
            documented = f"one of {', '.join(needed.content)}"
            told = (f"'{operation.id}' takes no {media}", body.content_type, documented)
            yield at.finding(_RULE, body.place, *told)


def _covers(known: str, media: str) -> bool:
    return known in (media, "*/*") or (known.endswith("/*") and media.startswith(known[:-1]))


def _of_action(at: At, action: Action) -> Iterator[Finding]:
    yield from _twice(at, action.parameters)
    for each in action.parameters:
        if each.location:
            told = (
                f"a workflow's input has no place, and '{each.name}' is in {each.location}",
                each.location,
                "no 'in'",
            )
            yield _finding(at, each, told)
    if isinstance(action.target, WorkflowCall):
        found = at.document.workflow(action.target)
        if found is not None:
            yield from _inputs(at, found[1], action.parameters)


def _inputs(at: At, workflow: Workflow, given: tuple[StepParameter, ...]) -> Iterator[Finding]:
    known = declared(workflow.inputs) if workflow.inputs else ()
    for each in given:
        if known is not None and each.name not in known:
            documented = f"an input of '{workflow.id}'. {did_you_mean(each.name, known)}"
            yield _finding(at, each, (f"'{workflow.id}' has no input '{each.name}'", each.name, documented))
    names = {each.name for each in given}
    for name in _required(workflow):
        if name not in names:
            documented = f"'{name}', which '{workflow.id}' requires"
            told = (f"the input '{name}' is missing", ", ".join(sorted(names)) or "none", documented)
            yield _finding(at, None, told)


def _required(workflow: Workflow) -> Iterator[str]:
    if workflow.inputs is None:
        return
    try:
        for part in parts(workflow.inputs):
            listed = part.raw.get("required") if isinstance(part.raw, dict) else None
            yield from (
                name for name in (listed if isinstance(listed, list) else ()) if isinstance(name, str)
            )
    except ContractError:
        return
