"""Every expression and criterion of a workflow, with where it stands, and how a finding about one looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from harness.contract.documents import Document, Documents, escape
from harness.contract.expressions import BEGINS, embedded
from harness.contract.model import NOWHERE, Place
from harness.contract.model.workflows import (
    Action,
    Criterion,
    Selector,
    Step,
    StepParameter,
    Value,
    Workflow,
    WorkflowDocument,
)
from harness.findings import Finding, Severity

Moment = Literal["before", "during", "after"]
"""When a text of a step is evaluated: to make its request, on its answer, or once it has its outputs."""


@dataclass(frozen=True, slots=True)
class At:
    """A place in a workflow; ``step`` is None for what stands on the workflow itself."""

    document: WorkflowDocument
    workflow: Workflow
    step: Step | None = None

    @property
    def called(self) -> str:
        return f"{self.workflow.id}/{self.step.id}" if self.step else self.workflow.id

    def finding(
        self,
        rule: str,
        where: Place,
        title: str,
        received: str,
        documented: str,
        severity: Severity = "error",
    ) -> Finding:
        return Finding(
            check=f"lint/{rule}",
            service=self.document.name,
            operation=self.called,
            title=title,
            received=received,
            documented=documented.strip(),
            severity=severity,
            where=where,
        )


@dataclass(frozen=True, slots=True)
class Text:
    """An expression, or with ``criterion`` a condition; ``role`` is where it stands, in words.

    ``inherited`` says that it stands on the workflow, for steps of every kind.
    """

    at: At
    role: str
    text: str
    place: Place
    moment: Moment
    criterion: Criterion | None = None
    inherited: bool = False


def steps_of(documents: tuple[WorkflowDocument, ...]) -> Iterator[At]:
    """Every step of every document."""
    for document in documents:
        for workflow, step in document.steps:
            yield At(document, workflow, step)


def texts_of(at: At) -> Iterator[Text]:
    """Everything that a step, or a workflow itself, says in expressions."""
    step, pointer = at.step, f"/workflows/{_index(at.document.workflows, at.workflow.id)}"
    if step is None:
        yield from _outputs(at, f"{pointer}/outputs")
        return
    pointer += f"/steps/{_index(at.workflow.steps, step.id)}"
    for parameter in step.parameters:
        yield from _parameter(at, parameter, "before", "parameter")
    if step.body is not None:
        yield from _below(at, "the body", step.body.payload, f"{pointer}/requestBody/payload", "before")
        for replacement in step.body.replacements:
            role = f"the replacement of '{replacement.target}'"
            yield from _values(at, role, replacement.value, replacement.place, "before")
    if step.correlation:
        yield from _below(at, "correlationId", step.correlation, f"{pointer}/correlationId", "before")
    for criterion in step.criteria:
        yield from _criterion(at, criterion, "successCriteria", "during")
    for kind, actions in (("onSuccess", step.on_success), ("onFailure", step.on_failure)):
        for action in actions:
            yield from _action(at, action, f"{kind} '{action.name}'")
    yield from _outputs(at, f"{pointer}/outputs")


def _index(named: object, name: str) -> int:
    return list(named).index(name) if isinstance(named, dict) else 0


def _action(at: At, action: Action, role: str) -> Iterator[Text]:
    for criterion in action.criteria:
        for text in _criterion(at, criterion, role, "after"):
            yield replace(text, inherited=action.inherited)
    for parameter in action.parameters:
        for text in _parameter(at, parameter, "after", f"{role}, parameter"):
            yield replace(text, inherited=action.inherited)


def _parameter(at: At, parameter: StepParameter, moment: Moment, role: str) -> Iterator[Text]:
    for text in _values(at, f"{role} '{parameter.name}'", parameter.value, parameter.place, moment):
        yield replace(text, inherited=parameter.inherited)


def _criterion(at: At, criterion: Criterion, role: str, moment: Moment) -> Iterator[Text]:
    yield Text(at, role, criterion.condition, criterion.place, moment, criterion)
    if criterion.language.name == "simple":
        return
    if criterion.context:
        yield Text(at, f"{role}, context", criterion.context, criterion.place, moment)
    for text in embedded(criterion.condition):
        yield Text(at, role, text, criterion.place, moment)


def _outputs(at: At, pointer: str) -> Iterator[Text]:
    for name, value in (at.step or at.workflow).outputs.items():
        role, where = f"the output '{name}'", f"{pointer}/{escape(name)}"
        if isinstance(value, str) and not BEGINS.match(value):
            yield Text(at, role, value, _place(at, where), "during")  # which is no expression, and should be
        else:
            yield from _below(at, role, value, where, "during")


def _below(at: At, role: str, value: Value, pointer: str, moment: Moment) -> Iterator[Text]:
    """The texts of a value that stands in the document itself, each with its own place."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _below(at, role, each, f"{pointer}/{escape(key)}", moment)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _below(at, role, each, f"{pointer}/{index}", moment)
    else:
        yield from _values(at, role, value, _place(at, pointer), moment)


def _place(at: At, pointer: str) -> Place:
    document = _document(at.document)
    return document.place(pointer) if document else at.workflow.place


def _document(document: WorkflowDocument) -> Document | None:
    documents = document.documents
    return documents.document(document.uri) if isinstance(documents, Documents) else None


def _values(at: At, role: str, value: Value, place: Place, moment: Moment) -> Iterator[Text]:
    if isinstance(value, Selector):
        where = value.place if value.place != NOWHERE else place
        yield Text(at, f"{role}, context", value.context, where, moment)
        for text in embedded(value.selector):
            yield Text(at, role, text, where, moment)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _values(at, role, each, place, moment)
    elif isinstance(value, list):
        for each in value:
            yield from _values(at, role, each, place, moment)
    elif isinstance(value, str):
        for text in (value,) if BEGINS.match(value) else embedded(value):
            yield Text(at, role, text, place, moment)


def selectors_in(value: Value) -> Iterator[Selector]:
    """Every selector in a value."""
    if isinstance(value, Selector):
        yield value
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inside:
        yield from selectors_in(each)
