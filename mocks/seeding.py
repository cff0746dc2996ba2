"""What a mock holds at first: what the contract's examples show, so that a person is the same everywhere.

A component schema's own examples come first, then what the GET operations show. The answers to changes are
what those have yet to bring about: they are only taken for a kind of which nothing else is shown. Where a
contract has no example at all, a few things are made up, so that a list is not empty.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

from harness.contract.model import JSON, Contract, Operation, Schema
from harness.contract.schema import examples_of, expand, says
from harness.errors import ContractError
from mocks.believable import exemplary
from mocks.documented import request_examples
from mocks.known import Document, without
from mocks.representations import many_in, single_in, successes
from mocks.resources import Kind, Resources, Role
from mocks.things import Thing

MADE_UP = 3


class Seeds(Mapping[str, Mapping[str, Document]]):
    """Kind → key → document, in the order in which they are shown; read for a kind when it is asked for."""

    def __init__(self, contract: Contract, resources: Resources, seed: int) -> None:
        self._contract, self._resources, self._seed = contract, resources, seed
        self._found: dict[str, dict[str, Document]] = {}
        self._made_up: set[str] = set()
        self._lock = threading.RLock()

    def __getitem__(self, kind: str) -> Mapping[str, Document]:
        found = self._found.get(kind)
        if found is None:
            with self._lock:
                found = self._found.get(kind)
                if found is None:
                    found = self._found[kind] = self._of(self._resources.kinds[kind])
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._resources.kinds)

    def __len__(self) -> int:
        return len(self._resources.kinds)

    def are_made_up(self, kind: str) -> bool:
        """Whether the contract shows none of this kind."""
        return self[kind] is not None and kind in self._made_up

    def things(self, kind: str) -> dict[str, Thing]:
        """The things that a state begins with."""
        if kind not in self._resources.kinds:
            return {}
        documents = enumerate(self[kind].items())
        return {
            key: Thing(kind, key, document, version_of(document), place=place)
            for place, (key, document) in documents
        }

    def _of(self, kind: Kind) -> dict[str, Document]:
        found: dict[str, Document] = {}
        for document in _own(kind):
            _add(found, kind, None, document)
        every = [role for role in self._resources.roles.values() if role.kind is kind]
        reads = [role for role in every if role.operation.method.upper() == "GET"]
        for role in reads:
            for key, document in _shown(role):
                _add(found, kind, key, document)
        if not found:
            for document in _elsewhere(self._contract, kind, every):
                _add(found, kind, None, document)
        if not found:
            self._made_up.add(kind.name)
            for key, document in _made_up(kind, reads, self._seed):
                _add(found, kind, key, document)
        return found


def version_of(document: Document) -> int:
    """The version that a document shows, else the first."""
    value = document.get("version")
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63 else 1


def _add(found: dict[str, Document], kind: Kind, key: str | None, document: JSON) -> None:
    """What is written only is no part of what is kept, nor a reason to keep nothing."""
    if not isinstance(document, Mapping):
        return
    document = without(document, kind.secret) if kind.secret else document
    if not kind.validator.is_valid(document):
        return
    own = document.get(kind.id) if kind.id is not None else None
    key = str(own) if own is not None else key
    if key is not None:
        found.setdefault(key, document)


def _own(kind: Kind) -> Iterator[JSON]:
    raw = expand(kind.schema).raw
    if isinstance(raw, Mapping):
        examples = raw.get("examples")
        yield from examples if isinstance(examples, list) else ()
        if "example" in raw:
            yield raw["example"]


def _shown(role: Role) -> Iterator[tuple[str | None, JSON]]:
    """What a GET's examples show, each with the key that the path of its pair says."""
    pairs = {pair.name: pair for pair in request_examples(role.operation)}
    for success in successes(role.operation):
        for example in success.media.examples if success.media is not None else ():
            pair = pairs.get(example.name)
            path = {name: value for at, name, value in pair.parameters if at == "path"} if pair else {}
            yield from _inside(
                role, success.schema, example.value, key_of(role, path or _path(role.operation))
            )


def _inside(
    role: Role, schema: Schema | None, value: JSON, key: str | None
) -> Iterator[tuple[str | None, JSON]]:
    if schema is None:
        return
    many, single = many_in(schema), single_in(schema)
    if role.does == "list" and many is not None:
        for token in many.pointer:
            value = value.get(token) if isinstance(value, Mapping) else None
        yield from ((None, each) for each in value) if isinstance(value, list) else ()
    elif single is not None and role.does == "read":
        wrapped = single.wrapper is not None and isinstance(value, Mapping)
        yield key, value.get(single.wrapper) if wrapped else value


def key_of(role: Role, path: Mapping[str, JSON]) -> str | None:
    """The key that path values name, if they say it."""
    if not role.kind.single:
        value = path.get(role.address or "")
        return None if value is None else str(value)
    names = [parent.parameter for parent in role.parents] + ([role.address] if role.address else [])
    values = [path.get(name) for name in names]
    return None if None in values else "/".join(str(value) for value in values)


def _path(operation: Operation) -> dict[str, JSON]:
    """The path as the contract's first examples have it, of parameters or of their schemas."""
    found: dict[str, JSON] = {}
    for parameter in operation.parameters:
        if parameter.location == "path":
            listed = says(parameter.schema, "examples")
            shown = [each.value for each in parameter.examples] or (
                listed if isinstance(listed, list) else []
            )
            value = shown[0] if shown else says(parameter.schema, "example")
            if value is not None:
                found[parameter.name] = value
    return found


def _elsewhere(contract: Contract, kind: Kind, roles: list[Role]) -> Iterator[JSON]:
    if kind.name in contract.schemas:
        yield from examples_of(contract, kind.name)
    for role in roles:
        if role.does in ("create", "replace", "patch", "act"):
            for success in successes(role.operation):
                single = single_in(success.schema) if success.schema is not None else None
                for example in success.media.examples if success.media is not None and single else ():
                    value = example.value
                    if single is not None and single.wrapper is not None and isinstance(value, Mapping):
                        value = value.get(single.wrapper)
                    yield value


def _made_up(kind: Kind, asked: list[Role], seed: int) -> Iterator[tuple[str | None, JSON]]:
    reads = [role for role in asked if role.does == "read"]
    if not asked or (kind.single and not reads):
        return
    for number in range(1 if kind.single or kind.id is None else MADE_UP):
        try:
            document = exemplary(kind.schema, seed + number)
        except ContractError:
            return
        path = _path(reads[0].operation) if reads and number == 0 else {}
        key = key_of(reads[0], path) if reads else None
        if isinstance(document, dict) and kind.id is not None and not kind.single:
            documented = path.get(reads[0].address or "") if reads else None
            with_id = {**document, kind.id: documented if documented is not None else document.get(kind.id)}
            document = with_id if kind.validator.is_valid(with_id) else document
        if reads and kind.single and not reads[0].address and not reads[0].parents:
            key = ""
        yield key, document
