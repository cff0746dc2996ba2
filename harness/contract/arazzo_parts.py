"""The small objects of an Arazzo document: values, parameters, bodies, criteria, actions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeVar, cast

from harness.contract.model.workflows import (
    Action,
    Criterion,
    Language,
    LanguageName,
    Nowhere,
    Replacement,
    Selector,
    StepBody,
    StepParameter,
    Value,
    WorkflowCall,
)
from harness.contract.nearest import did_you_mean
from harness.contract.node import Node, kind

_Kind = TypeVar("_Kind", bound=StepParameter | Action)

Lead = Callable[[Node, str], WorkflowCall | Nowhere]
"""Where the workflowId that stands at a node leads."""

LOCATIONS = ("path", "query", "querystring", "header", "cookie")
VERSIONS: Mapping[LanguageName, tuple[str, ...]] = {
    "simple": (),
    "regex": (),
    "jsonpath": ("rfc9535", "draft-goessner-dispatch-jsonpath-00"),
    "jsonpointer": ("rfc6901",),
    "xpath": ("xpath-31", "xpath-30", "xpath-20", "xpath-10"),
}
"""Language → the versions that it may name (1.1: Expression Type Object)."""

OF_CRITERIA: tuple[LanguageName, ...] = ("simple", "regex", "jsonpath", "xpath")
OF_SELECTORS: tuple[LanguageName, ...] = ("jsonpath", "jsonpointer", "xpath")
_SELECTOR = frozenset(("context", "selector", "type"))


@dataclass(frozen=True, slots=True)
class Parts:
    """Reads what stands inside steps. ``selectors``: whether the version knows Selector Objects."""

    components: Node | None
    selectors: bool
    lead: Lead

    def value(self, node: Node) -> Value:
        """A value with the Selector Objects in it, however deep, made ``Selector``."""
        value = node.value
        if isinstance(value, list):
            return [self.value(each) for each in node.entries()]
        if not isinstance(value, dict):
            return value
        if self.selectors and _is_selector(value):
            where = node.child("type")
            return Selector(value["context"], value["selector"], language(where, OF_SELECTORS), node.place)
        return {key: self.value(node.child(key)) for key in value}

    def outputs(self, owner: Node) -> dict[str, Value]:
        listed = owner.raw("outputs")
        if listed is None:
            return {}
        found = {name: self.value(listed.child(name)) for name in listed.mapping()}
        for name, value in found.items():
            if not isinstance(value, str | Selector):
                expected = "a runtime expression" + (" or a selector" if self.selectors else "")
                raise listed.child(name).error(f"the output '{name}' is {kind(value)}", expected)
        return found

    def parameters(self, owner: Node) -> tuple[StepParameter, ...]:
        listed = owner.raw("parameters")
        return tuple(self.parameter(each) for each in listed.entries()) if listed else ()

    def parameter(self, entry: Node) -> StepParameter:
        node = self.reused(entry, "parameters")
        name, location = required(node, "name", "a parameter"), node.text("in")
        if location and location not in LOCATIONS:
            found = f"the parameter '{name}' is in '{location}'"
            raise node.child("in").error(found, ", ".join(LOCATIONS), did_you_mean(location, LOCATIONS))
        where = entry if "value" in entry.mapping() else node
        if "value" not in where.mapping():
            raise entry.error(f"the parameter '{name}' has no value", "a constant, expression or selector")
        return StepParameter(name, self.value(where.child("value")), location, place=entry.place)

    def reused(self, entry: Node, section: str) -> Node:
        """The component that a Reusable Object refers to, or the entry itself. Raises ContractError."""
        text = entry.text("reference")
        if not text:
            return entry
        where, prefix = entry.child("reference"), f"$components.{section}."
        known = self.components.raw(section) if self.components else None
        names = known.mapping() if known else {}
        name = text.removeprefix(prefix)
        if name == text or known is None or name not in names:
            hint = did_you_mean(text, [prefix + each for each in names])
            raise where.error(f"the reference '{text}' leads nowhere", f"{prefix}<name>", hint)
        return known.child(name)

    def body(self, step: Node) -> StepBody | None:
        node = step.raw("requestBody")
        if node is None:
            return None
        payload, listed = node.raw("payload"), node.raw("replacements")
        content_type = node.text("contentType")
        xml = "xml" in content_type.lower()
        replacements = (self.replacement(each, xml) for each in listed.entries()) if listed else ()
        value = self.value(payload) if payload else None
        return StepBody(value, content_type, tuple(replacements), node.place)

    def replacement(self, node: Node, xml: bool) -> Replacement:
        chosen = node.raw("targetSelectorType")
        default = Language("xpath" if xml else "jsonpointer")
        if "value" not in node.mapping():
            raise node.error("a replacement has no value", "the value to put at its target")
        return Replacement(
            required(node, "target", "a replacement"),
            self.value(node.child("value")),
            language(chosen, OF_SELECTORS) if chosen else default,
            node.place,
        )

    def criteria(self, owner: Node, field: str) -> tuple[Criterion, ...]:
        listed = owner.raw(field)
        return tuple(_criterion(each) for each in listed.entries()) if listed else ()

    def actions(self, owner: Node, field: str) -> tuple[Action, ...]:
        listed = owner.raw(field)
        section = "successActions" if "uccess" in field else "failureActions"
        return tuple(self.action(each, section) for each in listed.entries()) if listed else ()

    def action(self, entry: Node, section: str) -> Action:
        node = self.reused(entry, section)
        kinds = ("end", "goto") if section == "successActions" else ("end", "goto", "retry")
        name, chosen = required(node, "name", "an action"), node.text("type")
        step, workflow = node.text("stepId"), node.text("workflowId")
        if chosen not in kinds:
            found = f"the action '{name}' has the type '{chosen}'"
            raise node.error(found, " or ".join(kinds), did_you_mean(chosen, kinds))
        if (step and workflow) or (chosen == "goto" and not step and not workflow):
            both = "both a stepId and a workflowId" if step else "neither a stepId nor a workflowId"
            raise node.error(f"the action '{name}' has {both}", "one of the two")
        return Action(
            name=name,
            kind=cast(Literal["end", "goto", "retry"], chosen),
            step=step,
            workflow=workflow,
            parameters=self.parameters(node),
            criteria=self.criteria(node, "criteria"),
            retry_after=_number(node, "retryAfter", 0),
            retry_limit=int(_number(node, "retryLimit", 1, whole=True)),
            target=self.lead(node.child("workflowId"), workflow) if workflow else None,
            place=entry.place,
        )


def _is_selector(value: dict[str, object]) -> bool:
    context, selector = value.get("context"), value.get("selector")
    fields = {key for key in value if not key.startswith("x-")}
    return fields == _SELECTOR and isinstance(selector, str) and str(context).startswith("$")


def _criterion(node: Node) -> Criterion:
    chosen = node.raw("type")
    return Criterion(
        required(node, "condition", "a criterion"),
        language(chosen, OF_CRITERIA) if chosen else Language(),
        node.text("context"),
        node.place,
    )


def language(node: Node, known: tuple[LanguageName, ...]) -> Language:
    """What a ``type`` says: a name, or a mapping of type and version. Raises ContractError."""
    version = ""
    where = node
    if isinstance(node.value, dict):
        version = required(node, "version", "an expression type")
        where = node.raw("type") or node
    name = where.value
    if name not in known:
        hint = did_you_mean(str(name), known)
        raise where.error(f"the type '{name}'", " or ".join(known), hint)
    if version and version not in VERSIONS[name]:
        found = f"version '{version}' of {name}"
        hint = did_you_mean(version, VERSIONS[name])
        raise node.error(found, " or ".join(VERSIONS[name]) or f"no version: {name} has none", hint)
    return Language(name, version)


def required(node: Node, key: str, owner: str) -> str:
    """The text under a key that must be there. Raises ContractError."""
    found = node.text(key)
    if not found:
        raise node.error(f"{owner} has no {key}", f"'{key}:' and a text")
    return found


def _number(node: Node, key: str, default: float, whole: bool = False) -> float:
    value = node.mapping().get(key, default)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value < 1e9 or (whole and value != int(value)):
        expected = f"a {'whole number' if whole else 'number'} from 0"
        raise node.child(key).error(f"'{key}' is {value!r}", expected)
    return float(value)


def distinct(nodes: Iterator[Node], key: str, owner: str) -> Iterator[tuple[str, Node]]:
    """Name and node of each, which must have a name of its own. Raises ContractError with both places."""
    seen: dict[str, Node] = {}
    for node in nodes:
        name = required(node, key, owner)
        if name in seen:
            found = f"a second {key} '{name}'; the first is in line {seen[name].place.line}"
            raise node.error(found, f"each {key} once", "Rename one of the two")
        seen[name] = node
        yield name, node


def overridden(nearer: tuple[_Kind, ...], further: tuple[_Kind, ...]) -> tuple[_Kind, ...]:
    """What a step says itself, and then what its workflow says for all steps and it does not say again."""
    said = {_same(each) for each in nearer}
    return (*nearer, *(replace(each, inherited=True) for each in further if _same(each) not in said))


def _same(each: StepParameter | Action) -> tuple[str, str]:
    return each.name, each.location if isinstance(each, StepParameter) else ""
