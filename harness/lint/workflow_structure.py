"""Arazzo's own structure: the keys, types and names that its specification allows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.contract.documents import Documents
from harness.contract.model import System
from harness.contract.model.workflows import WorkflowDocument
from harness.contract.node import Node
from harness.findings import Finding
from harness.lint.misfit import Misfit
from harness.lint.schema_structure import schema_demands
from harness.lint.shapes_arazzo import arazzo
from harness.lint.source import Source
from harness.lint.walk import Walk

_NAME = re.compile(r"[a-zA-Z0-9.\-_]+\Z")
_NOT_EMPTY = {
    "Arazzo": ("sourceDescriptions", "workflows"),
    "Workflow": ("steps",),
    "Step": ("successCriteria",),
}
"""Kind → its lists that must have an entry."""

_FREE_NAMES = {
    "Workflow": ("outputs",),
    "Step": ("outputs",),
    "Components": ("inputs", "parameters", "successActions", "failureActions"),
}
"""Kind → its mappings whose keys are names that expressions must be able to say."""


def documents_have_their_structure(system: System) -> Iterator[Finding]:
    """What stands in an Arazzo document that the format does not know, and what it lacks."""
    for document in system.workflows:
        if not isinstance(document.documents, Documents):
            continue
        root = Node.at(document.documents, document.documents.document(document.uri))
        minor = int(document.version.split(".")[1])
        walk = Walk(arazzo(minor)).go(root)
        source = Source(document.name, root, "arazzo", (1, minor))
        for misfit in (*walk.misfits, *_demands(walk), *schema_demands(source, walk)):
            if misfit.node.document is root.document:
                yield _finding(document, misfit)


def _finding(document: WorkflowDocument, misfit: Misfit) -> Finding:
    return Finding(
        check="lint/workflow-structure",
        service=document.name,
        operation="",
        title=misfit.title,
        received=misfit.found,
        documented=misfit.expected,
        where=misfit.node.place,
    )


def _demands(walk: Walk) -> Iterator[Misfit]:
    for kind, fields in _NOT_EMPTY.items():
        for piece in walk.of(kind):
            for field in fields:
                if piece.node.value.get(field) == []:
                    node = piece.node.child(field)
                    yield Misfit(node, f"'{field}' is empty", "an empty list", "at least one entry")
    for kind, fields in _FREE_NAMES.items():
        for piece in walk.of(kind):
            for field in fields:
                held = piece.node.value.get(field)
                for name in held if isinstance(held, dict) else ():
                    if not _NAME.match(name):
                        node = piece.node.child(field).child(name)
                        title = f"no expression can say the name '{name}'"
                        yield Misfit(node, title, f"'{name}'", "letters, digits, '.', '-' and '_'")
