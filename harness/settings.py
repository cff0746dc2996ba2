"""``portal.toml``: what a team sets once for its contracts, each command reading a table of its own.

A ``Table`` knows the file and, as near as the text shows, the line of each of its keys.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.contract.nearest import did_you_mean
from harness.errors import UsageError

NAME = "portal.toml"
MAX_BYTES = 1024 * 1024
_AT = re.compile(r" \(at line (\d+), column (\d+)\)\Z")


@dataclass(frozen=True, slots=True)
class Table:
    """``path`` is the way to the table from the top, e.g. ``("lint", "rules")``, numbers in arrays."""

    file: str
    value: dict[str, Any]
    path: tuple[str | int, ...] = ()
    text_: str = field(default="", repr=False)

    @property
    def folder(self) -> Path:
        """Where the file is: relative paths in it start there."""
        return Path(self.file).parent

    def __iter__(self) -> Iterator[str]:
        return iter(self.value)

    def error(self, key: str, found: str, expected: str, remedy: str = "") -> UsageError:
        """What is wrong with a key of this table, with file and line."""
        called = _written((*self.path, key))
        return UsageError(self.place(key), f"{called}: {found}", expected, remedy)

    def place(self, key: str) -> str:
        """File and line of a key, or of the table where it has none of that name."""
        return f"{self.file}:{self._line(key)}"

    def only(self, known: Collection[str]) -> None:
        """Raises UsageError for a key that is not ``known``."""
        for key in self.value:
            if key not in known:
                hint = did_you_mean(key, known)
                raise self.error(key, f"'{key}' means nothing here", f"one of: {', '.join(known)}", hint)

    def table(self, key: str) -> Table:
        """The table of this name, empty without one. Raises UsageError if it is something else."""
        value = self.value.get(key, {})
        if not isinstance(value, dict):
            raise self.error(key, "this is no table", f"[{_written((*self.path, key))}] or {{ … }}")
        return Table(self.file, value, (*self.path, key), self.text_)

    def tables(self, key: str) -> Iterator[Table]:
        """The tables of an array, none without one. Raises UsageError if it is something else."""
        value = self.value.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise self.error(key, "this is no list of tables", f"[[{_written((*self.path, key))}]]")
        for index, each in enumerate(value):
            yield Table(self.file, each, (*self.path, key, index), self.text_)

    def text(self, key: str) -> str:
        """Raises UsageError unless there is text under the key."""
        value = self.value.get(key)
        if not isinstance(value, str):
            found = "this is no text" if key in self.value else "it is missing"
            raise self.error(key, found, "text in quotes")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Raises UsageError unless there is a list of text under the key, and something in it."""
        value = self.value.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
            found = "this is no list of text" if key in self.value else "it is missing"
            raise self.error(key, found, f'{key} = ["…"]')
        return tuple(value)

    def _line(self, key: str) -> int:
        """The line of a key, by looking for it after the headers of the tables that it is in."""
        lines, at = self.text_.splitlines(), 0
        for step, name in enumerate((*self.path, key)):
            nth = self.path[step + 1] if step + 1 < len(self.path) else 0
            if isinstance(name, str):
                at = _find(lines, at, name, nth if isinstance(nth, int) else 0)
        return at + 1


def _find(lines: list[str], start: int, name: str, skip: int) -> int:
    """The first line from ``start`` on in which a name is a key or ends a header, after ``skip`` such."""
    pattern = re.compile(rf"""(?:^|[\s{{\[.,"']){re.escape(name)}["']?\s*(?:[=.]|\])""")
    found = [index for index in range(start, len(lines)) if pattern.search(lines[index])]
    return found[min(skip, len(found) - 1)] if found else start


def _written(path: tuple[str | int, ...]) -> str:
    return ".".join(str(each) for each in path if isinstance(each, str))


def find(folder: Path) -> Path | None:
    """The nearest ``portal.toml``: in the folder, above it up to the working directory, else in that."""
    here, at = Path.cwd(), folder.resolve()
    inside: list[Path] = [each for each in (at, *at.parents) if each.is_relative_to(here)]
    for each in inside or [at, here]:
        if (each / NAME).is_file():
            return each / NAME
    return None


def read(file: Path) -> Table:
    """The whole file. Raises UsageError if it cannot be read or is no TOML."""
    shown = str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else str(file)
    try:
        if file.stat().st_size > MAX_BYTES:
            raise UsageError(shown, "this is larger than 1 MiB", "settings that people can read")
        text = file.read_text(encoding="utf-8-sig")
        return Table(shown, tomllib.loads(text), (), text)
    except OSError as error:
        found = f"it cannot be read: {error.strerror or error}"
        raise UsageError(shown, found, "a readable file") from error
    except UnicodeDecodeError as error:
        raise UsageError(shown, "this is not UTF-8", "TOML, which is UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        at, why = _AT.search(str(error)), _AT.sub("", str(error))
        where = f"{shown}:{at[1]}" if at else shown
        found = f"this is not valid TOML: {why}{f' (column {at[2]})' if at else ''}"
        raise UsageError(where, found, "well-formed TOML") from error
