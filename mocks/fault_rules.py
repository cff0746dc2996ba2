"""Which faults an exchange or event meets: rules, each with its own count and its own seeded chance."""

from __future__ import annotations

import random
import threading
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.contract.model import JSON, Contract
from harness.contract.nearest import did_you_mean
from harness.errors import UsageError
from mocks.fault_words import NOTHING, Effects, effects_of
from mocks.matching import ANYTHING, Match, Seen, match_of

MOST_RULES = 100

KEYS = ("id", "operation", "match", "fault", "probability", "first", "every", "service")
"""What a rule may say. ``service`` says which of several mocks it is for, in ``portal.toml``."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A fault and when it happens.

    ``operations`` are operationIds, or send operations for a fault of events; empty for all. Of what matches,
    only the ``first`` so many, and every ``every``-th of these, and of those each with ``probability``.
    """

    id: str
    effects: Effects
    operations: tuple[str, ...] = ()
    match: Match = ANYTHING
    probability: float = 1.0
    first: int | None = None
    every: int | None = None

    def document(self) -> dict[str, JSON]:
        """As it is written in JSON."""
        probability = self.probability if self.probability < 1 else None
        said = {"probability": probability, "first": self.first, "every": self.every}
        document: dict[str, JSON] = {"id": self.id, "fault": self.effects.text}
        if self.operations:
            document["operation"] = list(self.operations)
        if self.match.conditions:
            document["match"] = self.match.document()
        return document | {name: value for name, value in said.items() if value is not None}


@dataclass(slots=True)
class Counted:
    """A rule at work: how often it matched and struck."""

    rule: Rule
    chance: random.Random
    matched: int = 0
    struck: int = 0

    def strikes(self) -> bool:
        """Count one more that matched; whether the fault happens to it."""
        rule = self.rule
        self.matched += 1
        lucky = self.chance.random() < rule.probability  # drawn each time: the count alone decides the draw
        due = rule.first is None or self.matched <= rule.first
        if not (due and lucky and (rule.every is None or self.matched % rule.every == 0)):
            return False
        self.struck += 1
        return True


@dataclass(slots=True)
class Met:
    """What an exchange or event meets: the effects, and how long ``latency`` is this time (seconds)."""

    effects: Effects
    delay: float = 0.0
    rules: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """For the journal and the answer's header."""
        return self.effects.text


@dataclass(slots=True)
class FaultRules:
    """The rules of one mock. Safe to use from several threads; what happens is decided by ``seed`` and by the
    order in which things come. ``configured`` are those that ``reset`` brings back."""

    seed: int = 1
    configured: tuple[Rule, ...] = ()
    _rules: dict[str, Counted] = field(default_factory=dict)
    _asked: random.Random = field(default_factory=random.Random)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    active: bool = False
    """Whether there is any rule at all: a mock without has nothing to look up."""

    def __post_init__(self) -> None:
        self.reset()

    def add(self, rule: Rule) -> None:
        """Put a rule after the others, in place of the one with its id. Raises UsageError for too many."""
        with self._lock:
            if rule.id not in self._rules and len(self._rules) >= MOST_RULES:
                raise UsageError("faults", f"there are {MOST_RULES} rules", remedy="Remove some")
            self._rules.pop(rule.id, None)
            self._rules[rule.id] = Counted(rule, self._chance(rule.id))
            self.active = True

    def remove(self, id: str) -> bool:
        """Whether there was one with this id."""
        with self._lock:
            found = self._rules.pop(id, None) is not None
            self.active = bool(self._rules)
            return found

    def clear(self) -> None:
        """No rules at all."""
        with self._lock:
            self._rules.clear()
            self.active = False

    def reset(self) -> None:
        """The configured rules, nothing counted, every chance from its beginning."""
        with self._lock:
            self._rules = {each.id: Counted(each, self._chance(each.id)) for each in self.configured}
            self._asked = self._chance("")
            self.active = bool(self._rules)

    def listed(self) -> list[tuple[Rule, int, int]]:
        """Each rule with how often it matched and struck, in order."""
        with self._lock:
            return [(each.rule, each.matched, each.struck) for each in self._rules.values()]

    def asked(self, effects: Effects) -> Met:
        """What one request asked for itself: the rules have no say."""
        with self._lock:
            return self._met([(effects, self._asked, "")])

    def of_exchange(self, operation: str, seen: Seen) -> Met | None:
        """The faults of an HTTP exchange; ``operation`` is ``""`` for one that the contract does not have."""
        return self._struck(operation, seen, events=False)

    def of_event(self, operation: str, seen: Seen) -> Met | None:
        """The fault of an event of a send operation."""
        return self._struck(operation, seen, events=True)

    def new_id(self) -> str:
        """An id that no rule has."""
        with self._lock:
            return next(f"fault-{n}" for n in range(1, MOST_RULES + 2) if f"fault-{n}" not in self._rules)

    def reads_bodies(self) -> bool:
        """Whether any rule has to know a request's body."""
        with self._lock:
            return any(each.rule.match.body for each in self._rules.values())

    def _struck(self, operation: str, seen: Seen, *, events: bool) -> Met | None:
        with self._lock:
            struck = [
                (each.rule.effects, each.chance, each.rule.id)
                for each in self._rules.values()
                if (each.rule.effects.event is not None) == events
                and (not each.rule.operations or operation in each.rule.operations)
                and each.rule.match.fits(seen)
                and each.strikes()
            ]
            return self._met(struck) if struck else None

    def _met(self, struck: list[tuple[Effects, random.Random, str]]) -> Met:
        effects, delay = NOTHING, 0.0
        for each, chance, _ in struck:
            if each.latency is not None and effects.latency is None:
                delay = each.latency.seconds(chance)
            effects = effects.and_(each)
        return Met(effects, delay, tuple(id for _, _, id in struck if id))

    def _chance(self, id: str) -> random.Random:
        return random.Random((self.seed << 32) ^ zlib.crc32(id.encode()))  # noqa: S311  repeatable on purpose


def rule_of(document: Mapping[str, JSON], where: str, id: str) -> Rule:
    """A rule from its document; ``id`` if it names none. Raises UsageError."""
    for name in document:
        if name not in KEYS:
            expected, remedy = f"one of {', '.join(KEYS)}", did_you_mean(name, KEYS)
            raise UsageError(where, f"a fault's rule has no '{name}'", expected, remedy)
    fault = document.get("fault")
    if not isinstance(fault, str):
        raise UsageError(where, "'fault' is missing or no text", 'e.g. fault = "status=503; retry-after=2"')
    named = document.get("operation", [])
    operations = [named] if isinstance(named, str) else named
    if not isinstance(operations, list) or not all(isinstance(each, str) for each in operations):
        raise UsageError(where, "'operation' is neither an operation nor a list of them")
    probability = document.get("probability", 1.0)
    if isinstance(probability, bool) or not isinstance(probability, int | float) or not 0 <= probability <= 1:
        raise UsageError(where, f"'probability' is {probability!r}", "a number from 0 to 1")
    name = document.get("id", id)
    if not isinstance(name, str) or not name:
        raise UsageError(where, "'id' is no text", "a name for the rule")
    return Rule(
        name,
        effects_of(fault, where),
        tuple(operations),
        match_of(document.get("match", {}), where),
        float(probability),
        _count(document, "first", where),
        _count(document, "every", where),
    )


def _count(document: Mapping[str, JSON], name: str, where: str) -> int | None:
    value = document.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise UsageError(where, f"'{name}' is {value!r}", "a whole number from 1")
    return value


def check_rule(rule: Rule, contract: Contract, where: str) -> None:
    """Raises UsageError if a contract does not have what the rule speaks of."""
    events = rule.effects.event is not None
    known = contract.sends if events else contract.operations
    kind = "a send operation" if events else "an HTTP operation"
    for each in rule.operations:
        if each not in known:
            raise UsageError(
                where,
                f"'{each}' is not {kind} of {contract.service}",
                "event=… for events, any other fault for HTTP" if _elsewhere(each, contract) else kind,
                did_you_mean(each, known),
            )
    if not events and rule.match.key is not None:
        raise UsageError(where, "an HTTP request has no 'key'", "path, query, header or body")


def _elsewhere(operation: str, contract: Contract) -> bool:
    return operation in contract.operations or operation in contract.message_operations
