"""Partial changes: JSON Merge Patch (RFC 7396) and JSON Patch (RFC 6902)."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from harness.contract.documents import tokens_of
from harness.contract.model import JSON
from harness.serving.problems import Problem, Reason

JSON_PATCH = "application/json-patch+json"

_MOST = 1_000


def patched(document: Mapping[str, JSON], change: JSON, content_type: str, refusal: int) -> dict[str, JSON]:
    """The document with the change made. Raises Problem ``refusal`` for one that cannot be made."""
    if content_type == JSON_PATCH:
        if not isinstance(change, list) or len(change) > _MOST:
            raise _refused(refusal, "", f"must be a list of at most {_MOST} operations")
        return _operated(document, change, refusal)
    merged = merged_with(dict(document), change)
    if not isinstance(merged, dict):
        raise _refused(refusal, "", "must be an object")
    return merged


def merged_with(target: JSON, patch: JSON) -> JSON:
    """RFC 7396, section 2: null takes away, objects merge, all else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    merged: dict[str, JSON] = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merged_with(merged.get(name), value)
    return merged


def _operated(document: Mapping[str, JSON], operations: list[JSON], refusal: int) -> dict[str, JSON]:
    whole: JSON = deepcopy(dict(document))
    for at, each in enumerate(operations):
        if not isinstance(each, Mapping) or not isinstance(each.get("path"), str):
            raise _refused(refusal, f"/{at}", "must be an operation with op and path")
        try:
            whole = _done(whole, each)
        except (KeyError, IndexError, ValueError, TypeError):
            raise _refused(refusal, f"/{at}", "cannot be done here") from None
    if not isinstance(whole, dict):
        raise _refused(refusal, "", "must leave an object")
    return whole


def _done(whole: JSON, each: Mapping[str, JSON]) -> JSON:
    path = each["path"]
    match each.get("op"):
        case "add":
            return _added(whole, path, deepcopy(each["value"]))
        case "remove":
            return _removed(whole, path)
        case "replace":
            return _added(_removed(whole, path) if path else whole, path, deepcopy(each["value"]))
        case "move":
            value = _found(whole, each["from"])
            return _added(_removed(whole, each["from"]), path, value)
        case "copy":
            return _added(whole, path, deepcopy(_found(whole, each["from"])))
        case "test":
            if _found(whole, path) != each["value"]:
                raise ValueError("test")
            return whole
    raise ValueError("op")


def _found(whole: Any, path: str) -> JSON:
    for token in tokens_of(path):
        whole = whole[_index(whole, token)] if isinstance(whole, list) else whole[token]
    return whole


def _added(whole: Any, path: str, value: JSON) -> JSON:
    if not path:
        return value
    *above, last = tokens_of(path)
    inside = whole
    for token in above:
        inside = inside[_index(inside, token)] if isinstance(inside, list) else inside[token]
    if isinstance(inside, list):
        inside.insert(len(inside) if last == "-" else _index(inside, last, end=True), value)
    elif isinstance(inside, dict):
        inside[last] = value
    else:
        raise TypeError
    return whole


def _removed(whole: Any, path: str) -> JSON:
    *above, last = tokens_of(path)
    inside = whole
    for token in above:
        inside = inside[_index(inside, token)] if isinstance(inside, list) else inside[token]
    del inside[_index(inside, last) if isinstance(inside, list) else last]
    return whole


def _index(values: list[JSON], token: str, *, end: bool = False) -> int:
    if not token.isascii() or not token.isdecimal() or (len(token) > 1 and token[0] == "0"):
        raise ValueError("index")
    number = int(token)
    if number > len(values) - (0 if end else 1):
        raise IndexError
    return number


def _refused(status: int, pointer: str, detail: str) -> Problem:
    return Problem(status, errors=[Reason(pointer, detail)])
