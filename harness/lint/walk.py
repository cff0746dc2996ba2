"""A document gone through once by its format's tables: what stands where, and what does not fit.

Linear in the size of the document and of what it refers to: each node is looked at once for each kind and
direction in which something leads to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from harness.contract.documents import escape, tokens_of
from harness.contract.identifiers import is_uri
from harness.contract.node import Node
from harness.contract.schema import Direction
from harness.errors import ContractError
from harness.lint.json_types import fits, is_written_as
from harness.lint.misfit import Misfit, missing_key, no_such_value, unknown_key
from harness.lint.shape import FORMATS, Alternative, Choice, Language, Listed, Named, Of, Scalar, Type

_DIRECTIONS: Mapping[str, Direction] = {
    "Parameter": "request",
    "RequestBody": "request",
    "Response": "response",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """An object of the format: of which kind, where, and which way it travels if that is known.

    ``first`` is False where the same object was met before, travelling the other way.
    """

    kind: str
    node: Node
    direction: Direction | None = None
    first: bool = True


@dataclass(frozen=True, slots=True)
class Reference:
    """A ``$ref``: the node of its text, the kind wanted, and where it leads or why nowhere."""

    node: Node
    kind: str
    target: Node | None = None
    error: ContractError | None = None

    @property
    def is_remote(self) -> bool:
        """Whether it names another machine, of which lint cannot tell."""
        return is_uri(text := str(self.node.value)) and bool(urlsplit(text).netloc)


_Task = tuple[Type, Node, Direction | None]


@dataclass(slots=True)
class Walk:
    """What one pass has found, in the order of the pass.

    ``reached`` are the URIs that something outside ``components`` leads to, directly or over others.
    """

    language: Language
    pieces: dict[str, list[Piece]] = field(default_factory=dict)
    misfits: list[Misfit] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    reached: set[str] = field(default_factory=set)
    _plain: dict[int, bool] = field(default_factory=dict)
    _seen: set[tuple[str, str, Direction | None]] = field(default_factory=set)
    _waiting: list[_Task] = field(default_factory=list)
    _components: list[_Task] | None = field(default_factory=list)

    def of(self, *kinds: str) -> Iterator[Piece]:
        for each in kinds:
            yield from self.pieces.get(each, ())

    def go(self, root: Node) -> Walk:
        """The components come last, so that it shows which of them are used."""
        self._drain([((Of(self.language.root, False),), root, None)])
        components, self._components = self._components or [], None
        while found := list(self._heirs(components)):
            self._drain(found)
        reached = set(self.reached)
        self._drain(components)
        self.reached = reached
        return self

    def _drain(self, tasks: list[_Task]) -> None:
        self._waiting += tasks
        while self._waiting:
            self._look(*self._waiting.pop())

    def _heirs(self, components: list[_Task]) -> Iterator[_Task]:
        """Component schemas that nothing names but that inherit from a reached one with a discriminator."""
        for _, node, _ in components:
            schemas = node.value.get("schemas")
            for name in schemas if isinstance(schemas, dict) else ():
                heir = node.child("schemas").child(name)
                if heir.uri not in self.reached and any(
                    target.uri in self.reached and isinstance(target.value.get("discriminator"), dict)
                    for target in _parents(heir)
                ):
                    self.reached.add(heir.uri)
                    yield (Of("Schema", True),), heir, None

    def _look(self, type_: Type, node: Node, direction: Direction | None) -> None:
        for alternative in type_:
            if _may_be(alternative, node.value, self.language):
                self._take(alternative, node, direction)
                return
        self.misfits.append(no_such_value(type_, node, self.language))

    def _take(self, alternative: Alternative, node: Node, direction: Direction | None) -> None:
        match alternative:
            case Listed(inner):
                self._waiting += [(inner, node.child(index), direction) for index in range(len(node.value))]
            case Named(inner):
                self._waiting += [(inner, node.child(name), direction) for name in node.value]
            case Scalar("schema"):
                self._mapped(node)
            case Of("Components") if self._components is not None:
                self._components.append(((alternative,), node, direction))
            case Of(name, by_reference):
                shape = self.language.shapes[name]
                text = node.value.get("$ref") if isinstance(node.value, dict) else None
                if by_reference and isinstance(text, str) and "$ref" not in shape.fields:
                    self._follow(name, node.child("$ref"), text, direction)
                else:
                    self._object(name, node, _DIRECTIONS.get(name, direction))

    def _mapped(self, node: Node) -> None:
        """A discriminator's mapping names a component schema, or says where a schema is."""
        tree = node.document.tree
        schemas = tree.get("components", {}).get("schemas") if isinstance(tree, dict) else None
        is_name = isinstance(schemas, dict) and node.value in schemas
        text = f"#/components/schemas/{quote(escape(node.value))}" if is_name else node.value
        self._follow("Schema", node, text, None)

    def _follow(self, name: str, reference: Node, text: str, direction: Direction | None) -> None:
        key = (reference.uri, name, direction)
        if key in self._seen:
            return
        self._seen.add(key)
        documents = reference.documents
        try:
            holder = reference.pointer.rpartition("/")[0]
            document, pointer = documents.resolve(reference.document.uri, text, reference.place, holder)
        except ContractError as error:
            self.references.append(Reference(reference, name, error=error))
            return
        target = Node.at(documents, document, pointer)
        self.references.append(Reference(reference, name, target))
        self.reached.add(target.uri)
        if self.component_kind(target) in (None, name):  # else the rule "reference" says so
            self._waiting.append(((Of(name, True),), target, direction))

    def _is_plain(self, type_: Type) -> bool:
        """Whether values of a type have no parts that are to be looked at."""
        found = self._plain.get(id(type_))
        if found is None:
            found = all(
                isinstance(each, Choice) or (isinstance(each, Scalar) and each.name != "schema")
                for each in type_
            )
            self._plain[id(type_)] = found
        return found

    def component_kind(self, node: Node) -> str | None:
        """The kind of what stands at ``/components/<section>/<name>``, None for any other place."""
        tokens = tokens_of(node.pointer)
        is_component = len(tokens) == 3 and tokens[0] == "components"
        return self.language.components.get(tokens[1]) if is_component else None

    def _object(self, name: str, node: Node, direction: Direction | None) -> None:
        truth = self.language.in_truth(name, node.value)
        name = truth if truth in self.language.shapes else name
        direction = None if name == "Schema" else direction
        key = (node.uri, name, direction)
        if key in self._seen:
            return
        first = (node.uri, name, None) not in self._seen
        self._seen |= {key, (node.uri, name, None)}
        self.pieces.setdefault(name, []).append(Piece(name, node, direction, first))
        if not isinstance(node.value, dict):
            return
        shape = self.language.shapes[name]
        if "$ref" in shape.fields and isinstance(node.value.get("$ref"), str):
            self._follow(name, node.child("$ref"), node.value["$ref"], direction)
        for written in node.value:
            type_ = shape.fields.get(written)
            if type_ is None and not (shape.extensible and written.startswith("x-")):
                type_ = shape.rest
                if type_ is None and not shape.is_open and first:
                    self.misfits.append(unknown_key(name, node.child(written), self.language))
            if type_ is None or (self._is_plain(type_) and (not first or _fits(type_, node.value[written]))):
                continue  # nothing is in it, and nothing is wrong with it
            self._waiting.append((type_, node.child(written), direction))
        for missing in shape.required if first else ():
            if missing not in node.value:
                self.misfits.append(missing_key(name, node, missing, self.language))


def _fits(type_: Type, value: object) -> bool:
    return any(isinstance(each, Scalar | Choice) and is_plainly(each, value) for each in type_)


def _parents(schema: Node) -> Iterator[Node]:
    """What a schema's ``allOf`` refers to, as far as it is there."""
    listed = schema.value.get("allOf") if isinstance(schema.value, dict) else None
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("$ref"), str):
            try:
                place, pointer = schema.place, schema.pointer
                found = schema.documents.resolve(schema.document.uri, entry["$ref"], place, pointer)
            except ContractError:
                continue
            parent = Node.at(schema.documents, *found)
            if isinstance(parent.value, dict):
                yield parent


def _may_be(alternative: Alternative, value: object, language: Language) -> bool:
    match alternative:
        case Listed():
            return isinstance(value, list)
        case Named():
            return isinstance(value, dict)
        case Of(name):
            return isinstance(value, dict) or (isinstance(value, bool) and language.shapes[name].or_flag)
    return is_plainly(alternative, value)


def is_plainly(alternative: Scalar | Choice, value: object) -> bool:
    """Whether a value is of a type that has no parts."""
    if isinstance(alternative, Choice):
        return isinstance(value, str) and value in alternative.values
    name = alternative.name
    if name in ("text", "schema"):
        return isinstance(value, str)
    if name in FORMATS:
        return isinstance(value, str) and is_written_as(value, FORMATS[name])
    if name == "flag":
        return isinstance(value, bool)
    if name in ("number", "integer"):
        return fits(value, name)
    return True
