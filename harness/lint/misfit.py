"""What does not fit a format's tables, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.contract.nearest import did_you_mean
from harness.contract.node import Node, kind
from harness.lint.shape import FORMATS, Alternative, Choice, Language, Listed, Named, Of, Scalar, Type


@dataclass(frozen=True, slots=True)
class Misfit:
    """Something that the format does not allow at a node."""

    node: Node
    title: str
    found: str
    expected: str


def no_such_value(type_: Type, node: Node, language: Language) -> Misfit:
    choices = [
        each for alternative in type_ if isinstance(alternative, Choice) for each in alternative.values
    ]
    expected = " or ".join(dict.fromkeys(_wanted(each, language) for each in type_))
    if isinstance(node.value, str) and choices:
        found = f"{node.called} is '{node.value}'"
        expected = f"one of {', '.join(choices)}. {did_you_mean(node.value, choices)}"
        return Misfit(node, f"{node.called} has a value that the format does not know", found, expected)
    if isinstance(node.value, str) and any(
        isinstance(each, Scalar) and each.name in FORMATS for each in type_
    ):
        return Misfit(node, f"{node.called} is not {expected}", f"'{node.value}'", expected)
    found = f"{node.called} is {kind(node.value)}"
    return Misfit(node, f"{node.called} is of the wrong type", found, expected)


def _wanted(alternative: Alternative, language: Language) -> str:
    match alternative:
        case Scalar("flag"):
            return "true or false"
        case Scalar("number"):
            return "a number"
        case Scalar("integer"):
            return "a whole number"
        case Scalar("uri"):
            return "a URI or a relative reference"
        case Scalar("email"):
            return "an email address"
        case Choice(values):
            return f"one of {', '.join(values)}"
        case Listed():
            return "a list"
        case Named():
            return "a mapping of names"
        case Of(name, by_reference):
            return f"a mapping: {language.called(name)}{' or a $ref' if by_reference else ''}"
    return "text"


def unknown_key(name: str, node: Node, language: Language) -> Misfit:
    expected = f"{did_you_mean(node.key, language.shapes[name].fields)} A key of your own begins with 'x-'"
    return Misfit(
        node, f"'{node.key}' is not a key of {language.called(name)}", f"'{node.key}'", expected.strip()
    )


def missing_key(name: str, node: Node, missing: str, language: Language) -> Misfit:
    near = [key for key in node.value if not key.startswith("x-")]
    found = f"it has {', '.join(near[:8])}" if near else "it is empty"
    return Misfit(
        node, f"{language.called(name)} has no '{missing}'", found, f"'{missing}', which must be there"
    )


def only_one(node: Node, keys: tuple[str, ...], needed: bool = False) -> Iterator[Misfit]:
    """Of these keys no two stand together, and one does if it is ``needed``."""
    there = [key for key in keys if key in node.value]
    both = " and ".join(f"'{key}'" for key in there)
    either = " or ".join(f"'{key}'" for key in keys)
    if len(there) > 1:
        yield Misfit(node.child(there[1]), f"{both} exclude each other", both, f"one of them: {either}")
    if needed and not there:
        yield Misfit(node, f"there is neither {either.replace(' or ', ' nor ')}", "neither", f"{either}")
