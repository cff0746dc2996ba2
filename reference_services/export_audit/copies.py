"""What an export has put together, and what is missing in it: never is the one shown as the other."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import orjson

from harness.contract.model import JSON
from harness.serving.problems import Problem, Reason
from reference_services.platform.work import Aggregate

LARGEST = 128 * 1024
"""Bytes of one part."""


def check_bounds(entries: Collection[Mapping[str, JSON]]) -> None:
    """Raises Problem for a part that is larger than is kept, or holds a number that is not kept exactly."""
    try:
        size = len(orjson.dumps(entries))
    except TypeError:
        raise Problem(422, errors=[Reason("/entries", "hold a number of more than 64 bits")]) from None
    if size > LARGEST:
        raise Problem(413, detail=f"A part holds {LARGEST} bytes at most.")


def content(export: Aggregate, shown: Collection[str] | None) -> dict[str, JSON]:
    """The copy, with entries of these confidentialities (None: of any).

    A part that was handed over stays a part, though none of its entries be shown: what is hidden is not
    missing, and nobody learns that it is there.
    """
    held = {part["source"]: part["entries"] for part in export.get("content", [])}
    told: dict[str, JSON] = {
        "exportId": export.id,
        "patientId": export["patientId"],
        "assembledAt": export.get("completedAt", export["requestedAt"]),
        "parts": [
            {"source": source, "entries": [each for each in held[source] if _may_be_shown(each, shown)]}
            for source in export["sources"]
            if source in held
        ],
    }
    partial = missing(export)
    return {**told, "partial": partial} if partial else told


def missing(export: Aggregate) -> list[JSON]:
    """The sources whose part is not there, since when, and why."""
    held = {part["source"] for part in export.get("content", [])}
    lost = {part["source"]: part["receivedAt"] for part in export["parts"]}
    return [
        {
            "source": source,
            "since": lost.get(source, export["requestedAt"]),
            "reason": "lost" if source in lost else "not-delivered",
        }
        for source in export["sources"]
        if source not in held
    ]


def without(parts: Collection[Mapping[str, JSON]], source: str) -> list[Mapping[str, JSON]]:
    """The parts of the others."""
    return [part for part in parts if part["source"] != source]


def _may_be_shown(entry: Mapping[str, JSON], shown: Collection[str] | None) -> bool:
    return shown is None or entry["confidentiality"] in shown
