"""Arazzo 1.0 and 1.1 to the model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urldefrag, urljoin

from harness.contract.arazzo_parts import Parts, distinct, overridden
from harness.contract.arazzo_sources import Load, read_sources
from harness.contract.arazzo_targets import Targets
from harness.contract.identifiers import is_uri
from harness.contract.model import Schema
from harness.contract.model.workflows import (
    Action,
    Dependency,
    Step,
    StepParameter,
    Workflow,
    WorkflowDocument,
)
from harness.contract.nearest import did_you_mean, nearest
from harness.contract.node import Node

_VERSION = re.compile(r"1\.[01](\.|\Z)")
DEEDS = ("operationId", "operationPath", "channelPath", "workflowId")
"""The fields of which a step has exactly one."""

_NEAR = frozenset((*DEEDS, "stepId", "correlationId"))
_OF_WORKFLOW = re.compile(r"\$workflows\.(.+?)\.steps\.(.+)\Z")
_OF_SOURCE = re.compile(r"\$sourceDescriptions\.([^.]+)\.(.+?)\.steps\.(.+)\Z")


def is_arazzo(root: Node) -> bool:
    return isinstance(root.value, dict) and "arazzo" in root.value


def read_arazzo(root: Node, load: Load, opened: tuple[str, ...] = ()) -> WorkflowDocument:
    """An Arazzo document with its sources, which ``load`` turns into contracts.

    A source that cannot be had is kept with its problem, and so is a step that needs it: everything else is
    read. ``opened`` are the URIs of the documents that led here. Raises ContractError for what has no
    meaning: no ids, ids twice, a step that says not or twice what it does, components that do not exist.
    """
    version = root.text("arazzo")
    if not _VERSION.match(version):
        where = root.raw("arazzo") or root
        raise where.error(f"Arazzo version '{version or 'none'}'", "arazzo: 1.0.x or 1.1.x")
    base, info = _base(root), root.raw("info")
    sources = {
        each.name: each for each in read_sources(root, base, load, read_arazzo, (*opened, root.document.uri))
    }
    listed = root.raw("workflows")
    found = dict(distinct(listed.entries(), "workflowId", "a workflow")) if listed else {}
    if not found:
        raise root.error("there is no workflow", "'workflows:' and a list of at least one")
    targets = Targets(sources, tuple(found))
    parts = Parts(root.raw("components"), not version.startswith("1.0"), targets.lead)
    path = root.document.path or Path(root.document.file)
    return WorkflowDocument(
        name=_name(path),
        path=path,
        version=version,
        title=info.text("title") if info else "",
        self_uri=root.text("$self") or None,
        sources=sources,
        workflows={id_: _workflow(id_, node, parts, targets) for id_, node in found.items()},
        uri=root.document.uri,
        documents=root.documents,
        place=root.place,
    )


def _name(path: Path) -> str:
    return path.name.rsplit(".", 1)[0].removesuffix(".arazzo")


def _base(root: Node) -> str:
    """What relative URLs are relative to (1.1: Establishing the Base URI)."""
    own = root.text("$self")
    if not is_uri(own):
        raise root.child("$self").error(f"'$self' is no URI: {own}", "a URI reference (RFC 3986)")
    if urldefrag(own).fragment:
        found = f"'$self' has a fragment: {own}"
        raise root.child("$self").error(
            found, "the URI of the whole document", "Leave out the '#' and what follows"
        )
    return urljoin(root.document.uri, own)


def _workflow(id_: str, node: Node, parts: Parts, targets: Targets) -> Workflow:
    inputs, steps = node.raw("inputs"), node.raw("steps")
    if steps is None or not isinstance(steps.value, list):
        raise node.error(f"the workflow '{id_}' has no steps", "'steps:' and a list")
    depends_on = node.raw("dependsOn")
    whole = (
        parts.parameters(node),
        parts.actions(node, "successActions"),
        parts.actions(node, "failureActions"),
    )
    return Workflow(
        id=id_,
        steps={
            step_id: _step(step_id, each, parts, targets, whole)
            for step_id, each in distinct(steps.entries(), "stepId", "a step")
        },
        summary=node.text("summary"),
        description=node.text("description"),
        inputs=_inputs(inputs) if inputs else None,
        depends_on={text: parts.lead(each, text) for text, each in _texts(depends_on)} if depends_on else {},
        outputs=parts.outputs(node),
        place=node.place,
    )


def _inputs(node: Node) -> Schema:
    return node.schema("2020-12")


def _texts(node: Node) -> Iterator[tuple[str, Node]]:
    yield from zip(node.texts(), node.entries(), strict=True)


def _step(
    id_: str,
    node: Node,
    parts: Parts,
    targets: Targets,
    whole: tuple[tuple[StepParameter, ...], tuple[Action, ...], tuple[Action, ...]],
) -> Step:
    said = [field for field in DEEDS if node.raw(field)]
    if len(said) != 1:
        expected = f"exactly one of {', '.join(DEEDS)}"
        near = next((key for key in node.mapping() if key not in _NEAR and nearest(key, DEEDS, 0.7)), "")
        hint = did_you_mean(near, DEEDS) if near and not said else ""
        found = f"the step '{id_}' has {' and '.join(said) or 'none of them'}"
        raise node.error(found, expected, hint)
    text, action = node.text(said[0]), _action(node)
    return Step(
        id=id_,
        deed=targets.deed(node.child(said[0]), said[0], text, action),
        names=said[0],
        text=text,
        description=node.text("description"),
        action=action,
        correlation=node.text("correlationId"),
        timeout=_timeout(node),
        depends_on=tuple(_dependencies(node)),
        parameters=overridden(parts.parameters(node), whole[0]),
        body=parts.body(node),
        criteria=parts.criteria(node, "successCriteria"),
        on_success=overridden(parts.actions(node, "onSuccess"), whole[1]),
        on_failure=overridden(parts.actions(node, "onFailure"), whole[2]),
        outputs=parts.outputs(node),
        place=node.place,
    )


def _action(node: Node) -> Literal["send", "receive", ""]:
    action = node.text("action")
    if action not in ("", "send", "receive"):
        hint = did_you_mean(action, ("send", "receive"))
        raise node.child("action").error(f"the action '{action}'", "send or receive", hint)
    return cast(Literal["send", "receive", ""], action)


def _timeout(node: Node) -> float | None:
    """Milliseconds as written, seconds in the model."""
    value = node.mapping().get("timeout")
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 10**12:
        raise node.child("timeout").error(f"'timeout' is {value!r}", "a whole number of milliseconds")
    return value / 1000


def _dependencies(node: Node) -> Iterator[Dependency]:
    listed = node.raw("dependsOn")
    for text, each in _texts(listed) if listed else ():
        place, own, other = each.place, _OF_WORKFLOW.match(text), _OF_SOURCE.match(text)
        if own:
            yield Dependency(text, own[2], own[1], place=place)
        elif other:
            yield Dependency(text, other[3], other[2], other[1], place)
        else:
            yield Dependency(text, text, place=place)
