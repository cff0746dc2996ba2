"""Many people who do not exist: each lives through the story of one of the contracts' personas, at a time of
their own.

Everything follows from a seed and a number, so that the same person has the same id, name and story in every
service, whichever is filled first.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate

from harness.contract.model import Persona

LONGEST_LIFE = 99
_PYRAMID = (
    (5, 56), (10, 60), (15, 63), (20, 65), (25, 66), (30, 66), (35, 69), (40, 66), (45, 63), (50, 59),
    (55, 62), (60, 63), (65, 63), (70, 55), (75, 45), (80, 31), (85, 19), (LONGEST_LIFE, 19),
)  # fmt: skip
"""(below this age, how many of about a thousand): the population of the United States, in groups of five.
Source: US Census Bureau, population by age, rounded."""

_AGES = [each for each, _ in _PYRAMID]
_SHARES = list(accumulate(each for _, each in _PYRAMID))
_LOCALES = (
    ("en_US", 72),
    ("es_MX", 14),
    ("de_DE", 3),
    ("pl_PL", 2),
    ("vi_VN", 2),
    ("zh_CN", 3),
    ("ar_AA", 2),
    ("hi_IN", 2),
)
"""Where names come from, and how often of a hundred."""

_OFTEN = list(accumulate(each for _, each in _LOCALES))

_YEAR = 365.25
_NAMES = 400
_MOVED = 730
"""Days by which a story may lie in the past."""

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS = [low + high for high in _ALPHABET for low in _ALPHABET]
"""Two digits of base 36, the lower one first, by their value."""


@dataclass(frozen=True, slots=True)
class Person:
    """``persona`` is whose story it is, ``earlier`` by how many days that lies in the past."""

    number: int
    persona: Persona
    name: str
    born: date
    earlier: int


class Crowd:
    """Draws people. ``busy`` says how many records there are of each persona: who has much is rarer, as
    people with long records are."""

    def __init__(self, personas: Sequence[Persona], busy: Mapping[str, int], day: date, seed: int) -> None:
        self._day, self._seed = day, seed
        self._tellers = [
            (each, (day - born).days / _YEAR, 1 / (1 + busy.get(each.id, 0)))
            for each in personas
            if (born := _born(each)) is not None and "replacedBy" not in each.facts
        ]
        self._names = _pools(seed)
        self.names = {each.id: each.name for each in personas}
        """The personas' own, by their ids."""

    def person(self, number: int, among: Container[str]) -> Person | None:
        """The one with this number; None if the story is that of none of these personas, by id."""
        chance = random.Random(f"{self._seed}/{number}")  # noqa: S311 - nothing secret is drawn
        age = _age(chance)
        persona = self._suiting(chance, age)
        if persona.id not in among:
            return None
        born = self._day - timedelta(days=int(age * _YEAR) + 1)
        given, family = chance.choices(self._names, cum_weights=_OFTEN)[0]
        name = f"{chance.choice(given)} {chance.choice(family)}"
        earlier = chance.randrange(min(_MOVED, int(age * _YEAR / 2) + 1))  # hardly before they were born
        return Person(number, persona, name, born, earlier)

    def id(self, old: str, number: int) -> str:
        """What stands for one of the persona's ids in the person's records: of its kind, and theirs alone."""
        prefix, _, _ = old.rpartition("-")
        digest = hashlib.blake2b(f"{self._seed}/{number}/{old}".encode(), digest_size=10).digest()
        value, text = int.from_bytes(digest, "big"), ""
        while value:
            value, rest = divmod(value, len(_PAIRS))
            text += _PAIRS[rest]
        return f"{prefix}-{text.rstrip('0').rjust(8, '0')}"

    def _suiting(self, chance: random.Random, age: float) -> Persona:
        """Somebody's story of about that age."""
        for reach in (6.0, 15.0, LONGEST_LIFE):
            near = [each for each in self._tellers if abs(each[1] - age) <= reach]
            if near:
                return chance.choices(near, [weight for _, _, weight in near])[0][0]
        raise ValueError("there is no persona")


def _age(chance: random.Random) -> float:
    """Years."""
    most = chance.choices(_AGES, cum_weights=_SHARES)[0]
    least = 85 if most == LONGEST_LIFE else most - 5
    return chance.uniform(least, most)


def _born(persona: Persona) -> date | None:
    said = persona.facts.get("birthDate")
    return date.fromisoformat(said) if isinstance(said, str) else None


def _pools(seed: int) -> list[tuple[list[str], list[str]]]:
    """Given and family names of each locale."""
    from faker import Faker

    found = []
    for locale, _ in _LOCALES:
        fake = Faker(locale)
        fake.seed_instance(seed)
        found.append(([fake.first_name() for _ in range(_NAMES)], [fake.last_name() for _ in range(_NAMES)]))
    return found
