"""Whether a regular expression makes a backtracking matcher try exponentially many ways (ReDoS).

In two steps, both bounded. The automaton of the pattern is searched for a loop that reads one text in two
ways; a text that goes round it many times is then tried with a matcher that counts its steps. Only what that
trial confirms is reported, so a loop that does no harm, because nothing after it can fail, is left alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from harness.lint.regex_syntax import Anchor, Chars, Either, NoRegex, Ranges, Repeat, Sequence, Tree, parse

MAX_STATES = 250
MAX_PAIRS = 20_000
MAX_STEPS = 20_000
"""Steps of one trial; for the texts tried, of some 60 characters, a harmless pattern takes hundreds."""

_ROUNDS = 24
_TWICE = 2
"""How often a state may be passed without reading: a loop in a loop is entered anew where it was left."""

_COPIES = 3
_ENDS = ("\x00", "!", "\n", "")

Edge = tuple[Ranges, int]


@dataclass(slots=True)
class _Automaton:
    """``read[s]`` is what state ``s`` reads and where that leads, ``free[s]`` where it leads at no cost."""

    read: list[Edge | None] = field(default_factory=list)
    free: list[list[int]] = field(default_factory=list)
    ends: set[int] = field(default_factory=set)
    """States that hold only at the end of the text."""

    def state(self) -> int:
        if len(self.free) >= MAX_STATES:
            raise _TooLargeError
        self.read.append(None)
        self.free.append([])
        return len(self.free) - 1

    def build(self, tree: Tree, after: int) -> int:
        """The state at which the tree begins, if it is to go on at ``after``."""
        match tree:
            case Chars(ranges):
                here = self.state()
                self.read[here] = (ranges, after)
                return here
            case Sequence(parts):
                for part in reversed(parts):
                    after = self.build(part, after)
                return after
            case Either(branches):
                here = self.state()
                self.free[here] = [self.build(branch, after) for branch in branches]
                return here
            case Repeat(part, fewest, most):
                return self.repeat(part, fewest, most, after)
            case Anchor(mark):
                here = self.state()
                self.free[here] = [after]
                if mark == "$":
                    self.ends.add(here)
                return here

    def repeat(self, part: Tree, fewest: int, most: int | None, after: int) -> int:
        if most is None or most - fewest > _COPIES:
            here = self.state()
            self.free[here] = [self.build(part, here), after]
            after = here
        else:
            for _ in range(most - fewest):
                here = self.state()
                self.free[here] = [self.build(part, after), after]
                after = here
        for _ in range(min(fewest, _COPIES)):
            after = self.build(part, after)
        return after


class _TooLargeError(Exception):
    """More states than are looked at."""


@lru_cache(maxsize=4096)
def explodes(pattern: str) -> bool:
    """Whether some text was found that takes exponentially many steps. False for what is no pattern."""
    try:
        tree = parse(pattern)
        if not _may(tree):
            return False
        automaton = _Automaton()
        accept = automaton.state()
        start = automaton.build(tree, accept)
        return any(
            _steps(automaton, start, accept, before + round_ * _ROUNDS + end) > MAX_STEPS
            for before, round_ in _loops(automaton, start)
            for end in _ENDS
        )
    except (NoRegex, _TooLargeError):
        return False


def _may(tree: Tree) -> bool:
    """Whether something without limit repeats more than a single character: nothing else can explode."""
    match tree:
        case Repeat(part, _, most):
            return (not isinstance(part, Chars) and (most is None or most > _COPIES)) or _may(part)
        case Sequence(parts) | Either(parts):
            return any(_may(part) for part in parts)
    return False


def _reachable(automaton: _Automaton, state: int) -> dict[int, int]:
    """The reading states that a state leads to without reading, and in how many ways (at most 2)."""
    found: dict[int, int] = {}
    waiting: list[tuple[int, tuple[int, ...]]] = [(state, ())]
    looked = 0
    while waiting and looked < MAX_STATES * 4:
        here, passed = waiting.pop()
        looked += 1
        if automaton.read[here] is not None:
            found[here] = min(found.get(here, 0) + 1, 2)
        elif passed.count(here) < _TWICE:
            waiting += [(each, (*passed, here)) for each in automaton.free[here]]
    return found


def _loops(automaton: _Automaton, start: int) -> list[tuple[str, str]]:
    """Texts that lead into a loop, and texts that go round it in two ways."""
    following: dict[int, list[tuple[int, int]]] = {}
    for state, edge in enumerate(automaton.read):
        if edge is not None:
            following[state] = list(_reachable(automaton, edge[1]).items())
    into = _texts(automaton, following, list(_reachable(automaton, start)))
    found = []
    for state in into:
        round_ = _two_ways(automaton, following, state)
        if round_ is not None:
            found.append((into[state], round_))
        if len(found) >= _COPIES:
            break
    return found


def _texts(
    automaton: _Automaton, following: dict[int, list[tuple[int, int]]], firsts: list[int]
) -> dict[int, str]:
    """The shortest text after which each reading state may be the next."""
    found = dict.fromkeys(firsts, "")
    waiting = list(firsts)
    for state in waiting:
        char = _char(automaton, state, state)
        for after, _ in following[state] if char is not None else ():
            if after not in found:
                found[after] = found[state] + str(char)
                waiting.append(after)
    return found


def _char(automaton: _Automaton, one: int, other: int) -> str | None:
    """A character that two states read, a letter or digit if possible."""
    first, second = automaton.read[one], automaton.read[other]
    if first is None or second is None:
        return None
    shared = [
        (max(a[0], b[0]), min(a[1], b[1]))
        for a in first[0]
        for b in second[0]
        if max(a[0], b[0]) <= min(a[1], b[1])
    ]
    for low, high in shared:
        for code in (97, 48, 65, 45):
            if low <= code <= high:
                return chr(code)
    return chr(shared[0][0]) if shared else None


def _two_ways(automaton: _Automaton, following: dict[int, list[tuple[int, int]]], state: int) -> str | None:
    """A text that leads from a state back to it in two ways, or None.

    A search through pairs of states that have read the same; the third part says whether they ever differed.
    """
    begin = (state, state, False)
    came: dict[tuple[int, int, bool], str] = {begin: ""}
    waiting = [begin]
    for one, other, differed in waiting:
        if len(came) > MAX_PAIRS:
            return None
        char = _char(automaton, one, other)
        for left, ways in following[one] if char is not None else ():
            for right, _ in following[other]:
                apart = differed or left != right or (ways > 1 and one == other)
                after = (left, right, apart)
                if after not in came:
                    came[after] = came[one, other, differed] + str(char)
                    waiting.append(after)
                    if after == (state, state, True):
                        return came[after]
    return None


def _steps(automaton: _Automaton, start: int, accept: int, text: str) -> int:
    """How many steps a backtracking matcher takes for a text, up to just over ``MAX_STEPS``."""
    steps = 0
    waiting: list[tuple[int, int, tuple[int, ...]]] = [(start, 0, ())]
    while waiting and steps <= MAX_STEPS:
        state, at, passed = waiting.pop()
        steps += 1
        if state == accept:
            return steps
        edge = automaton.read[state]
        if edge is not None:
            if at < len(text) and any(low <= ord(text[at]) <= high for low, high in edge[0]):
                waiting.append((edge[1], at + 1, ()))
        elif passed.count(state) < _TWICE and not (state in automaton.ends and at < len(text)):
            waiting += [(each, at, (*passed, state)) for each in reversed(automaton.free[state])]
    return steps
