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
    end = {name: entry[name] for name in ("sequence", "hash")}
    if head is None:
        work.create(_HEAD, end, id=_ID)
    else:
        work.save(head, **end)
    return written


def verification(work: Work) -> dict[str, JSON]:
    """Whether the log is as it was written, and the first place where it is not."""
    entries = _in_order(work)
    found: dict[str, JSON] = {"intact": True, "entries": len(entries)}
    if entries:
        found["head"] = {name: entries[-1][name] for name in ("sequence", "hash")}
    broken = _first_broken(work, entries)
    return found if broken is None else {**found, "intact": False, "broken": broken}


def _first_broken(work: Work, entries: list[Aggregate]) -> dict[str, JSON] | None:
    expected, previous = 1, START
    for entry in entries:
        if entry["sequence"] > expected:
            return {"sequence": expected, "reason": "missing"}
        if digest(entry.document) != entry["hash"]:
            return {"sequence": entry["sequence"], "entryId": entry.id, "reason": "altered"}
        if (entry["sequence"], entry["previousHash"]) != (expected, previous):
            return {"sequence": entry["sequence"], "entryId": entry.id, "reason": "unchained"}
        expected, previous = expected + 1, entry["hash"]
    head = work.peek(_HEAD, _ID)
    if head is None or head["hash"] == previous:
        return None
    if head["sequence"] >= expected or not entries:
        return {"sequence": expected, "reason": "missing"}
    return {"sequence": expected - 1, "entryId": entries[-1].id, "reason": "unchained"}


def _last(work: Work) -> Mapping[str, JSON]:
    """The newest entry of a store into which entries were put, rather than written."""
    entries = _in_order(work)
    return entries[-1].document if entries else {"sequence": 0, "hash": START}


def _in_order(work: Work) -> list[Aggregate]:
    return sorted(work.find("AccessEntry", internal=True), key=lambda each: int(each["sequence"]))
