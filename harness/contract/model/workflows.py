"""Arazzo documents: what is called in which order, across services. Expressions and conditions stay text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from harness.contract.model.http import Operation
from harness.contract.model.messages import Channel, MessageOperation
from harness.contract.model.system import Contract
from harness.contract.model.values import EMPTY, JSON, NOWHERE, Place, Schema

SourceKind = Literal["openapi", "asyncapi", "arazzo"]
LanguageName = Literal["simple", "regex", "jsonpath", "jsonpointer", "xpath"]


@dataclass(frozen=True, slots=True)
class Language:
    """What a condition or selector is written in; ``version`` is ``""`` for the default one."""

    name: LanguageName = "simple"
    version: str = ""


@dataclass(frozen=True, slots=True)
class Criterion:
    """``context`` is the runtime expression that a condition which is not simple looks at."""

    condition: str
    language: Language = Language()
    context: str = ""
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Selector:
    """A part of what the expression ``context`` names (Arazzo 1.1: Selector Object)."""

    context: str
    selector: str
    language: Language
    place: Place = NOWHERE


Value = JSON | Selector
"""A constant, text with runtime expressions, a mapping or list of such; or a selector, at any depth."""


@dataclass(frozen=True, slots=True)
class StepParameter:
    """``location`` is path, query, querystring, header or cookie; ``""`` for a workflow's input.

    ``inherited`` says that it stands on the workflow, for all of its steps.
    """

    name: str
    value: Value
    location: str = ""
    inherited: bool = False
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Replacement:
    """Puts ``value`` at ``target``, which is a JSON pointer or a path in ``language``."""

    target: str
    value: Value
    language: Language
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class StepBody:
    """``content_type`` is ``""`` where the operation decides."""

    payload: Value
    content_type: str = ""
    replacements: tuple[Replacement, ...] = ()
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class WorkflowCall:
    """A step, action or dependency that leads to a workflow; ``source`` is ``""`` for the same document."""

    workflow: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Nowhere:
    """A text that leads to no operation or workflow: ``problem`` is a ContractError that says why.

    ``blamed`` is the source that could not be loaded, if it is for that.
    """

    text: str
    problem: Exception = field(compare=False)
    blamed: str = ""
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Action:
    """What happens after a step. ``retry_after`` is in seconds; ``retry_limit`` counts retries.

    ``step`` and ``workflow`` are as written, one of them at most set; ``target`` is where the latter leads.
    ``inherited`` says that it stands on the workflow, for all of its steps.
    """

    name: str
    kind: Literal["end", "goto", "retry"]
    step: str = ""
    workflow: str = ""
    parameters: tuple[StepParameter, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    retry_after: float = 0.0
    retry_limit: int = 1
    target: WorkflowCall | Nowhere | None = None
    inherited: bool = False
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Dependency:
    """A step that must be done first; ``workflow`` and ``source`` are ``""`` for one of the same workflow."""

    text: str
    step: str
    workflow: str = ""
    source: str = ""
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A step that calls an HTTP operation."""

    contract: Contract = field(repr=False, compare=False)
    operation: Operation


@dataclass(frozen=True, slots=True)
class MessageFlow:
    """A step that sends to a channel or receives from it. ``action`` is the workflow's side of it.

    ``operation`` is None for a step that names its channel alone.
    """

    contract: Contract = field(repr=False, compare=False)
    channel: Channel
    action: Literal["send", "receive"]
    operation: MessageOperation | None = None


Deed = HttpCall | MessageFlow | WorkflowCall | Nowhere


@dataclass(frozen=True, slots=True)
class Step:
    """``parameters``, ``on_success`` and ``on_failure`` include what the workflow says for all of its steps.

    ``names`` is the field that says what the step does (``operationId``, ``operationPath``, ``channelPath``
    or ``workflowId``) and ``text`` its value. ``timeout`` is in seconds.
    """

    id: str
    deed: Deed
    names: str
    text: str
    description: str = ""
    action: Literal["send", "receive", ""] = ""
    correlation: str = ""
    timeout: float | None = None
    depends_on: tuple[Dependency, ...] = ()
    parameters: tuple[StepParameter, ...] = ()
    body: StepBody | None = None
    criteria: tuple[Criterion, ...] = ()
    on_success: tuple[Action, ...] = ()
    on_failure: tuple[Action, ...] = ()
    outputs: Mapping[str, Value] = field(default=EMPTY)
    place: Place = NOWHERE

    @property
    def does(self) -> HttpCall | MessageFlow | WorkflowCall:
        """What the step does. Raises ContractError if that could not be found."""
        if isinstance(self.deed, Nowhere):
            raise self.deed.problem
        return self.deed


@dataclass(frozen=True, slots=True)
class Workflow:
    """``depends_on`` maps each workflowId, as written, to what it leads to."""

    id: str
    steps: Mapping[str, Step]
    summary: str = ""
    description: str = ""
    inputs: Schema | None = None
    depends_on: Mapping[str, WorkflowCall | Nowhere] = field(default=EMPTY)
    outputs: Mapping[str, Value] = field(default=EMPTY)
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Source:
    """One source description. Two of ``contract``, ``workflows`` and ``problem`` are None."""

    name: str
    kind: SourceKind
    url: str
    contract: Contract | None = field(default=None, repr=False, compare=False)
    workflows: WorkflowDocument | None = field(default=None, repr=False, compare=False)
    problem: Exception | None = field(default=None, compare=False)
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class WorkflowDocument:
    """An Arazzo document. ``name`` is its file's name without endings; ``uri`` that of its file.

    ``documents`` maps each file's URI to its raw tree.
    """

    name: str
    path: Path
    version: str
    title: str = ""
    self_uri: str | None = None
    sources: Mapping[str, Source] = field(default=EMPTY)
    workflows: Mapping[str, Workflow] = field(default=EMPTY)
    uri: str = ""
    documents: Mapping[str, Any] = field(default=EMPTY, repr=False, compare=False, hash=False)
    place: Place = NOWHERE

    @property
    def steps(self) -> Iterator[tuple[Workflow, Step]]:
        """Every step with its workflow."""
        for workflow in self.workflows.values():
            for step in workflow.steps.values():
                yield workflow, step

    def workflow(self, call: WorkflowCall) -> tuple[WorkflowDocument, Workflow] | None:
        """The workflow that a call leads to with the document it is in, or None."""
        document: WorkflowDocument | None = self
        if call.source:
            source = self.sources.get(call.source)
            document = source.workflows if source else None
        if document is None or call.workflow not in document.workflows:
            return None
        return document, document.workflows[call.workflow]
