"""The access log as a chain: each entry is bound by its hash to the one before it.

Whoever changes an entry, takes one away or slips one in breaks the chain from there on. One chain a store;
entries are written one at a time, in the transaction of what they tell of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import orjson

from harness.contract.model import JSON
from reference_services.platform.values import timestamp
from reference_services.platform.work import Aggregate, Work

START = "0" * 64
"""The hash before the first entry."""

_HEAD, _ID = "_AccessLog", "head"


def digest(entry: Mapping[str, JSON]) -> str:
    """SHA-256 of an entry without its own hash, as canonical JSON (RFC 8785): it holds no fractions, and its
    names are ASCII, so sorted names and no blanks are all that asks for."""
    said = {name: value for name, value in entry.items() if name != "hash"}
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()


def append(work: Work, told: Mapping[str, JSON]) -> Aggregate:
    """Write an entry behind the last one."""
    head = work.peek(_HEAD, _ID)
    before = _last(work) if head is None else head.document
    entry: dict[str, JSON] = {
        "id": work.new_id("AccessEntry"),
        **told,
        "sequence": before["sequence"] + 1,
        "recordedAt": timestamp(work.now),
        "previousHash": before["hash"],
    }
    entry["hash"] = digest(entry)
    # Two that take the same place would fork the chain: the second is refused.
    written = work.create("AccessEntry", entry, unique=("sequence",))
    end = _end(entry)
    if head is None:
        work.create(_HEAD, end, id=_ID)
    else:
        work.save(head, **end)
    return written


def verification(work: Work) -> dict[str, JSON]:
    """Whether the log is as it was written, and the first place where it is not. It is never held whole."""
    entries, last, broken = 0, None, None
    for entry in work.in_order("AccessEntry", "sequence"):
        broken = broken or _broken(entry, last)
        entries, last = entries + 1, entry
    broken = broken or _broken_end(work, last)
    found: dict[str, JSON] = {"intact": broken is None, "entries": entries}
    if last is not None:
        found["head"] = _end(last.document)
    return found if broken is None else {**found, "broken": broken}


def _broken(entry: Aggregate, before: Aggregate | None) -> dict[str, JSON] | None:
    """What is wrong with an entry behind the one before it, that one and all before being as they were."""
    expected, previous = (1, START) if before is None else (before["sequence"] + 1, before["hash"])
    if entry["sequence"] > expected:
        return {"sequence": expected, "reason": "missing"}
    if digest(entry.document) != entry["hash"]:
        return {"sequence": entry["sequence"], "entryId": entry.id, "reason": "altered"}
    if (entry["sequence"], entry["previousHash"]) != (expected, previous):
        return {"sequence": entry["sequence"], "entryId": entry.id, "reason": "unchained"}
    return None


def _broken_end(work: Work, last: Aggregate | None) -> dict[str, JSON] | None:
    """Whether the log ends where it was last written."""
    head = work.peek(_HEAD, _ID)
    sequence, hash = (0, START) if last is None else (last["sequence"], last["hash"])
    if head is None or head["hash"] == hash:
        return None
    if last is None or head["sequence"] > sequence:
        return {"sequence": sequence + 1, "reason": "missing"}
    return {"sequence": sequence, "entryId": last.id, "reason": "unchained"}


def _last(work: Work) -> Mapping[str, JSON]:
    """The newest entry of a store into which entries were put, rather than written."""
    end: Mapping[str, JSON] = {"sequence": 0, "hash": START}
    for entry in work.in_order("AccessEntry", "sequence"):
        end = _end(entry.document)
    return end


def _end(entry: Mapping[str, JSON]) -> dict[str, JSON]:
    return {name: entry[name] for name in ("sequence", "hash")}
