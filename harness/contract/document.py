"""One file or address, opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from harness.contract.identifiers import Identifiers
from harness.contract.model import JSON, Place
from harness.contract.pointers import tokens_of
from harness.contract.tree import Marks


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Document:
    """One file: ``file`` is its path as the user would name it, ``marks`` where its nodes stand.

    ``base`` is what its references are relative to: the address that it was mapped from or redirected to; its
    own URI if empty. ``path`` is None for one that came from an address. ``keeps_siblings`` says whether a
    Reference Object's ``summary`` and ``description`` hold beside its ``$ref`` (OpenAPI 3.1 and later).
    ``digest`` is that of its text, where it was read from a file.
    """

    uri: str
    path: Path | None
    file: str
    tree: JSON
    marks: Marks = field(repr=False)
    base: str = ""
    identifiers: Identifiers = field(default_factory=Identifiers, repr=False)
    keeps_siblings: bool = False
    digest: str = ""
    _spoken: dict[str, bool] = field(default_factory=dict, repr=False)

    def speaks_of(self, word: str) -> bool:
        """Whether a word stands anywhere in the tree; it is looked through once for each."""
        if word not in self._spoken:
            self._spoken[word] = has_word(self.tree, word)
        return self._spoken[word]

    def place(self, pointer: str) -> Place:
        """Where the node at a JSON pointer stands; the nearest node above it if there is none."""
        node, at = self.tree, (1, 1)
        for token in tokens_of(pointer):
            key: str | int = token
            if isinstance(node, list) and token.isdecimal():
                key = int(token)
            marks = self.marks.get(id(node), {})
            if key not in marks:
                break
            node, at = node[key], marks[key]
        return Place(self.file, *at)

    def base_at(self, resource: str) -> str:
        """What references are relative to inside a schema with an ``$id``; ``""`` is the document itself."""
        return self.identifiers.bases.get(resource) or self.base or self.uri

    def neighbour(self, address: str) -> Path | None:
        """The file beside this one that stands for an address, where this one stands for an address too."""
        own = self.base_at("")
        folder = own.rpartition("/")[0] + "/"
        if self.path is None or not address.startswith(folder) or urlsplit(own).scheme == "file":
            return None
        rest = unquote(address[len(folder) :])
        path = self.path.parent / rest
        return path if ".." not in Path(rest).parts and path.is_file() else None


def has_word(tree: JSON, word: str) -> bool:
    """Whether any mapping of a tree has this key."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if word in node:
                return True
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return False
