"""The folder that ``--data`` names: databases that outlive a run, and who may work on them."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.cli.options import unwritable, writable_folder
from harness.errors import UsageError

LOCK = ".in-use"


@contextmanager
def held(folder: Path | None, kafka: str) -> Iterator[None]:
    """The folder is ours for as long as the context is open, or ours among others.

    Several processes may serve the same databases as replicas if they share a broker. With a broker of its
    own each would publish a part of the events where the other's services cannot see them, so then only
    one may. Raises UsageError.
    """
    if folder is None:
        yield
        return
    writable_folder(folder, "--data")
    try:
        file = (folder / LOCK).open("w")
    except OSError as error:
        raise unwritable(f"--data {folder}", error, "Name a folder that you may write to") from error
    with file:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if kafka == "embedded" else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(
                f"--data {folder}",
                "another process works on these databases, and the two do not share a broker",
                "one process a folder, or replicas that all have the same --kafka HOST:PORT",
                "End the other one, name another folder, or run portal kafka and join it",
            ) from None
        yield
