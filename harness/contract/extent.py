"""How much JSON anybody is owed to have judged: bounds in depth and number that hold for all that comes in.

Validating costs time by the value, not by the byte, and nobody else has a turn meanwhile.
"""

from __future__ import annotations

from harness.contract.model import JSON

MAX_DEPTH = 64
"""Levels of nesting; beyond, recursive schemas cost more than any caller is owed."""

MAX_VALUES = 50_000
"""Values of every kind in one text: some 0.1 s of work."""

MAX_MESSAGE = 1024 * 1024
"""Bytes of one message's value, which is what brokers take unless they are told otherwise."""


def too_much(value: JSON, text: bytes) -> str | None:
    """Why a value, decoded from this text, is more than will be judged, as a phrase; None if it is not."""
    opened = text.count(b"[") + text.count(b"{")
    if opened <= MAX_DEPTH and opened + text.count(b",") < MAX_VALUES:
        return None
    level, count, depth = [value], 1, 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            return f"is nested more than {MAX_DEPTH} levels deep"
        below: list[JSON] = []
        for each in level:
            if isinstance(each, dict):
                below.extend(each.values())
            elif isinstance(each, list):
                below.extend(each)
            if count + len(below) > MAX_VALUES:
                return f"holds more than {MAX_VALUES} values"
        count += len(below)
        level = below
    return None
