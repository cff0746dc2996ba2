"""Canaries: a text of its own for every ``x-phi`` value, so that it is known wherever it turns up."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import quote

from harness.contract import load_system
from harness.contract.model import JSON, Contract, Schema
from harness.contract.schema import compile_schema, examples_of, generate, phi_properties, properties
from harness.driving.phi import SHORTEST

FORMS = (
    "canary-{:08d}-value",
    "canary{:08d}value",
    "CANARY-{:08d}",
    "canary{:08d}@example.com",
    "+1999{:010d}",
    "1{:03d}-11-30",
    "{:05d}-1999",
    "{:05d}-1999-19",
    "Y99.{:04d}",
    "1999{:010d}",
)
"""Text, identifiers, addresses, telephone numbers, dates, postal codes, drug codes, diagnoses,
classifications' numbers: the first that a property takes.

One that takes none, as a code with a check digit does, has a value that is made for it.
"""


_DIGITS = re.compile(r"[0-9-]{1,12}")


@dataclass(frozen=True)
class Canaries:
    """``folder`` holds contracts whose examples carry canaries; ``values`` are all of them."""

    folder: Path
    values: frozenset[str]

    def in_text(self, text: str) -> list[str]:
        """Those that stand in a text, as they are or as a URL or JSON would write them."""
        return sorted(each for each in self.values if any(_stands_in(form, text) for form in forms(each)))

    def in_bytes(self, raw: bytes | None) -> list[str]:
        return self.in_text((raw or b"").decode("utf-8", "replace"))


def _stands_in(value: str, text: str) -> bool:
    """A code of digits has to stand alone: by chance, an id of the run has five of them in a row."""
    if not _DIGITS.fullmatch(value):
        return value in text
    return re.search(rf"(?<![0-9A-Za-z]){re.escape(value)}(?![0-9A-Za-z])", text) is not None


def forms(value: str) -> set[str]:
    """The ways in which a value may be written."""
    return {value, quote(value), quote(value, safe=""), json.dumps(value)[1:-1]}


def with_canaries(contracts: Path, folder: Path) -> Canaries:
    """A copy of a folder of contracts, pacts too, with a canary for each ``x-phi`` value of its examples."""
    copy = folder / "contracts"
    shutil.copytree(contracts, copy)
    numbers = count(1)
    instead: dict[str, str] = {}
    for contract in load_system(contracts).contracts.values():
        for schema, value in marked(contract):
            if value not in instead:
                instead[value] = _fitting(schema, next(numbers))
    for file in [*copy.rglob("*.yaml"), *copy.rglob("*.json")]:
        text = file.read_text(encoding="utf-8")
        for value in sorted(instead, key=len, reverse=True):
            text = text.replace(value, instead[value])
        file.write_text(text, encoding="utf-8")
    return Canaries(copy, frozenset(instead.values()))


def marked(contract: Contract) -> Iterator[tuple[Schema, str]]:
    """Every ``x-phi`` property of a component with every value that an example gives it.

    But for values so short that they stand anywhere by chance, as the checks leave them out too.
    """
    for name, schema in contract.schemas.items():
        for named in [pointer[1:] for pointer in phi_properties(schema) if pointer.count("/") == 1]:
            for document in examples_of(contract, name):
                value = document.get(named) if isinstance(document, Mapping) else None
                if isinstance(value, str) and len(value) >= SHORTEST:
                    yield properties(schema)[named], value


def _fitting(schema: Schema, number: int) -> str:
    validator = compile_schema(schema)
    fitting = (text for text in (form.format(number) for form in FORMS) if validator.is_valid(text))
    return next(fitting, None) or str(generate(schema, number))


def strewn(body: JSON, canaries: Iterable[str]) -> Iterator[JSON]:
    """A body with a canary where none belongs: in an unknown property, as its name, in each other one."""
    if not isinstance(body, Mapping):
        return
    for canary in canaries:
        yield {**body, "more": canary}
        if _is_no_name(canary):
            yield {**body, canary: 1}
        yield {**body, "more": {"deep": [canary]}}
        for name in body:
            yield {**body, name: canary}
            yield {**body, name: [canary]}


def _is_no_name(canary: str) -> bool:
    """Whether nobody would call a property so; a name that looks like one is told, to be of use."""
    return canary.startswith("+") or "@" in canary
