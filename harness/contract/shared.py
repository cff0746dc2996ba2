"""Documents that are open already: whoever reads the same text of the same file again gets the same tree.

The contracts of one folder refer to each other, so each of them reads most of the others' files; and of those
that an edited contract is read from, all but one are as they were. Held weakly: a document ends with the last
contract that was read from it. Nobody may change a tree.
"""

from __future__ import annotations

from sys import intern
from typing import Any
from weakref import WeakValueDictionary

from harness.contract.document import Document
from harness.contract.model import JSON

_OPEN: WeakValueDictionary[tuple[str, str, str, str], Document] = WeakValueDictionary()


def opened(uri: str, file: str, base: str, digest: str) -> Document | None:
    """The document of this text, as this user names it; None if nobody holds it."""
    return _OPEN.get((uri, file, base, digest)) if digest else None


def share(document: Document) -> Document:
    """The document itself, for others to get from ``opened``."""
    if document.digest:
        _say_once(document.tree)
        _OPEN[document.uri, document.file, document.base, document.digest] = document
    return document


def _say_once(tree: JSON) -> None:
    """Have equal texts of all documents be one: most of what a contract says it says again and again."""
    waiting = [tree] if isinstance(tree, dict | list) else []
    while waiting:
        node = waiting.pop()
        entries: Any = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in entries:
            if type(value) is str:
                node[key] = intern(value)
            elif isinstance(value, dict | list):
                waiting.append(value)
