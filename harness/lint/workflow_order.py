"""Nothing waits for itself: workflows, steps, and workflows that call one another without end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.contract.model import Place, System
from harness.contract.model.workflows import Workflow, WorkflowCall, WorkflowDocument
from harness.findings import Finding
from harness.lint.workflow_text import At

Graph = Mapping[str, tuple[str, ...]]


def nothing_waits_for_itself(system: System) -> Iterator[Finding]:
    """``dependsOn`` of workflows and of steps, and the calls between workflows, have no circle."""
    for document in system.workflows:
        for cycle in _cycles(_waits(document)):
            workflow = document.workflows[cycle[0]]
            told = "workflows wait for one another in a circle"
            yield _found(At(document, workflow), workflow.place, cycle, told)
        for cycle in _cycles(_calls(document)):
            workflow, called = document.workflows[cycle[0]], cycle[1 % len(cycle)]
            step = next(each for each in workflow.steps.values() if _local(document, each.deed) == called)
            told = "workflows call one another in a circle"
            yield _found(At(document, workflow, step), step.place, cycle, told)
        for workflow in document.workflows.values():
            for cycle in _cycles(_steps(workflow)):
                step, told = workflow.steps[cycle[0]], "steps wait for one another in a circle"
                yield _found(At(document, workflow, step), step.place, cycle, told)


def _found(at: At, place: Place, cycle: tuple[str, ...], told: str) -> Finding:
    circle = " → ".join((*cycle, cycle[0]))
    return at.finding("workflow-order", place, told, circle, "an order in which they can be done")


def _waits(document: WorkflowDocument) -> Graph:
    return {
        id_: tuple(_local(document, each) for each in workflow.depends_on.values() if _local(document, each))
        for id_, workflow in document.workflows.items()
    }


def _calls(document: WorkflowDocument) -> Graph:
    return {
        id_: tuple(name for step in workflow.steps.values() if (name := _local(document, step.deed)))
        for id_, workflow in document.workflows.items()
    }


def _local(document: WorkflowDocument, lead: object) -> str:
    is_local = isinstance(lead, WorkflowCall) and not lead.source and lead.workflow in document.workflows
    return lead.workflow if is_local and isinstance(lead, WorkflowCall) else ""


def _steps(workflow: Workflow) -> Graph:
    return {
        id_: tuple(
            each.step
            for each in step.depends_on
            if not each.source and each.workflow in ("", workflow.id) and each.step in workflow.steps
        )
        for id_, step in workflow.steps.items()
    }


def _cycles(graph: Graph) -> Iterator[tuple[str, ...]]:
    """A circle for each edge that closes one, walking every node once; no recursion, for chains are long."""
    done: set[str] = set()
    for start in graph:
        path: list[str] = []
        waiting: list[Iterator[str]] = [iter((start,))]
        while waiting:
            node = next(waiting[-1], None)
            if node is None:
                waiting.pop()
                if path:
                    done.add(path.pop())
            elif node in path:
                yield tuple(path[path.index(node) :])
            elif node not in done:
                path.append(node)
                waiting.append(iter(graph.get(node, ())))
