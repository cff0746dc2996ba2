"""JSON text (RFC 8259) to tokens with their place. Tabs are white space here, which YAML forbids."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from json import JSONDecodeError
from json.decoder import scanstring  # type: ignore[attr-defined]  # the C scanner that json itself uses

from harness.contract.tree import Position, Token
from harness.errors import ContractError

_SPACE = re.compile(r"[ \t\r\n]*")
_LITERAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null")


class _Scanner:
    def __init__(self, text: str, file: str) -> None:
        self.text, self.file = text, file
        self.index = 0
        self.lines = [0] + [match.end() for match in re.finditer(r"\n", text)]

    def at(self, index: int) -> Position:
        line = bisect_right(self.lines, index)
        return line, index - self.lines[line - 1] + 1

    def peek(self) -> str:
        match = _SPACE.match(self.text, self.index)
        self.index = match.end() if match else self.index
        return self.text[self.index : self.index + 1]

    def error(self, expected: str, index: int | None = None) -> ContractError:
        line, column = self.at(self.index if index is None else index)
        return ContractError(f"{self.file}:{line}", f"this is not valid JSON (column {column})", expected)

    def want(self, characters: str) -> str:
        if self.peek() not in tuple(characters):
            raise self.error(" or ".join(f"'{each}'" for each in characters))
        self.index += 1
        return self.text[self.index - 1]

    def string(self) -> Token:
        start = self.index
        try:
            text, self.index = scanstring(self.text, start + 1, True)
        except JSONDecodeError as error:
            raise self.error(error.msg, error.pos) from error
        return Token("scalar", self.at(start), text)

    def scalar(self) -> Token:
        if self.peek() == '"':
            return self.string()
        match = _LITERAL.match(self.text, self.index)
        if match is None:
            raise self.error("a JSON value")
        self.index = match.end()
        return Token("scalar", self.at(match.start()), match.group(), plain=True)


def tokens_of_json(text: str, file: str) -> Iterator[Token]:
    """The tokens of one JSON document; raises ContractError at the first character that is wrong."""
    scanner, closers = _Scanner(text, file), ""
    while True:
        opener = scanner.peek()
        if opener in ("{", "["):
            yield Token("map" if opener == "{" else "list", scanner.at(scanner.index))
            scanner.index += 1
            closers += "}" if opener == "{" else "]"
            if scanner.peek() != closers[-1]:
                if opener == "{":
                    yield from _key(scanner)
                continue
        else:
            yield scanner.scalar()
        while closers and scanner.want(f",{closers[-1]}") == closers[-1]:
            yield Token("end", scanner.at(scanner.index - 1))
            closers = closers[:-1]
        if not closers:
            break
        if closers[-1] == "}":
            yield from _key(scanner)
    if scanner.peek():
        raise scanner.error("the end of the document")


def _key(scanner: _Scanner) -> Iterator[Token]:
    if scanner.peek() != '"':
        raise scanner.error("a name in double quotes")
    yield scanner.string()
    scanner.want(":")
