"""New ids: of the schema's form, like those that the contract shows, and the same for the same requests."""

from __future__ import annotations

import re
import uuid
import zlib
from collections.abc import Iterator

from harness.contract.model import JSON
from harness.contract.schema import compile_schema, generate
from harness.errors import ContractError
from mocks.resources import Kind
from mocks.things import State

_TRIES = 50


def new_id(kind: Kind, state: State, seed: int) -> JSON:
    """An id that nothing of this kind has or had in this state; text where no schema says otherwise."""
    schema = kind.named.get(kind.id or "")
    if kind.numbered:
        return state.number(kind.name)
    shown = state.first(kind.name)
    model = shown.key if shown is not None else ""
    for _ in range(_TRIES):
        state.made += 1
        name = uuid.uuid5(uuid.NAMESPACE_URL, f"{kind.name}/{state.name}/{seed}/{state.made}")
        for candidate in _candidates(model, name):
            if schema is not None and not compile_schema(schema).is_valid(candidate):
                continue
            if state.get(kind.name, candidate) is None and not state.is_gone(kind.name, candidate):
                return candidate
        if schema is not None:
            try:
                made = generate(schema, zlib.crc32(name.bytes))
            except ContractError:
                return str(name)
            if state.get(kind.name, str(made)) is None and not state.is_gone(kind.name, str(made)):
                return made
    return str(uuid.uuid4())


def _candidates(model: str, name: uuid.UUID) -> Iterator[str]:
    if model and not _is_uuid(model):
        head = re.sub(r"[0-9A-Za-z]+\Z", "", model)
        tail = len(model) - len(head)
        yield f"{head}{name.hex[: max(tail, 12)]}"
        yield f"{head}{name.hex[:tail]}"
    yield str(name)
    yield name.hex
    yield str(name.int)[:12]


def _is_uuid(text: str) -> bool:
    return len(text) == 36 and text.count("-") == 4
