"""JSON pointers (RFC 6901)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from harness.contract.model import JSON


def tokens_of(pointer: str) -> list[str]:
    """The reference tokens of a JSON pointer."""
    tokens = pointer.split("/")[1:]
    return [each.replace("~1", "/").replace("~0", "~") for each in tokens] if "~" in pointer else tokens


def look_up(tree: JSON, pointer: str) -> JSON:
    """What stands at a JSON pointer, or None."""
    for token in tokens_of(pointer):
        if isinstance(tree, Mapping) and token in tree:
            tree = tree[token]
        elif isinstance(tree, list) and token.isdecimal() and int(token) < len(tree):
            tree = tree[int(token)]
        else:
            return None
    return tree


def escape(token: str | int) -> str:
    """A reference token as it is written in a JSON pointer."""
    text = token if isinstance(token, str) else str(token)
    return text.replace("~", "~0").replace("/", "~1") if "/" in text or "~" in text else text


def fragment_of(pointer: str) -> str:
    """A pointer as a URI's fragment, ``#`` included (section 6)."""
    return "#" + quote(pointer, safe="/~!$&'()*+,;=:@?-._")
