"""Where schemas stand, looked up when somebody asks: few of them are ever told of, and many are made."""

from __future__ import annotations

from typing import Any

from harness.contract.documents import Documents
from harness.contract.model import JSON, Place


class LaterPlace(Place):
    """That of the node at a URI; ``holder`` is what it stands in, under ``key``, where that is known: walking
    there from the top takes long in deep places."""

    __slots__ = ("_asked",)

    def __init__(self, documents: Documents, uri: str, holder: JSON = None, key: str | int = "") -> None:
        object.__setattr__(self, "_asked", (documents, uri, holder, key))

    def __getattr__(self, name: str) -> Any:
        """Python asks here for what is not there yet."""
        if name not in Place.__slots__:
            raise AttributeError(name)
        documents, uri, holder, key = self._asked
        name_of, _, pointer = uri.partition("#")
        document = documents.document(name_of)
        at = document.marks.get(id(holder), {}).get(key) if holder is not None else None
        found = Place(document.file, *at) if at else document.place(pointer)
        for each in Place.__slots__:
            object.__setattr__(self, each, getattr(found, each))
        return getattr(found, name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Place) and self._told() == (other.file, other.line, other.column)

    def __hash__(self) -> int:
        return hash(self._told())

    def __reduce__(self) -> Any:
        return Place, self._told()

    def _told(self) -> tuple[str, int, int]:
        return self.file, self.line, self.column
