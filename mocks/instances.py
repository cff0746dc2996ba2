"""Whole documents of what a mock does not keep: from the contract's examples and what a cause tells."""

from __future__ import annotations

import uuid
import zlib
from dataclasses import dataclass, field

from harness.contract.model import JSON, Contract, Lifecycle, Schema
from harness.contract.schema import compile_schema, complete, generate, phi_properties, properties, says
from harness.errors import ContractError
from mocks.known import Document, Known, without


@dataclass(slots=True)
class Instances:
    """Makes instances of one contract's component schemas, always the same ones for the same cause."""

    contract: Contract
    known: Known
    _guarded: dict[str, frozenset[str]] = field(default_factory=dict)

    def in_state(self, lifecycle: Lifecycle, id: str, facts: Document) -> dict[str, JSON]:
        """The thing with this id of which these facts are known, its state among them; without ``x-phi``.

        The known one if it is in that state; else one that is in it, with what the known one says of the same
        properties, and without references to what only the other one has to do with. Only the facts, if no
        whole document can be made.
        """
        schema, state = lifecycle.schema, facts.get(lifecycle.status)
        before = self.known.of(schema).get(id, {})
        certain = {"id": id, **facts}
        if before and before.get(lifecycle.status) == state:
            return self.without_phi(self.contract.schemas.get(schema), {**before, **certain})
        for partial in (certain, {"id": id, lifecycle.status: state}, {lifecycle.status: state}, {}):
            try:
                whole = complete(self.contract, schema, partial)
            except ContractError:
                continue
            same = {name: before[name] for name in whole if name in before}
            whole = without(whole, self._foreign(schema, whole, {*before, *certain}))
            return self.without_phi(self.contract.schemas.get(schema), {**whole, **same, **certain})
        return certain

    def _foreign(self, schema: str, whole: Document, known: set[str]) -> set[str]:
        required = says(self.contract.schemas[schema], "required") or ()
        return {name for name in whole if name.endswith("Id") and name not in known and name not in required}

    def without_phi(self, schema: Schema | None, document: Document) -> dict[str, JSON]:
        """The document without every property that is, or holds, ``x-phi``: an event carries none."""
        if schema is None:
            return dict(document)
        if schema.uri not in self._guarded:
            self._guarded[schema.uri] = frozenset(p.split("/")[1] for p in phi_properties(schema) if "/" in p)
        return without(document, self._guarded[schema.uri])

    def silent(self, schema: str, document: Document) -> frozenset[str]:
        """The properties that a component schema describes and a document of it does not have."""
        described = self.contract.schemas.get(schema)
        return frozenset(properties(described)) - document.keys() if described is not None else frozenset()

    def new_id(self, schema: Schema, model: str, cause: str) -> str:
        """An id for what ``cause`` begins: of the schema's shape, like ``model`` if that is allowed."""
        described = properties(schema).get("id")
        name = uuid.uuid5(uuid.NAMESPACE_URL, f"{self.contract.service}/{schema.name}/{cause}")
        if described is None:
            return str(name)
        head, dash, tail = model.rpartition("-")
        for candidate in (f"{head}{dash}{name.hex[: max(len(tail), 12)]}", str(name)):
            if compile_schema(described).is_valid(candidate):
                return candidate
        return str(generate(described, zlib.crc32(name.bytes)))
