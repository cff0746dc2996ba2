"""Workflows lead to what exists, say what operations need, and can be done in the order they are written."""

from __future__ import annotations

from collections.abc import Iterator

from harness.contract.arazzo_values import GOESSNER, supported
from harness.contract.criteria import expressions_in
from harness.contract.expressions import Expression, ExpressionError, parse
from harness.contract.jsonpath_syntax import parse_path
from harness.contract.model import NOWHERE, Place, System
from harness.contract.model.workflows import (
    Action,
    Language,
    MessageFlow,
    Nowhere,
    Value,
    WorkflowCall,
    WorkflowDocument,
)
from harness.contract.nearest import did_you_mean
from harness.contract.regexes import compiles
from harness.errors import ContractError
from harness.findings import Finding, Severity
from harness.lint import workflow_order, workflow_parameters, workflow_structure
from harness.lint.rule import Rule
from harness.lint.workflow_scope import astray
from harness.lint.workflow_text import At, Text, selectors_in, steps_of, texts_of


def sources_can_be_read(system: System) -> Iterator[Finding]:
    """One that a step needs is an error: what the step does could not be checked. Others are warnings."""
    for document in system.workflows:
        blamed = {each.blamed for each in _nowheres(document)}
        for source in document.sources.values():
            problem = source.problem
            if not isinstance(problem, ContractError):
                continue
            needed = source.name in blamed
            yield Finding(
                check="lint/workflow-source",
                service=document.name,
                operation="",
                title=f"the source '{source.name}' cannot be read"
                + (", so what needs it could not be checked" if needed else ""),
                received=f"{source.url}: {problem.found}",
                documented=f"{problem.expected}. {problem.remedy}".strip(". ") or f"a {source.kind} document",
                severity="error" if needed else "warning",
                where=source.place,
            )


def _nowheres(document: WorkflowDocument) -> Iterator[Nowhere]:
    for workflow in document.workflows.values():
        yield from (each for each in workflow.depends_on.values() if isinstance(each, Nowhere))
        for step in workflow.steps.values():
            leads = (step.deed, *(each.target for each in (*step.on_success, *step.on_failure)))
            yield from (each for each in leads if isinstance(each, Nowhere))


def operations_exist(system: System) -> Iterator[Finding]:
    """What a step, action or dependency names is in a source, or in the document."""
    for document in system.workflows:
        for nowhere in _nowheres(document):
            problem = nowhere.problem
            if nowhere.blamed or not isinstance(problem, ContractError):
                continue  # the rule "workflow-source" says so
            documented = f"{problem.expected}. {problem.remedy}".strip(". ")
            yield Finding(
                check="lint/workflow-target",
                service=document.name,
                operation="",
                title=problem.found,
                received=nowhere.text,
                documented=documented,
                where=nowhere.place,
            )


def steps_make_sense(system: System) -> Iterator[Finding]:
    """What is said of messages stands on message steps; jumps and dependencies lead to steps."""
    for at in steps_of(system.workflows):
        step = at.step
        if step is None:
            continue
        yield from _of_messages(at)
        for action in (*step.on_success, *step.on_failure):
            yield from _jump(at, action)
        for dependency in step.depends_on:
            workflow = dependency.workflow or at.workflow.id
            call = WorkflowCall(workflow, dependency.source)
            found = at.document.workflow(call)
            if found is None and not _unread(at, dependency.source):
                known = [f"$workflows.{each}.steps.…" for each in at.document.workflows]
                yield at.finding(
                    "workflow-step",
                    dependency.place,
                    f"'{step.id}' depends on a step of a workflow that does not exist",
                    dependency.text,
                    f"a stepId. {did_you_mean(dependency.text, known)}",
                )
            elif found is not None and dependency.step not in found[1].steps:
                yield at.finding(
                    "workflow-step",
                    dependency.place,
                    f"'{step.id}' depends on a step that does not exist",
                    dependency.text,
                    f"a stepId. {did_you_mean(dependency.step, found[1].steps)}",
                )


def _unread(at: At, source: str) -> bool:
    found = at.document.sources.get(source)
    return found is not None and found.problem is not None


def _jump(at: At, action: Action) -> Iterator[Finding]:
    if action.step and action.step not in at.workflow.steps:
        yield at.finding(
            "workflow-step",
            action.place,
            f"the action '{action.name}' leads to a step that does not exist",
            action.step,
            f"a stepId of '{at.workflow.id}'. {did_you_mean(action.step, at.workflow.steps)}",
        )
    if action.kind == "end" and (action.step or action.workflow):
        yield at.finding(
            "workflow-step",
            action.place,
            f"the action '{action.name}' ends the workflow, so where it leads is not read",
            action.step or action.workflow,
            "type: goto, or neither stepId nor workflowId",
            "warning",
        )


def _of_messages(at: At) -> Iterator[Finding]:
    step = at.step
    if step is None or isinstance(step.deed, Nowhere):
        return
    flow = step.deed if isinstance(step.deed, MessageFlow) else None
    if flow is None and (step.action or step.correlation):
        said = "action" if step.action else "correlationId"
        yield _warning(at, f"'{said}' means something on steps that send or receive messages alone", said)
    elif flow is not None and step.correlation and flow.action == "send":
        yield _warning(at, "'correlationId' says which message to wait for, and this step sends one", "send")
    elif flow is not None and flow.operation is not None and flow.operation.action == flow.action:
        told = f"the service itself {flow.action}s here, so the step would stand in for it"
        yield _warning(at, told, f"action: {flow.action}")
    elif flow is not None and flow.action == "send" and step.body is None:
        yield _warning(at, "the step sends a message without a payload", "no requestBody")


def _warning(at: At, title: str, received: str) -> Finding:
    place = at.step.place if at.step else at.workflow.place
    return at.finding("workflow-step", place, title, received, "what fits the step's kind", "warning")


def expressions_make_sense(system: System) -> Iterator[Finding]:
    """Every expression is well formed and names what is declared, and there when it is needed."""
    return (each for text in _texts(system) for each in _text(text) if each.check.endswith("expression"))


def criteria_make_sense(system: System) -> Iterator[Finding]:
    """Every condition is well formed, of a type that is supported, and has what it looks at."""
    conditions = (text for text in _texts(system) if text.criterion is not None)
    return (each for text in conditions for each in _text(text) if each.check.endswith("criterion"))


def _texts(system: System) -> Iterator[Text]:
    for document in system.workflows:
        for workflow in document.workflows.values():
            for step in workflow.steps.values():
                yield from texts_of(At(document, workflow, step))
            yield from texts_of(At(document, workflow))


def _text(text: Text) -> Iterator[Finding]:
    try:
        expressions = _expressions(text)
    except ContractError as error:
        documented = f"{error.expected}. {error.remedy}".strip(". ")
        yield text.at.finding(_rule(text), text.place, f"{text.role}: {error.found}", text.text, documented)
        return
    for expression in expressions:
        if expression.dotted and text.criterion is None:
            yield text.at.finding(
                "workflow-expression",
                text.place,
                f"{text.role} reaches into a value by a dot, as conditions alone may",
                text.text,
                f"${expression.source}#{expression.pointer or '/…'}",
                "warning",
            )
        wanted = astray(expression, text)
        if wanted:
            yield text.at.finding(
                "workflow-expression",
                text.place,
                f"{text.role} names what is not there",
                expression.text,
                wanted,
                _severity(expression, text.at),
            )


def _rule(text: Text) -> str:
    return "workflow-criterion" if text.criterion is not None else "workflow-expression"


def _expressions(text: Text) -> tuple[Expression, ...]:
    criterion = text.criterion
    if criterion is None:
        return (parse(text.text, dotted=True),)
    if criterion.language.name == "simple":
        return expressions_in(criterion.condition)
    supported(criterion.language)
    if not criterion.context:
        found = f"the criterion of type {criterion.language.name} has no context"
        raise ExpressionError("", found, "context: and the expression that it looks at")
    if "{$" not in criterion.condition:  # else nobody knows before it runs
        _compiles(criterion.language, criterion.condition)
    return ()


def _compiles(language: Language, path: str) -> None:
    if language.name == "regex":
        compiles(path)
    elif language.name == "jsonpath":
        parse_path(path, lenient=language.version == GOESSNER)
    elif language.name == "jsonpointer" and path and not path.startswith("/"):
        raise ExpressionError("", f"'{path}' is no JSON pointer", "a text that begins with '/', or none")


def _severity(expression: Expression, at: At) -> Severity:
    """Contracts seldom document all that a service answers, so that alone is no error."""
    is_message = at.step is not None and isinstance(at.step.deed, MessageFlow)
    part = expression.source.partition(".")[0]
    of_exchange = part in ("request", "response", "url", "method", "statusCode", "message")
    if not of_exchange or at.step is None:
        return "error"
    if isinstance(at.step.deed, WorkflowCall):
        return "warning"
    return "warning" if (part == "message") == is_message else "error"


def selectors_compile(system: System) -> Iterator[Finding]:
    """Selectors and the targets of replacements are well formed and of a kind that is supported."""
    for document in system.workflows:
        for workflow in document.workflows.values():
            yield from _selectors(At(document, workflow), *workflow.outputs.values())
        for workflow, step in document.steps:
            at = At(document, workflow, step)
            replaced = step.body.replacements if step.body else ()
            payload = (step.body.payload,) if step.body else ()
            given = (each.value for each in step.parameters)
            put = (each.value for each in replaced)
            yield from _selectors(at, *step.outputs.values(), *given, *put, *payload)
            for each in replaced:
                yield from _path(at, each.language, each.target, each.place, "replacement's target")


def _selectors(at: At, *values: Value) -> Iterator[Finding]:
    for value in values:
        for each in selectors_in(value):
            yield from _path(at, each.language, each.selector, each.place, "selector")


def _path(at: At, language: Language, path: str, place: Place, called: str) -> Iterator[Finding]:
    try:
        supported(language)
        if "{$" not in path:
            _compiles(language, path)
    except ContractError as error:
        where = place if place != NOWHERE else at.workflow.place
        title = f"the {called} cannot be used: {error.found}"
        yield at.finding("workflow-selector", where, title, path, error.expected)


RULES = (
    Rule(
        "workflow-structure",
        "a workflow's document has the structure that its format's specification describes",
        workflow_structure.documents_have_their_structure,
        why="Tools skip what they do not know and stumble over what is missing.",
        mend="Write it as the specification says; a key of your own begins with 'x-'.",
    ),
    Rule(
        "workflow-source",
        "a workflow's sources can be read",
        sources_can_be_read,
        why="Steps whose source cannot be read can be neither checked nor run.",
        mend="Correct the URL; for another machine allow it with --allow-remote, or map it with --map.",
    ),
    Rule(
        "workflow-target",
        "steps lead to operations and workflows that exist",
        operations_exist,
        why="A step that leads nowhere cannot be done.",
        mend="Name an operation of the source, or a workflow, as it is spelt there.",
    ),
    Rule(
        "workflow-step",
        "what a step says fits what it does",
        steps_make_sense,
        why="What is said of another kind of step is not read, and a jump to nowhere ends the workflow.",
        mend="Name a step of this workflow, or take away what does not belong to the step.",
    ),
    Rule(
        "workflow-parameter",
        "steps say what their operation needs",
        workflow_parameters.parameters_fit,
        why="The service refuses a request that lacks what it requires; what it does not know is lost.",
        mend="Give every required parameter and body, by the operation's own names and places.",
    ),
    Rule(
        "workflow-expression",
        "a workflow's expressions name what is there",
        expressions_make_sense,
        why="An expression that names nothing is null, and the step sends or judges that.",
        mend="Name a declared input, an output of a step done by then, or what the operation answers.",
    ),
    Rule(
        "workflow-criterion",
        "a workflow's criteria can be judged",
        criteria_make_sense,
        why="A criterion that cannot be judged fails whatever the service answers.",
        mend="Write a simple condition, a regular expression or a JSONPath with its context.",
    ),
    Rule(
        "workflow-selector",
        "a workflow's selectors can be used",
        selectors_compile,
        why="A selector that cannot be used gives no value.",
        mend="Write a JSONPath (RFC 9535) or a JSON pointer.",
    ),
    Rule(
        "workflow-order",
        "workflows and steps do not wait for themselves",
        workflow_order.nothing_waits_for_itself,
        why="What waits for itself never begins; what calls itself never ends.",
        mend="Take one of the dependencies or calls away.",
    ),
)
