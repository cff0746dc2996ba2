"""Examples and defaults keep the schemas that they stand for, wherever a format lets them stand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.contract.model import JSON, Place
from harness.contract.node import Node
from harness.contract.schema import Direction, Violation
from harness.errors import ContractError
from harness.findings import Finding
from harness.lint.batch import Answers, Task, in_words, judge
from harness.lint.rule import Rule, finding
from harness.lint.source import Source
from harness.lint.structure import misfits_of
from harness.lint.uses import messages_in
from harness.lint.walk import Piece


@dataclass(frozen=True, slots=True)
class Shown:
    """An example where it is written. ``is_text`` is set where text may stand for another value."""

    called: str
    where: Place
    is_text: bool = False


def examples_keep_their_schemas(source: Source) -> Iterator[Finding]:
    """Each example that breaks its schema, and each default."""
    answers = _answers(source)
    second = _second_look(source, answers)
    for task, violations in answers.violations:
        shown = task.owner
        if isinstance(shown, Shown) and second.get(id(task)) != "holds":
            yield _broken(source, shown, violations, second.get(id(task)) == "as text")
    yield from _server_variables(source)


def schemas_make_sense(source: Source) -> Iterator[Finding]:
    """Schemas that no validator can be made of, though nothing in their structure says so."""
    if misfits_of(source) or any(reference.error for reference in source.walk.references):
        return  # the rules "structure" and "reference" say why
    seen: set[str] = set()
    for task, error in _answers(source).refused:
        if task.schema.uri not in seen:
            seen.add(task.schema.uri)
            yield finding(
                "schema",
                source,
                task.schema.place,
                "a schema makes no sense",
                received=error.found,
                documented=error.expected,
                operation=task.schema.name or "",
            )


def _answers(source: Source) -> Answers:
    if "answers" not in source.derived:
        tasks = list(_tasks(source))
        if not source.says("readOnly", "writeOnly"):  # then all directions are one, and so is the work
            tasks = [replace(task, direction=None) for task in tasks]
        source.derived["answers"] = judge(tasks)
    found: Answers = source.derived["answers"]
    return found


def _tasks(source: Source) -> Iterator[Task]:
    for piece in source.walk.of("MediaType", "Parameter", "Header"):
        yield from _shown_by(source, piece)
    for piece in source.walk.of("Schema"):
        if isinstance(piece.node.value, dict):
            yield from _own(source, piece.node)
    for name in _components(source):
        yield from _task(source, name, None, None)
    if source.format == "asyncapi":
        yield from _of_messages(source)


def _components(source: Source) -> Iterator[Node]:
    components = source.root.raw("components")
    schemas = components.raw("schemas") if components else None
    for name in schemas.value if schemas and isinstance(schemas.value, dict) else ():
        yield schemas.child(name) if schemas else source.root


def _task(
    source: Source, node: Node | None, direction: Direction | None, shown: Shown | None, value: JSON = None
) -> Iterator[Task]:
    if node is not None and isinstance(node.value, dict | bool):
        try:
            schema = node.schema(source.dialect_of(node))
        except ContractError:
            return  # a reference that leads nowhere
        yield Task(schema, direction, shown, value, shown is not None)


def _shown_by(source: Source, piece: Piece) -> Iterator[Task]:
    """The examples of a media type, parameter or header, and its schema alone."""
    node, direction = piece.node, piece.direction
    schema = node.raw("schema") if isinstance(node.value, dict) else None
    if schema is None:
        return
    yield from _task(source, schema, direction, None)
    is_media = piece.kind == "MediaType"
    if is_media and not _is_json(node.key):
        return
    if "example" in node.value:
        shown = Shown("the example", node.child("example").place, True)
        yield from _task(source, schema, direction, shown, node.value["example"])
    named = node.value.get("examples")
    for name in named if isinstance(named, dict) else ():
        try:
            example = node.child("examples").child(name).follow()
        except ContractError:
            continue
        for key in ("value", "dataValue"):
            if isinstance(example.value, dict) and key in example.value:
                shown = Shown(f"the example '{name}'", example.child(key).place, True)
                yield from _task(source, schema, direction, shown, example.value[key])


def _is_json(media_type: str) -> bool:
    """Whether its examples are written as values; those of other media types may be text of their own."""
    essence = media_type.partition(";")[0].strip().lower()
    return essence.endswith(("/json", "+json")) or essence in ("*/*", "application/*")


def _own(source: Source, schema: Node) -> Iterator[Task]:
    for word in ("default", "example"):
        if word in schema.value:
            shown = Shown(f"the schema's own {word}", schema.child(word).place)
            yield from _task(source, schema, None, shown, schema.value[word])
    listed = schema.value.get("examples")
    for index, value in enumerate(listed if isinstance(listed, list) else ()):
        shown = Shown("the schema's own example", schema.child("examples").child(index).place)
        yield from _task(source, schema, None, shown, value)


def _of_messages(source: Source) -> Iterator[Task]:
    """Messages come from the model: their traits are merged by each version's rule there."""
    for message in messages_in(source):
        for schema in (message.payload, message.headers, message.key):
            if schema is not None:
                yield Task(schema, None, None, has_value=False)
        for example in message.examples:
            shown = Shown(f"the example '{example.name}'", example.place)
            if message.payload is not None and example.has_payload:
                yield Task(message.payload, None, shown, example.payload)
            if message.headers is not None and example.headers:
                yield Task(message.headers, None, shown, dict(example.headers))


_Second = Literal["holds", "as text"]


def _second_look(source: Source, answers: Answers) -> dict[int, _Second]:
    """By ``id`` of a task that failed: whether it holds after all, or as what its text says.

    A schema's own example may be of a request or of an answer, where readOnly or writeOnly properties need
    not be; an example of a parameter may be written as it travels, as text.
    """
    again: list[Task] = []
    for task, _ in answers.violations:
        if isinstance(task.owner, Shown) and task.owner.is_text and isinstance(task.value, str):
            try:
                value = json.loads(task.value)
            except ValueError:
                continue
            again.append(replace(task, value=value, owner=(id(task), "as text")))
        elif task.direction is None and source.says("readOnly", "writeOnly"):
            ways: tuple[Direction, ...] = ("request", "response")
            again += [replace(task, direction=way, owner=(id(task), "holds")) for way in ways]
    failed = {id(task) for task, _ in judge(again).violations}
    found: dict[int, _Second] = {}
    for task in again:
        if id(task) not in failed and isinstance(task.owner, tuple):
            found[task.owner[0]] = task.owner[1]
    return found


def _broken(source: Source, shown: Shown, violations: Sequence[Violation], as_text: bool) -> Finding:
    word = shown.called.rpartition(" ")[2]
    return finding(
        "example",
        source,
        shown.where,
        f"{shown.called} breaks its schema" + (", unless its text is read as JSON" if as_text else ""),
        received=in_words(violations),
        documented=f"{'a default' if word == 'default' else 'an example'} that its schema allows",
        severity="warning" if as_text else "error",
    )


def _server_variables(source: Source) -> Iterator[Finding]:
    for piece in source.walk.of("ServerVariable", "Variable"):
        node = piece.node
        values, default = (node.value.get(key) for key in ("enum", "default"))
        if isinstance(values, list) and values and isinstance(default, str) and default not in values:
            yield finding(
                "example",
                source,
                node.child("default").place,
                f"the default of the server variable '{node.key}' is not among its values",
                received=f"'{default}'",
                documented=f"one of {', '.join(map(str, values[:12]))}",
            )


RULES = (
    Rule(
        "schema",
        "every schema makes sense",
        source=schemas_make_sense,
        why="No validator can be made of it, so nothing that it describes is checked.",
        mend="Write it as its dialect defines it.",
    ),
    Rule(
        "example",
        "every example and default keeps its schema",
        source=examples_keep_their_schemas,
        why="Readers copy examples, mocks answer with them and tests send them.",
        mend="Correct the example, or the schema if the example is right.",
    ),
)
