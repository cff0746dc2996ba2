"""JSON text (RFC 8259) to a tree with places. Tabs are white space here, which YAML forbids."""

from __future__ import annotations

import re
from json import JSONDecodeError
from json.decoder import scanstring  # type: ignore[attr-defined]  # the C scanner that json itself uses

from harness.contract.tree import Builder, Position
from harness.errors import ContractError

_TOKEN = re.compile(
    r"[ \t\r\n]*(?:(?P<mark>[{}\[\],:])|(?P<open>\")|"
    r"(?P<literal>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null))?"
)
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def looks_like_json(text: str) -> bool:
    """Whether a text can only be JSON, or YAML that reads the same as JSON does: it begins with ``{`` or
    ``[`` and then a quote, a bracket or an end."""
    return re.match(r"\s*[{\[]\s*[\"{\[}\]]", text) is not None


def read_json(text: str, builder: Builder) -> None:
    """Feeds one JSON document to a builder; raises ContractError at the first character that is wrong."""
    _Reader(text, builder).document()


class _Reader:
    def __init__(self, text: str, builder: Builder) -> None:
        self.text, self.builder = text, builder
        self.index = 0
        self.line, self.begin = 1, 0
        """The number of the line that ``index`` is in, and where it begins."""

    def next(self) -> tuple[str, str, Position]:
        """Kind and text of the token at ``index``, and where it stands; kind ``""`` if there is none."""
        match = _TOKEN.match(self.text, self.index)
        assert match is not None  # noqa: S101 - every part of the pattern is optional
        kind = match.lastgroup or ""
        start = match.start(kind) if kind else match.end()
        if "\n" in self.text[self.index : start]:
            self.line += self.text.count("\n", self.index, start)
            self.begin = self.text.rindex("\n", self.index, start) + 1
        at = (self.line, start - self.begin + 1)
        self.index = match.end()
        return kind, match[kind] if kind else "", at

    def error(self, at: Position, expected: str) -> ContractError:
        found = f"this is not valid JSON (column {at[1]})"
        return ContractError(f"{self.builder.file}:{at[0]}", found, expected)

    def string(self, at: Position) -> str:
        try:
            text, self.index = scanstring(self.text, self.index, True)
        except JSONDecodeError as error:
            raise self.error((at[0], error.pos - self.begin + 1), error.msg) from error
        if not text.isascii() and _SURROGATE.search(text):
            raise self.error(at, "text without half a surrogate pair")
        return str(text)

    def document(self) -> None:
        builder, closers = self.builder, list[str]()
        while True:
            kind, text, at = self.next()
            if kind == "open":
                builder.scalar(self.string(at), at, False)
            elif kind == "literal":
                builder.scalar(text, at, True)
            elif text in ("{", "["):
                builder.open({} if text == "{" else [], at)
                closers.append("}" if text == "{" else "]")
                if self.begun(closers):
                    continue
            else:
                raise self.error(at, "a JSON value")
            if not self.ended(closers):
                break
        kind, _, at = self.next()
        if kind or self.index < len(self.text):
            raise self.error(at, "the end of the document")

    def begun(self, closers: list[str]) -> bool:
        """Past the opening bracket: True where a value follows, False where it is closed at once."""
        before = self.index, self.line, self.begin
        kind, text, at = self.next()
        if text == closers[-1] and kind == "mark":
            self.builder.close()
            closers.pop()
            return False
        if closers[-1] == "}":
            self.name(kind, at)
        else:
            self.index, self.line, self.begin = before
        return True

    def ended(self, closers: list[str]) -> bool:
        """Past a value: True where another follows, False at the document's end."""
        while closers:
            kind, text, at = self.next()
            if kind == "mark" and text == ",":
                if closers[-1] == "}":
                    self.name(*self.next()[::2])
                return True
            if kind != "mark" or text != closers[-1]:
                raise self.error(at, f"',' or '{closers[-1]}'")
            self.builder.close()
            closers.pop()
        return False

    def name(self, kind: str, at: Position) -> None:
        if kind != "open":
            raise self.error(at, "a name in double quotes")
        self.builder.scalar(self.string(at), at, False)
        kind, text, at = self.next()
        if text != ":" or kind != "mark":
            raise self.error(at, "':'")
