"""Regular expressions as ECMA-262 has them (section 22.2, with the leniencies of annex B.1.2), to a tree.

What neither the strict nor the lenient reading allows is an error: JSON Schema asks for this dialect, and
each tool reads the rest as it likes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

Ranges = tuple[tuple[int, int], ...]
"""Code points, sorted, without overlap."""

TOP = 0x10FFFF
MAX_DEPTH = 100
_DIGITS: Ranges = ((48, 57),)
_WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE: Ranges = ((9, 13), (32, 32), (160, 160), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029))
_LINE_ENDS: Ranges = ((10, 10), (13, 13), (0x2028, 0x2029))
_CLASSES = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
_QUANTIFIER = re.compile(r"\{(\d+)(,(\d*))?\}")
_GROUP_NAME = re.compile(r"<([A-Za-z_$\x80-\U0010ffff][\w$]*)>")
_MODIFIERS = re.compile(r"[ims]*(-[ims]*)?:")
_FOREIGN = {
    "(?P<": "a named group is written (?<name>…)",
    "(?P=": "a back reference is written \\k<name>",
    "(?>": "there are no atomic groups",
    "(?#": "there are no comments",
    "(?|": "there are no branch resets",
    "(?i)": "flags cannot be set inside a pattern",
}


class NoRegex(ValueError):
    """The text is no regular expression; ``at`` is where that shows."""

    def __init__(self, why: str, at: int) -> None:
        super().__init__(why)
        self.why, self.at = why, at


@dataclass(frozen=True, slots=True)
class Chars:
    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Sequence:
    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Either:
    branches: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """``most`` is None without a limit."""

    part: Tree
    fewest: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Anchor:
    """``^``, ``$``, a word boundary, or a look-around or back reference, whose content is left out."""

    mark: str


Tree = Chars | Sequence | Either | Repeat | Anchor


def negated(ranges: Ranges) -> Ranges:
    found, low = [], 0
    for first, last in merged(ranges):
        if first > low:
            found.append((low, first - 1))
        low = last + 1
    return (*found, (low, TOP)) if low <= TOP else tuple(found)


def merged(ranges: Ranges) -> Ranges:
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def parse(pattern: str) -> Tree:
    """The tree of a pattern. Raises NoRegex."""
    parser = _Parser(pattern)
    tree = parser.either(0)
    if parser.at < len(pattern):
        raise NoRegex("a ')' closes nothing", parser.at)
    return tree


class _Parser:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.names: set[str] = set()

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def either(self, depth: int) -> Tree:
        if depth > MAX_DEPTH:
            raise NoRegex(f"its groups are nested deeper than {MAX_DEPTH}", self.at)
        branches = [self.sequence(depth)]
        while self.peek() == "|":
            self.at += 1
            branches.append(self.sequence(depth))
        return branches[0] if len(branches) == 1 else Either(tuple(branches))

    def sequence(self, depth: int) -> Tree:
        parts: list[Tree] = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.quantified(self.atom(depth)))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def quantified(self, atom: Tree) -> Tree:
        fewest_and_most = self.quantifier()
        if fewest_and_most is None:
            return atom
        if isinstance(atom, Anchor) and atom.mark in ("^", "$", "b"):
            raise NoRegex("there is nothing that could be repeated", self.at)
        if self.peek() == "?":
            self.at += 1
        if self.quantifier() is not None:
            raise NoRegex("a quantifier follows a quantifier", self.at)
        return Repeat(atom, *fewest_and_most)

    def quantifier(self) -> tuple[int, int | None] | None:
        mark = self.peek()
        if mark and mark in "*+?":
            self.at += 1
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[mark]
        match = _QUANTIFIER.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        fewest = int(match[1])
        most = fewest if match[2] is None else int(match[3]) if match[3] else None
        if most is not None and most < fewest:
            raise NoRegex("the numbers of a quantifier are out of order", match.start())
        return fewest, most

    def atom(self, depth: int) -> Tree:
        start, mark = self.at, self.peek()
        if mark in "*+?" or _QUANTIFIER.match(self.text, start):
            raise NoRegex("there is nothing that could be repeated", start)
        self.at += 1
        match mark:
            case "(":
                return self.group(depth)
            case "[":
                return self.character_class()
            case ".":
                return Chars(negated(_LINE_ENDS))
            case "^" | "$":
                return Anchor(mark)
            case "\\":
                return self.escape()
            case _:
                return Chars(((ord(mark), ord(mark)),))

    def group(self, depth: int) -> Tree:
        start = self.at - 1
        look = False
        if self.peek() == "?":
            rest = self.text[self.at + 1 :]
            self.refuse_foreign(start)
            if rest.startswith(("=", "!", "<=", "<!")):
                look = True
                self.at += 2 + rest.startswith("<")
            elif name := _GROUP_NAME.match(rest):
                if name[1] in self.names:
                    raise NoRegex(f"two groups are named '{name[1]}'", start)
                self.names.add(name[1])
                self.at += 1 + name.end()
            elif modifiers := _MODIFIERS.match(rest):
                self.at += 1 + modifiers.end()
            else:
                raise NoRegex("'(?' begins no group that there is", start)
        inner = self.either(depth + 1)
        if self.peek() != ")":
            raise NoRegex("a '(' is never closed", start)
        self.at += 1
        return Anchor("look") if look else inner

    def refuse_foreign(self, start: int) -> None:
        for beginning, why in _FOREIGN.items():
            if self.text.startswith(beginning, start):
                raise NoRegex(f"'{beginning}' belongs to another dialect: {why}", start)

    def escape(self) -> Tree:
        mark = self.peek()
        if not mark:
            raise NoRegex("a '\\' stands at the end", self.at - 1)
        if mark in "bB":
            self.at += 1
            return Anchor("b")
        if mark == "k" or (mark in "123456789"):
            reference = re.compile(r"k<[^>]*>|\d+|k").match(self.text, self.at)
            self.at = reference.end() if reference else self.at + 1
            return Anchor("reference")
        return Chars(self.escaped())

    def escaped(self) -> Ranges:
        """What an escape means, in a class and outside; it stands after the backslash."""
        mark = self.peek()
        if not mark:
            raise NoRegex("a '\\' stands at the end", self.at - 1)
        self.at += 1
        if mark.lower() in _CLASSES:
            ranges = _CLASSES[mark.lower()]
            return ranges if mark.islower() else negated(ranges)
        if mark in _CONTROLS:
            return ((_CONTROLS[mark], _CONTROLS[mark]),)
        if mark in "pP" and (name := re.compile(r"\{[\w=]+\}").match(self.text, self.at)):
            self.at = name.end()
            letters: Ranges = ((65, 90), (97, 122), (170, TOP))
            return letters if mark == "p" else negated(letters)
        for beginning, digits in (
            ("x", r"[0-9A-Fa-f]{2}"),
            ("u", r"[0-9A-Fa-f]{4}|\{[0-9A-Fa-f]{1,6}\}"),
            ("c", "[A-Za-z]"),
        ):
            code = re.compile(digits).match(self.text, self.at) if mark == beginning else None
            if code:
                self.at = code.end()
                value = ord(code[0]) % 32 if mark == "c" else int(code[0].strip("{}"), 16)
                if value > TOP:
                    raise NoRegex("there is no such character", code.start())
                return ((value, value),)
        value = 0 if mark == "0" else ord(mark)
        return ((value, value),)

    def character_class(self) -> Tree:
        start = self.at - 1
        is_negated = self.peek() == "^"
        self.at += is_negated
        found: list[tuple[int, int]] = []
        while self.peek() != "]":
            first = self.member(start)
            if self.peek() == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                last = self.member(start)
                if _single(first) is not None and _single(last) is not None:
                    low, high = first[0][0], last[0][0]
                    if low > high:
                        raise NoRegex("the ends of a range are out of order", self.at)
                    found.append((low, high))
                    continue
                found += [*last, (45, 45)]
            found += first
        self.at += 1
        ranges = merged(tuple(found))
        return Chars(negated(ranges) if is_negated else ranges)

    def member(self, start: int) -> Ranges:
        mark = self.peek()
        if not mark:
            raise NoRegex("a '[' is never closed", start)
        self.at += 1
        if mark != "\\":
            return ((ord(mark), ord(mark)),)
        if self.peek() == "b":
            self.at += 1
            return ((8, 8),)
        return self.escaped()


def _single(ranges: Ranges) -> int | None:
    return ranges[0][0] if len(ranges) == 1 and ranges[0][0] == ranges[0][1] else None
