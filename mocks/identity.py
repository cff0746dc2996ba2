"""New ids: of the schema's form, like those that the contract shows, and the same for the same requests."""

from __future__ import annotations

import hashlib
import re
import uuid
import zlib
from collections.abc import Iterator
from functools import lru_cache

from harness.contract.model import JSON
from harness.contract.schema import generate
from harness.errors import ContractError
from mocks.resources import Kind
from mocks.things import State

_TRIES = 50
_NAMESPACE = uuid.NAMESPACE_URL.bytes


def new_id(kind: Kind, state: State, seed: int) -> JSON:
    """An id that nothing of this kind has or had in this state; text where no schema says otherwise."""
    schema = kind.named.get(kind.id or "")
    if kind.numbered:
        return state.number(kind.name)
    shown = state.first(kind.name)
    model = shown.key if shown is not None else ""
    for _ in range(_TRIES):
        state.made += 1
        digits = _uuid5(f"{kind.name}/{state.name}/{seed}/{state.made}")
        for candidate in _candidates(model, digits):
            if kind.key_validator is not None and not kind.key_validator.is_valid(candidate):
                continue
            if state.get(kind.name, candidate) is None and not state.is_gone(kind.name, candidate):
                return candidate
        if schema is not None:
            try:
                made = generate(schema, zlib.crc32(bytes.fromhex(digits)))
            except ContractError:
                return _written(digits)
            if state.get(kind.name, str(made)) is None and not state.is_gone(kind.name, str(made)):
                return made
    return str(uuid.uuid4())


def _uuid5(name: str) -> str:
    """The 32 digits of the UUID that a name has (RFC 9562, 5.5); the library's own takes longer."""
    made = hashlib.sha1(_NAMESPACE + name.encode(), usedforsecurity=False).hexdigest()
    return f"{made[:12]}5{made[13:16]}{int(made[16], 16) & 3 | 8:x}{made[17:32]}"


def _written(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _candidates(model: str, digits: str) -> Iterator[str]:
    head, tail = _parts(model)
    if tail is not None:
        yield f"{head}{digits[: max(tail, 12)]}"
        yield f"{head}{digits[:tail]}"
    yield _written(digits)
    yield digits
    yield str(int(digits, 16))[:12]


@lru_cache(256)
def _parts(model: str) -> tuple[str, int | None]:
    """What an id begins with, and how many letters and digits follow; None where it is no model."""
    if not model or _is_uuid(model):
        return "", None
    head = re.sub(r"[0-9A-Za-z]+\Z", "", model)
    return head, len(model) - len(head)


def _is_uuid(text: str) -> bool:
    return len(text) == 36 and text.count("-") == 4
