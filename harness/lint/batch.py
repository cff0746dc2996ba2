"""Many values against many schemas at once.

A validator is compiled with all that its schema refers to, so one for each of a thousand schemas that refer
to each other takes a thousand times as long as it should. Here the schemas of a document become the items of
one, and the values the items of one list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import quote

from harness.contract.documents import Documents
from harness.contract.model import JSON, Place, Schema
from harness.contract.schema import Direction, Violation, compile_schema
from harness.errors import ContractError

MAX_TRIES = 60
"""Compilations in search of the schemas that cannot be compiled; beyond, what is left is not judged."""

_NAMES = count()


@dataclass(frozen=True, slots=True)
class Task:
    """A value held to a schema, or a schema alone. ``owner`` comes back with the answer."""

    schema: Schema
    direction: Direction | None
    owner: object
    value: JSON = None
    has_value: bool = True


@dataclass(slots=True)
class Answers:
    """``violations`` of the tasks whose values break their schemas, ``refused`` what does not compile."""

    violations: list[tuple[Task, tuple[Violation, ...]]] = field(default_factory=list)
    refused: list[tuple[Task, ContractError]] = field(default_factory=list)


def judge(tasks: Sequence[Task]) -> Answers:
    """The answers for all tasks, in their order within a document and direction."""
    groups: dict[tuple[str, str, Direction | None], list[Task]] = {}
    for task in tasks:
        key = (task.schema.uri.partition("#")[0], task.schema.dialect, task.direction)
        groups.setdefault(key, []).append(task)
    answers = Answers()
    for group in groups.values():
        _judge(sorted(group, key=lambda task: not task.has_value), answers)
    return answers


def _judge(tasks: list[Task], answers: Answers) -> None:
    """Halves whatever cannot be compiled, until the schemas are found that are to blame."""
    waiting, tries = [tasks], 0
    while waiting and tries < MAX_TRIES:
        group = waiting.pop()
        tries += 1
        try:
            answers.violations += _violations(group)
        except ContractError as error:
            if len(group) == 1:
                answers.refused.append((group[0], error))
            else:
                middle = len(group) // 2
                waiting += [group[middle:], group[:middle]]


def _violations(tasks: list[Task]) -> Iterator[tuple[Task, tuple[Violation, ...]]]:
    """All values of one schema are a list, and these lists the items of the list that is judged."""
    groups: dict[str, list[Task]] = {}
    for task in tasks:
        groups.setdefault(_fragment(task.schema), []).append(task)
    judged = [[task for task in group if task.has_value] for group in groups.values()]
    values = [[task.value for task in group] for group in judged]
    found: dict[tuple[int, int], list[Violation]] = {}
    for violation in compile_schema(_all_of(tasks[0].schema, groups), tasks[0].direction).violations(values):
        group, index, *rest = violation.pointer[1:].split("/", 2)
        above = re.escape(f"/{group}/{index}")
        detail = re.sub(rf"(?<=[:,] ){above}(?=[/ ])(/[^ ]*)?", lambda at: at[1] or "it", violation.detail)
        pointer = f"/{rest[0]}" if rest else ""
        found.setdefault((int(group), int(index)), []).append(Violation(pointer, detail, violation.keyword))
    return iter([(judged[group][index], tuple(each)) for (group, index), each in sorted(found.items())])


def _fragment(schema: Schema) -> str:
    """Where in its document a schema is, or the one that it refers to and says nothing beside."""
    raw, (document, _, pointer) = schema.raw, schema.uri.partition("#")
    held = schema.resources
    plain = isinstance(held, Documents) and not held.document(document).identifiers.bases  # no $id inside
    if plain and isinstance(raw, Mapping) and list(raw) == ["$ref"] and str(raw["$ref"]).startswith("#/"):
        return str(raw["$ref"])
    return f"#{quote(pointer)}"


def _all_of(one: Schema, fragments: Iterable[str]) -> Schema:
    """A schema whose items are lists of what these allow, as if it stood in the document of one of them."""
    document = one.uri.partition("#")[0]
    items = [{"items": {"$ref": fragment}} for fragment in fragments]
    uri = f"{document}#/items-of-lint-{next(_NAMES)}"
    held = one.resources
    place = held.document(document).place("") if isinstance(held, Documents) else Place(document, 0)
    return Schema(uri, {"prefixItems": items}, place, None, one.dialect, held)


def in_words(violations: Sequence[Violation]) -> str:
    """What is wrong with a value, without the value."""
    told = [f"{each.pointer or 'it'} {each.detail}" for each in violations[:4]]
    return "; ".join(told) + ("; …" if len(violations) > 4 else "")
