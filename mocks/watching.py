"""Notices that a contract's files were edited, by looking at them: that works on every file system and with
every editor, those that replace a file too."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from harness.contract.model import Contract

EVERY = 0.025
"""Seconds between two looks; more where looking itself takes long."""

_SHARE = 20
"""How many times longer the pause is than the look before it."""

_BESIDE = ("*.yaml", "*.yml", "*.json")
_MOST = 2000
"""Files beside the contract's own that are watched."""

Stamps = dict[Path, tuple[int, int, int]]


def files_of(contract: Contract) -> list[Path]:
    """The local files that a contract was read from."""
    parts = (urlsplit(uri) for uri in contract.files)
    return [Path(unquote(each.path)) for each in parts if each.scheme == "file"]


def beside(files: Iterable[Path]) -> list[Path]:
    """All documents in the folders of these files: what a broken contract may refer to, and was not read."""
    folders = dict.fromkeys(file.parent for file in files)
    found = (each for folder in folders for pattern in _BESIDE for each in sorted(folder.glob(pattern)))
    return [each for each, _ in zip(found, range(_MOST), strict=False)]


def stamps(files: Iterable[Path]) -> Stamps:
    """What changes with every edit, of those files that are there."""
    return dict(_stamped(files))


def _stamped(files: Iterable[Path]) -> Iterator[tuple[Path, tuple[int, int, int]]]:
    for file in files:
        try:
            about = file.stat()
        except OSError:
            continue
        yield file, (about.st_mtime_ns, about.st_size, about.st_ino)


def pause_after(began: float) -> float:
    """Seconds to wait after a look that began then (monotonic)."""
    return max(EVERY, _SHARE * (time.monotonic() - began))
