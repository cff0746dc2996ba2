"""The lines that findings speak of, without the values of examples where a contract knows PHI.

What stands under ``x-phi`` is protected wherever it is written. So in documents that use the word no line is
shown on which an example, a default or another value stands, and in what rules say such values are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.contract.documents import Document, Documents, escape
from harness.contract.model import JSON, Place
from harness.lint.source import Source

WITHHELD = "(withheld)"
_DATA = frozenset(
    ("example", "examples", "default", "const", "enum", "value", "dataValue", "serializedValue")
)
_SHORTEST = 3
_WORD = re.compile(
    r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s,\[\]{}#][^,\[\]{}#]*?(?=\s*(?::(?:\s|$)|,|[\]}]|\s\#|$)))"""
)
"""A key or value as it stands in a line of YAML or JSON."""

_ESCAPED = r"(?<=\\[nrtfvb0])|(?<=\\x[0-9a-fA-F]{2})|(?<=\\u[0-9a-fA-F]{4})"
"""Behind what a line break, or the like, is written as in quotes."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """``text`` is the offending word or value, ``line`` the line that it is on."""

    text: str = ""
    line: str = ""
    withheld: bool = False


@dataclass(slots=True)
class Excerpts:
    """``known`` are the files that could be parsed, ``guarded`` the documents among them that know PHI, by
    the file that findings name; ``protected`` are the values that are never repeated."""

    known: frozenset[str] = frozenset()
    guarded: Mapping[str, Document] = field(default_factory=dict)
    protected: frozenset[str] = frozenset()
    _lines: dict[str, list[str]] = field(default_factory=dict)
    _data: dict[str, set[int]] = field(default_factory=dict)

    def of(self, where: Place) -> Excerpt:
        lines = self._of_file(where.file)
        if not 0 < where.line <= len(lines):
            return Excerpt()
        if where.line in self._withheld(where.file):
            return Excerpt(withheld=True)
        line = lines[where.line - 1]
        match = _WORD.match(line, where.column - 1)
        return Excerpt(match[1].strip() if match else line[where.column - 1 :].strip(), line.rstrip())

    def without_values(self, text: str) -> str:
        """The text with every protected value left out."""
        told = [_alone(value) for value in sorted(self.protected, key=len, reverse=True) if value in text]
        return re.sub("|".join(told), WITHHELD, text) if told else text

    def _of_file(self, file: str) -> list[str]:
        if file not in self._lines:
            try:
                text = Path(file).read_bytes().decode("utf-8-sig")
            except (OSError, UnicodeDecodeError):
                text = ""
            self._lines[file] = text.split("\n")
        return self._lines[file]

    def _withheld(self, file: str) -> set[int]:
        if file not in self._data:
            if file not in self.known and any("x-phi" in line for line in self._of_file(file)):
                return set(range(1, len(self._of_file(file)) + 1))  # unparsed: nobody knows what is what
            document = self.guarded.get(file)
            self._data[file] = _lines_of_data(document, len(self._of_file(file))) if document else set()
        return self._data[file]


def _alone(value: str) -> str:
    """A pattern for a value that is no part of a longer word: ``consent`` in ``consentChanged`` is none.

    An underscore holds words together, but hides no number. What stands after an escape begins anew.
    """
    letter = r"\w" if value.isalpha() else r"[^\W_]"
    before = rf"(?:(?<!{letter})|{_ESCAPED})" if value[0].isalnum() else ""
    after = rf"(?!{letter})" if value[-1].isalnum() else ""
    return f"{before}{re.escape(value)}{after}"


def excerpts_of(sources: Iterable[Source]) -> Excerpts:
    """For the documents of all sources, and those that they refer to."""
    known: set[str] = set()
    documents: dict[str, Document] = {}
    protected: set[str] = set()
    for source in sources:
        held = source.root.documents
        known.update(held.files.values())
        if source.says("x-phi"):
            documents |= {held.files[uri]: held.document(uri) for uri in held}
            protected |= _protected(held)
    return Excerpts(frozenset(known), documents, frozenset(protected))


def _protected(documents: Documents) -> set[str]:
    """Every text or number that stands under x-phi, or under a name that has it somewhere, in an example."""
    names = {name for tree in documents.values() for name in _names(tree)}
    found = {str(value) for tree in documents.values() for value in _values(tree, names, False, False)}
    return {line for value in found for line in (value, *value.splitlines()) if len(line) >= _SHORTEST}


def _names(tree: JSON) -> Iterator[str]:
    """The properties and parameters that are PHI by the schema beside their name."""
    if isinstance(tree, list):
        for each in tree:
            yield from _names(each)
    if isinstance(tree, dict):
        for key, each in tree.items():
            if isinstance(each, dict) and each.get("x-phi") is True:
                yield key
            yield from _names(each)


def _values(tree: JSON, names: set[str], is_data: bool, is_phi: bool) -> Iterator[JSON]:
    if isinstance(tree, list):
        for each in tree:
            yield from _values(each, names, is_data, is_phi)
    elif isinstance(tree, dict):
        here = is_phi or (not is_data and tree.get("x-phi") is True)
        for key, each in tree.items():
            if key == "examples" and isinstance(each, dict) and not is_data:
                yield from _values_of_examples(each, names, here)
                continue
            data = is_data or key in _DATA
            yield from _values(each, names, data, here or (data and key in names))
    elif is_data and is_phi and not isinstance(tree, bool) and tree is not None:
        yield tree


def _values_of_examples(examples: JSON, names: set[str], is_phi: bool) -> Iterator[JSON]:
    """OpenAPI's Example Objects by name: ``value`` says what the example is, and is no property of it."""
    for name, example in examples.items():
        for key, each in example.items() if isinstance(example, dict) else ((name, example),):
            yield from _values(each, names, True, is_phi or (key in names and key not in _DATA))


def _lines_of_data(document: Document, last: int) -> set[int]:
    """The lines on which values of examples and the like stand, wholly or in part."""
    found: set[int] = set()
    following, here = last + 1, last + 1  # the next line with a mark after this one, and this one
    for line, _, is_data in sorted(_marks(document, document.tree, "", False), reverse=True):
        if line < here:
            following, here = here, line
        if is_data:
            found.update(range(line, following))
    return found


def _marks(document: Document, tree: JSON, pointer: str, is_data: bool) -> Iterator[tuple[int, int, bool]]:
    inside = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, each in inside:
        data = is_data or (isinstance(tree, dict) and key in _DATA)
        place = document.place(f"{pointer}/{escape(key)}")
        yield place.line, place.column, data
        yield from _marks(document, each, f"{pointer}/{escape(key)}", data)
