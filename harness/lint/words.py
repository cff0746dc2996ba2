"""Extension words stand where they mean something."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.contract.documents import Documents
from harness.contract.extensions import WORDS, misspelt
from harness.contract.model import Contract, System
from harness.contract.node import Node
from harness.contract.references import words
from harness.findings import Finding
from harness.lint.rule import Rule, finding
from harness.lint.source import Source, says

_HTTP = r"/paths/[^/]+/(get|put|post|delete|options|head|patch|trace)"
_KAFKA = r"/operations/[^/]+|(/components)?/channels/[^/]+/(publish|subscribe)"
_MESSAGE = (
    r"(/channels/[^/]+/messages/[^/]+|/channels/[^/]+/(publish|subscribe)/message(/oneOf/\d+)?"
    r"|/components/messages/[^/]+|/components/messageTraits/[^/]+)"
)
_SCHEMA = r".*/(schema|schemas|payload|headers|items|properties|allOf|oneOf|anyOf|\$defs)(/.*)?"
_PLACES = {
    "x-emits": (f"{_HTTP}|{_KAFKA}", "an HTTP operation or a receive operation"),
    "x-requires": (_HTTP, "an HTTP operation"),
    "x-access": (_HTTP, "an HTTP operation"),
    "x-subject": (f"{_HTTP}|{_MESSAGE}", "an HTTP operation or a message"),
    "x-lifecycle": (r"/components/schemas/[^/]+", "a component schema"),
    "x-deadline": (r".*/x-lifecycle/states/[^/]+", "a state of x-lifecycle"),
    "x-retry": (_KAFKA, "a receive operation"),
    "x-dead-letter": (_KAFKA, "a receive operation"),
    "x-relation": (_KAFKA, "a receive operation"),
    "x-records": (_KAFKA, "a send operation"),
    "x-phi": (_SCHEMA, "a schema"),
    "x-unique": (
        r"/components/schemas/[^/]+(/(allOf|oneOf|anyOf)/\d+)*/properties/[^/]+",
        "a component's property",
    ),
}
"""Word → where it may stand, as a pattern of JSON pointers and in words."""

_ON_RECEIVE = frozenset(("x-emits", "x-retry", "x-dead-letter", "x-relation"))
_ON_SEND = frozenset(("x-records",))


def words_stand_where_they_belong(system: System) -> Iterator[Finding]:
    """A word elsewhere would be read by nobody."""
    for contract in system.contracts.values():
        documents = contract.documents
        if not isinstance(documents, Documents) or not says(documents, WORDS):
            continue
        own = contract.folder.resolve().as_uri()
        for uri in documents:
            tree = documents[uri]
            if uri.startswith(own) and isinstance(tree, dict) and ("openapi" in tree or "asyncapi" in tree):
                for node in words(Node.at(documents, documents.document(uri))):
                    yield from _misplaced(contract, node)


def _misplaced(contract: Contract, node: Node) -> Iterator[Finding]:
    for word in node.value:
        if word not in WORDS:
            continue
        pattern, belongs = _PLACES[word]
        sends = node.value.get("action") == "send" or node.pointer.endswith("/subscribe")
        wrong = word in (_ON_RECEIVE if sends else _ON_SEND)
        if wrong or not re.fullmatch(pattern, node.pointer):
            where = f"a {'send' if sends else 'receive'} operation" if wrong else node.pointer
            yield finding(
                "word",
                contract,
                node.child(word).place,
                f"'{word}' means nothing here",
                received=f"{word} on {where or 'the document'}",
                documented=f"{word} on {belongs}",
                operation=node.key,
            )


def words_are_spelt_right(source: Source) -> Iterator[Finding]:
    """An ``x-…`` that is nearly one of ours: the reader refuses it, for it would be read by nobody."""
    objects = (piece.node for pieces in source.walk.pieces.values() for piece in pieces if piece.first)
    for node in objects:
        for key in node.value if isinstance(node.value, dict) else ():
            meant = misspelt(key) if key.lower().startswith("x-") else None
            if meant:
                yield finding(
                    "word",
                    source,
                    node.child(key).place,
                    f"'{key}' is not an extension word",
                    received=f"'{key}'",
                    documented=f"'{meant}', or a name that is less like it",
                    operation=node.key,
                )


RULES = (
    Rule(
        "word",
        "extension words are spelt right and stand where they are read",
        words_stand_where_they_belong,
        source=words_are_spelt_right,
        why="A word that nobody reads says nothing, and nobody notices.",
        mend="contracts/README.md says which words there are, and where each may stand.",
    ),
)
