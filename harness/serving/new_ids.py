"""Fresh ids of the form that a schema asks for."""

from __future__ import annotations

import re
import secrets
import string
import uuid
from collections.abc import Mapping

from harness.contract.model import Schema
from harness.contract.schema import compile_schema, expand

_ALPHABET = string.digits + string.ascii_lowercase
_PREFIXED = re.compile(r"\^([0-9A-Za-z_-]*)\[(?:0-9a-z|a-z0-9)\]\{(\d+),(\d+)\}\$")
_RANDOM = 20


def new_id(schema: Schema | None) -> str:
    """A fresh id that this schema takes: what its pattern asks for, else a UUID if that does."""
    if schema is None:
        return str(uuid.uuid4())
    raw = expand(schema).raw
    pattern = raw.get("pattern", "") if isinstance(raw, Mapping) else ""
    if found := _PREFIXED.fullmatch(pattern):
        prefix, least, most = found[1], int(found[2]), int(found[3])
        length = max(least, min(most, _RANDOM))
        return prefix + "".join(_ALPHABET[each % len(_ALPHABET)] for each in secrets.token_bytes(length))
    if compile_schema(schema).is_valid(made := str(uuid.uuid4())):
        return made
    from harness.contract.schema import generate

    return str(generate(schema, secrets.randbits(31)))
