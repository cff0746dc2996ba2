"""A place in a raw tree from which readers look around: children, ``$ref``s, file and line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from harness.contract.documents import MAX_HOPS, Document, Documents, escape, tokens_of
from harness.contract.model import JSON, Dialect, Place, Schema
from harness.contract.scopes import dialect_at, entered
from harness.errors import ContractError

__all__ = ["Dialect", "Node", "kind"]


@dataclass(frozen=True, slots=True)
class Node:
    """``pointer`` is a JSON pointer into ``document``; ``value`` what stands there, ``slot`` the mapping or
    list that holds it, if that is at hand, and its key there."""

    documents: Documents
    document: Document
    pointer: str
    value: JSON
    slot: tuple[JSON, str | int] = field(default=(None, ""), repr=False, compare=False)

    @classmethod
    def at(cls, documents: Documents, document: Document, pointer: str = "") -> Node:
        """The node at a pointer that is known to exist."""
        value, holder, key = document.tree, None, ""  # type: JSON, JSON, str | int
        for token in tokens_of(pointer):
            holder, key = value, int(token) if isinstance(value, list) else token
            value = value[key]
        return cls(documents, document, pointer, value, (holder, key))

    @property
    def place(self) -> Place:
        holder, key = self.slot
        at = self.document.marks.get(id(holder), {}).get(key)
        return Place(self.document.file, *at) if at else self.document.place(self.pointer)

    @property
    def uri(self) -> str:
        return f"{self.document.uri}#{self.pointer}"

    @property
    def key(self) -> str:
        """The last token of the pointer: the name under which the node stands."""
        return tokens_of(self.pointer)[-1] if self.pointer else ""

    def error(self, found: str, expected: str = "", remedy: str = "") -> ContractError:
        return ContractError(str(self.place), found, expected, remedy)

    def child(self, key: str | int) -> Node:
        slot = self.value, key
        return Node(self.documents, self.document, f"{self.pointer}/{escape(key)}", self.value[key], slot)

    def raw(self, key: str) -> Node | None:
        """The child of this name with its ``$ref`` kept, or None."""
        if isinstance(self.value, dict) and self.value.get(key) is not None:
            return self.child(key)
        return None

    def get(self, key: str) -> Node | None:
        """The child of this name with ``$ref`` followed, or None."""
        found = self.raw(key)
        return found.follow() if found else None

    def follow(self, *kept: str) -> Node:
        """Where the chain of ``$ref``s that begins here ends; raises ContractError if it never does.

        ``summary`` and ``description`` beside a ``$ref`` win over those that it leads to (OpenAPI 3.1,
        Reference Object), and so does what is ``kept``: keys that hold unless the referred object has them
        too (Path Item Object).
        """
        if not isinstance(self.value, dict) or "$ref" not in self.value:
            return self
        node, seen, beside = self, {self.uri}, dict[str, JSON]()
        while isinstance(node.value, dict) and isinstance(node.value.get("$ref"), str):
            siblings = [*(("summary", "description") if node.document.keeps_siblings else ()), *kept]
            beside = {**{key: node.value[key] for key in siblings if key in node.value}, **beside}
            node = node.referred()
            if node.uri in seen or len(seen) > MAX_HOPS:
                expected = f"a $ref that ends at something, after at most {MAX_HOPS} others"
                raise self.error("this $ref leads in a circle, or too far", expected)
            seen.add(node.uri)
        if not beside or not isinstance(node.value, dict):
            return node
        own = {key: value for key, value in node.value.items() if key in kept}
        return replace(node, value={**node.value, **beside, **own})

    def referred(self) -> Node:
        """Where the ``$ref`` of this node leads, one step; raises ContractError if nothing is there."""
        document, pointer = self.documents.resolve(self.document.uri, self.value["$ref"], at=self.pointer)
        return Node.at(self.documents, document, pointer)

    def items(self, named: bool = False) -> Iterator[tuple[str, Node]]:
        """Name and node of each entry of a mapping, ``x-…`` aside; raises ContractError if it is none.

        ``named``: the keys are names that somebody chose, such as a header's, so ``x-…`` may be one as well.
        The whole mapping may be a ``$ref``.
        """
        if isinstance(self.mapping().get("$ref"), str):
            yield from self.follow().items(named)
            return
        for key, value in self.mapping().items():
            if not key.startswith("x-") or (named and isinstance(value, dict)):
                yield key, self.child(key)

    def entries(self) -> Iterator[Node]:
        """The nodes of a list; raises ContractError if it is none."""
        if not isinstance(self.value, list):
            raise self.error(f"{self.called} is {kind(self.value)}", "a list")
        for index in range(len(self.value)):
            yield self.child(index)

    def mapping(self) -> dict[str, JSON]:
        if not isinstance(self.value, dict):
            raise self.error(f"{self.called} is {kind(self.value)}", "a mapping")
        return self.value

    def text(self, key: str, default: str = "") -> str:
        """The text under a key; numbers as they are written, ``default`` if there is nothing."""
        value = self.mapping().get(key)
        if value is None:
            return default
        if isinstance(value, dict | list | bool):
            raise self.child(key).error(f"'{key}' is {kind(value)}", "text")
        return str(value)

    def texts(self) -> tuple[str, ...]:
        """A list of text, or one text alone."""
        if isinstance(self.value, str):
            return (self.value,)
        for each in self.entries():
            if not isinstance(each.value, str | int):
                raise each.error(f"an entry of {self.called} is {kind(each.value)}", "text")
        return tuple(str(each.value) for each in self.entries())

    def flag(self, key: str) -> bool:
        return self.mapping().get(key) is True

    @property
    def called(self) -> str:
        return f"'{self.key}'" if self.key else "the document"

    def schema(self, dialect: Dialect) -> Schema:
        """This node as a schema, its ``$ref`` kept; raises ContractError if it is none."""
        if not isinstance(self.value, dict | bool):
            raise self.error(f"the schema {self.called} is {kind(self.value)}", "a mapping, true or false")
        dialect = dialect_at(self.document, self.pointer, dialect)
        scope = entered((), self.document, self.pointer)
        name = self._component()
        return Schema(self.uri, self.value, self.place, name, dialect, self.documents, scope)

    def _component(self) -> str | None:
        node, seen = self, set[str]()
        while node.uri not in seen:
            seen.add(node.uri)
            if node.pointer.startswith("/components/schemas/") and node.pointer.count("/") == 3:
                return node.key
            if not isinstance(node.value, dict) or not isinstance(node.value.get("$ref"), str):
                return None
            node = node.referred()
        return None


def kind(value: JSON) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "empty"
    names = {bool: "true or false", dict: "a mapping", list: "a list", str: "text"}
    return names.get(type(value), "a number")
