"""What is allowed and yet troubles whoever reads or calls an API: warnings, some of them off by default."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.contract.node import Node
from harness.findings import Finding
from harness.lint.http import operations_of
from harness.lint.rule import Rule, finding
from harness.lint.source import Source

_CODE = re.compile(r"<script\b|\beval\s*\(", re.IGNORECASE)


def successes(source: Source) -> Iterator[Finding]:
    """Every operation documents what it answers when all goes well."""
    for operation in operations_of(source):
        responses = operation.node.value.get("responses")
        keys = responses if isinstance(responses, dict) else ()
        statuses = [key for key in keys if not key.startswith("x-")]
        if statuses and not any(key[:1] in "123" or key == "default" for key in statuses):
            yield finding(
                "success-response",
                source,
                operation.node.child("responses").place,
                f"{operation.called} documents no success",
                received=f"only {', '.join(statuses)}",
                documented="a response of class 2XX or 3XX",
                operation=operation.called,
            )


def bodies(source: Source) -> Iterator[Finding]:
    """GET, HEAD and DELETE have no body (RFC 9110, section 9.3: it has no meaning there)."""
    for operation in operations_of(source):
        if operation.method in ("GET", "HEAD", "DELETE") and "requestBody" in operation.node.value:
            yield finding(
                "body-without-meaning",
                source,
                operation.node.child("requestBody").place,
                f"a body of {operation.method} has no meaning",
                received=f"{operation.method} with a requestBody",
                documented="parameters, or POST, PUT or PATCH",
                operation=operation.called,
            )


def bodies_of_nothing(source: Source) -> Iterator[Finding]:
    """1XX, 204, 205 and 304 carry no content (RFC 9110, sections 15.2, 15.3.5, 15.3.6, 15.4.5)."""
    for piece in source.walk.of("Responses"):
        for status in ("204", "205", "304"):
            answer = piece.node.raw(status)
            content = answer.value.get("content") if answer and isinstance(answer.value, dict) else None
            if answer is not None and isinstance(content, dict) and content:
                yield finding(
                    "body-without-meaning",
                    source,
                    answer.child("content").place,
                    f"an answer {status} has no body",
                    received=f"{status} with content",
                    documented="no content, or status 200",
                )


def all_bodies(source: Source) -> Iterator[Finding]:
    yield from bodies(source)
    yield from bodies_of_nothing(source)


def paths(source: Source) -> Iterator[Finding]:
    """No path ends in a slash, has an empty part or a query."""
    listed = source.root.value.get("paths") if source.format == "openapi" else None
    for path in listed if isinstance(listed, dict) else ():
        faults = {
            "ends in '/'": len(path) > 1 and path.endswith("/"),
            "has a query": "?" in path,
            "has an empty part": "//" in path,
            "has a fragment": "#" in path,
        }
        for what in (what for what, holds in faults.items() if holds):
            node = source.root.child("paths").child(path)
            yield finding(
                "path-form",
                source,
                node.place,
                f"the path {what}",
                received=path,
                documented="a path as servers match it; queries are parameters with in: query",
            )


def tags(source: Source) -> Iterator[Finding]:
    """Tags are defined once, and used once an operation; where some are defined, all are."""
    defined = [each for each in _tags(source) if isinstance(each.value.get("name"), str)]
    known: set[str] = set()
    for tag in defined:
        name = tag.value["name"]
        if name in known:
            yield _tag(source, tag, f"the tag '{name}' is defined twice", name)
        known.add(name)
    for operation in operations_of(source):
        listed = operation.node.value.get("tags")
        seen: set[str] = set()
        for index, name in enumerate(listed if isinstance(listed, list) else ()):
            if not isinstance(name, str):
                continue
            where = operation.node.child("tags").child(index)
            if name in seen:
                yield _tag(source, where, f"{operation.called} has the tag '{name}' twice", name)
            elif known and name not in known:
                yield _tag(source, where, f"the tag '{name}' is not defined", name)
            seen.add(name)


def _tags(source: Source) -> Iterator[Node]:
    listed = source.root.value.get("tags") if source.format == "openapi" else None
    for index, each in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(each, dict):
            yield source.root.child("tags").child(index)


def _tag(source: Source, node: Node, title: str, name: str) -> Finding:
    return finding(
        "tag", source, node.place, title, received=f"'{name}'", documented="each tag once under 'tags'"
    )


def descriptions(source: Source) -> Iterator[Finding]:
    """Responses say what they mean."""
    for piece in source.walk.of("Response"):
        if piece.first and isinstance(piece.node.value, dict) and piece.node.value.get("description") == "":
            yield finding(
                "response-description",
                source,
                piece.node.child("description").place,
                "a response says nothing about itself",
                received="an empty description",
                documented="when this is the answer",
            )


def code(source: Source) -> Iterator[Finding]:
    """No description holds a script that a documentation page would run."""
    for kind in source.walk.pieces:
        for piece in source.walk.of(kind):
            text = piece.node.value.get("description") if isinstance(piece.node.value, dict) else None
            if isinstance(text, str) and piece.first and (found := _CODE.search(text)):
                yield finding(
                    "script-in-text",
                    source,
                    piece.node.child("description").place,
                    "a description holds a script",
                    received=found[0],
                    documented="text and Markdown",
                )


def operations_say_what_they_do(source: Source) -> Iterator[Finding]:
    """Every operation has a summary or description."""
    for operation in operations_of(source):
        if not (operation.node.value.get("summary") or operation.node.value.get("description")):
            yield finding(
                "operation-description",
                source,
                operation.node.place,
                f"{operation.called} does not say what it does",
                received="neither summary nor description",
                documented="a summary of a few words",
                operation=operation.called,
            )


def somebody_answers(source: Source) -> Iterator[Finding]:
    """The document says who answers for the API."""
    info = source.root.raw("info")
    if info is not None and isinstance(info.value, dict) and not info.value.get("contact"):
        yield finding(
            "contact",
            source,
            info.place,
            "nobody answers for this API",
            received="no info.contact",
            documented="info.contact with a name and an address",
        )


RULES = (
    Rule(
        "success-response",
        "every operation documents a success",
        source=successes,
        severity="warning",
        why="A client cannot know what it gets when all goes well.",
        mend="Document the response of a success.",
    ),
    Rule(
        "body-without-meaning",
        "bodies stand only where HTTP gives them a meaning",
        source=all_bodies,
        severity="warning",
        why="Clients, proxies and servers drop such a body or refuse it.",
        mend="Move it into parameters, or use another method or status.",
    ),
    Rule(
        "path-form",
        "paths have no trailing slash, query or empty part",
        source=paths,
        severity="warning",
        why="Servers and proxies disagree about whether it is the same path.",
        mend="Write the path without it.",
    ),
    Rule(
        "tag",
        "tags are defined once and used once",
        source=tags,
        severity="warning",
        why="Documentation and generated clients are grouped by tags.",
        mend="Define it once under 'tags', and name it once in an operation.",
    ),
    Rule(
        "response-description",
        "every response says when it is the answer",
        source=descriptions,
        severity="warning",
        why="Readers learn nothing from an empty description.",
        mend="Write a sentence.",
    ),
    Rule(
        "script-in-text",
        "no description holds a script",
        source=code,
        severity="warning",
        why="A page made from it would run the script in its readers' browsers.",
        mend="Remove it, or put it between backquotes as an example in words.",
    ),
    Rule(
        "operation-description",
        "every operation says what it does",
        source=operations_say_what_they_do,
        severity="off",
        why="Its name alone is all that readers have.",
        mend="Write a summary.",
    ),
    Rule(
        "contact",
        "the document says who answers for the API",
        source=somebody_answers,
        severity="off",
        why="Whoever finds a fault does not know whom to tell.",
        mend="Fill in info.contact.",
    ),
)
