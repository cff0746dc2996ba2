"""Where documents may come from: files, addresses that are mapped to files, and addresses themselves."""

from __future__ import annotations

import codecs
import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from harness.contract.model import Place
from harness.contract.nearest import did_you_mean
from harness.errors import ContractError

MAX_BYTES = 32 * 1024 * 1024

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document from an address; ``uri`` is where redirects ended."""

    uri: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Sources:
    """``maps`` are beginnings of addresses with the file or folder that stands for each; ``fetch`` gets a
    document from an address (``contract.remote``), None where that is not allowed. ``keeps`` says whether
    what was read may come from the cache and go there (``contract.cache``), and be shared with whoever reads
    the same (``contract.shared``).

    A relative ``$ref`` leads to any file that its document can name, for contracts share files beside their
    own folder, through symbolic links too; an absolute path or a ``file:`` URL leads nowhere unless it is
    mapped.
    """

    maps: tuple[tuple[str, Path], ...] = ()
    fetch: Callable[[str], Fetched] | None = None
    keeps: bool = True

    def mapped(self, uri: str) -> Path | None:
        """The file that an address is mapped to, by the longest beginning; None if there is none."""
        for prefix, path in sorted(self.maps, key=lambda each: -len(each[0])):
            if uri == prefix:
                return path
            folder = prefix if prefix.endswith("/") else f"{prefix}/"
            rest = unquote(uri[len(folder) :])
            if uri.startswith(folder) and ".." not in Path(rest).parts and not Path(rest).is_absolute():
                return path / rest
        return None


LOCAL = Sources()


def text_of(path: Path, shown: str, referrer: Place | None) -> str:
    """The text of a file; ``shown`` is its name for messages, ``referrer`` what points to it."""
    try:
        about = path.stat()
        if not (
            stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode)
        ):  # a device, a pipe: no end in sight
            raise OSError("it is no file")
        if about.st_size > MAX_BYTES:
            raise too_large(shown)
        with path.open("rb") as file:  # one in /proc says that it is empty, and is not
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        where, what = (str(referrer), f"the $ref to {shown}") if referrer else (shown, "it")
        found = f"{what} cannot be read ({error.strerror or error})"
        neighbours = [each.name for each in path.parent.iterdir()] if _is_folder(path.parent) else []
        raise ContractError(where, found, "a readable file", did_you_mean(path.name, neighbours)) from error
    if len(data) > MAX_BYTES:
        raise too_large(shown)
    return decoded(data, shown)


def digest_of(text: str) -> str:
    """What tells a text from any other."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir() and os.access(path, os.R_OK)
    except OSError:  # its name is longer than names may be
        return False


def too_large(shown: str) -> ContractError:
    found, expected = f"it is larger than {MAX_BYTES // 2**20} MiB", "a document that people can read"
    return ContractError(shown, found, expected)


def decoded(data: bytes, shown: str) -> str:
    """The text of a document's bytes, by its byte order mark; UTF-8 without one. Raises ContractError."""
    encoding = next((name for bom, name in _BOMS if data.startswith(bom)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ContractError(f"{shown}:{line}", "this is not valid UTF-8", "text in UTF-8") from error
