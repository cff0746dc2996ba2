"""Contracts that were read before, kept as trees and as the model that was built from them: an unchanged one
is neither parsed nor checked nor built again.

What is kept holds the names of all files that a contract was read from with the hash of each, so it answers
as long as none of them has changed, and the version of the reader, so that a newer one reads anew. It is JSON
and numbers, never code: whoever could write there could give us another contract, and no more. Files that are
not ours alone, are damaged or were kept by another version are passed over. ``PORTAL_NO_CACHE`` does without.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import tempfile
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness.contract.document import Document
from harness.contract.documents import Documents
from harness.contract.identifiers import identifiers_of
from harness.contract.marks import flattened, later_marks
from harness.contract.model import JSON
from harness.contract.shared import opened, share
from harness.contract.sources import digest_of, text_of
from harness.errors import ContractError

Facts = dict[str, JSON]

MAX_KEPT = 64 * 1024 * 1024
"""Bytes of one contract; a larger one is read every time."""

MAX_FOLDER = 256 * 1024 * 1024
"""Bytes of all; what was used longest ago goes first."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A contract as it was kept: its documents, and what ``keep`` was given beside them."""

    documents: Documents
    facts: Facts
    model: bytes


def cache_folder() -> Path:
    """``$PORTAL_CACHE``, else ``$PORTAL_STATE``, else the platform's cache directory for Portal."""
    named = os.environ.get("PORTAL_CACHE") or os.environ.get("PORTAL_STATE")
    if named:
        return Path(named).expanduser() / "contracts"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "portal" / "contracts"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "portal" / "contracts"
    return Path(os.environ.get("XDG_CACHE_HOME", "") or Path.home() / ".cache") / "portal" / "contracts"


@cache
def _reader() -> str:
    """The version of the reader: a hash of its own source."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def recalled(paths: Sequence[Path]) -> Kept | None:
    """What was kept of a contract that begins at these files; None if there is nothing, or they changed."""
    if os.environ.get("PORTAL_NO_CACHE"):
        return None
    try:
        data = _own_bytes(_entry(paths))
        if data is None:
            return None
        head, _, body = data.partition(b"\n")
        known = json.loads(head)
        if known["reader"] != _reader() or known["digest"] != hashlib.sha256(body).hexdigest():
            return None
        documents = Documents()
        for each, (tree, marks) in zip(known["files"], _parts(known, body), strict=True):
            documents.take_in(_document(each, tree, marks))
        facts, model = known["facts"], body[len(body) - known["model"] :]
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError, ContractError):
        return None  # damaged, foreign, or of files that changed
    return Kept(documents, facts, model) if isinstance(facts, dict) else None


def _parts(known: Any, body: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    for each in known["files"]:
        middle, end = at + each["tree"], at + each["tree"] + each["marks"]
        yield body[at:middle], body[middle:end]
        at = end


def _document(known: Any, tree: bytes, marks: bytes) -> Document:
    """Raises ContractError or ValueError if the file cannot be read or has changed."""
    path, file, uri = Path(known["path"]) if known["path"] else None, str(known["file"]), str(known["uri"])
    base, digest, siblings = str(known["base"]), str(known["digest"]), known["keeps_siblings"] is True
    text = None  # no file: it was made from others
    if digest:
        if path is None or path.as_uri() != uri or Path(file).resolve() != path:
            raise ValueError(path)
        text = text_of(path, file, None)
        if digest_of(text) != digest:
            raise ValueError(path)
        held = opened(uri, file, base, digest)
        if held is not None and held.keeps_siblings is siblings:
            return held
    root, flat = json.loads(tree), array("I")
    flat.frombytes(marks)
    identifiers = identifiers_of(root, str(root) if text is None else text, base or uri)
    marked = later_marks(root, flat)
    return share(Document(uri, path, file, root, marked, base, identifiers, siblings, digest))


def keep(paths: Sequence[Path], documents: Documents, became: Callable[[], tuple[Facts, bytes]]) -> None:
    """Keep what a contract was read from, and what became of it: facts, and the model. Whatever stands
    against that: then it is read anew the next time."""
    if os.environ.get("PORTAL_NO_CACHE"):
        return
    with suppress(OSError, ValueError, TypeError):
        facts, model = became()
        entries, bodies = [], []
        for each in map(documents.document, documents):
            tree = json.dumps(each.tree, separators=(",", ":")).encode()
            marks = flattened(each.tree, each.marks).tobytes()
            entries.append(
                {
                    "uri": each.uri,
                    "path": str(each.path) if each.path else "",
                    "file": each.file,
                    "base": each.base,
                    "digest": each.digest,
                    "keeps_siblings": each.keeps_siblings,
                    "tree": len(tree),
                    "marks": len(marks),
                }
            )
            bodies += [tree, marks]
        body = b"".join((*bodies, model))
        digest = hashlib.sha256(body).hexdigest()
        known = {"reader": _reader(), "digest": digest, "files": entries, "facts": facts, "model": len(model)}
        if len(body) <= MAX_KEPT:
            _written(_entry(paths), json.dumps(known).encode() + b"\n" + body)


def _entry(paths: Sequence[Path]) -> Path:
    """The file for a contract, by where it is and how its user names it."""
    named = json.dumps([[str(path), str(path.resolve())] for path in paths])
    return cache_folder() / f"{hashlib.sha256(named.encode()).hexdigest()}.contract"


def _own_bytes(path: Path) -> bytes | None:
    """The bytes of a file that nobody else can write to; None for any other."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    handle = os.open(path, flags)
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode) or about.st_size > 2 * MAX_KEPT or not _is_ours(about):
            return None
        with suppress(OSError):
            os.utime(file.fileno() if os.utime in os.supports_fd else path)
        return file.read()


def _is_ours(about: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or (about.st_uid == os.geteuid() and not about.st_mode & 0o077)


def _written(path: Path, data: bytes) -> None:
    """Raises OSError; whoever reads meanwhile sees the old file or the new one whole."""
    folder = path.parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or not _is_ours(about):
        return
    handle, name = tempfile.mkstemp(dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except OSError:
        with suppress(OSError):
            Path(name).unlink()
        raise
    _bounded(folder)


def _bounded(folder: Path) -> None:
    found = []
    for each in folder.iterdir():
        with suppress(OSError):  # another process is at the same
            about = each.stat()
            found.append((about.st_mtime, about.st_size, each))
    whole = sum(size for _, size, _ in found)
    for _, size, path in sorted(found, key=lambda each: each[0]):
        if whole <= MAX_FOLDER:
            break
        with suppress(OSError):
            path.unlink()
            whole -= size
