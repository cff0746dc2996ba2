"""Where contracts are found by the names that a test gives them; each is read once."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, urlsplit

from harness.contract import load, load_system
from harness.contract.model import Channel, Contract
from harness.contract.nearest import did_you_mean
from harness.errors import UsageError

_SHIPPED = Path(__file__).parent.parent / "contracts"

_Stamps = tuple[tuple[str, int, int], ...]


class Shelf:
    """Contracts by name or path.

    ``folder`` is where names are looked up; None takes ``here``'s own ``contracts`` folder, else those that
    come with Portal.
    """

    def __init__(self, folder: Path | None, here: Path) -> None:
        own = here / "contracts"
        self.folder = folder or (own if own.is_dir() else _SHIPPED)
        self._here = here
        self._read: dict[Path, tuple[_Stamps, Contract]] = {}

    def contract(self, named: str | Path) -> Contract:
        """The contract of a service of the folder, or at a path. Raises UsageError, ContractError."""
        path = self._path(named)
        known = self._read.get(path)
        if known is not None and known[0] == _stamps(known[1]):
            return known[1]
        contract = load(path)
        self._read[path] = (_stamps(contract), contract)
        return contract

    @cached_property
    def channels(self) -> tuple[Channel, ...]:
        """The topics of all contracts of the folder. Raises ContractError."""
        return tuple(load_system(self.folder).topics.values())

    def _path(self, named: str | Path) -> Path:
        inside = self.folder / named
        if isinstance(named, str) and "/" not in named and inside.is_dir():
            return inside.resolve()
        path = self._here / named
        if path.exists():
            return path.resolve()
        names = [each.name for each in self.folder.iterdir() if each.is_dir()] if self.folder.is_dir() else []
        raise UsageError(
            str(named),
            f"there is no such service in {self.folder}, nor such a file or folder",
            "a service's name, or the path of its contract",
            did_you_mean(str(named), names),
        )


def _stamps(contract: Contract) -> _Stamps:
    """When the files of a contract were changed last: an edited one is read anew."""
    found = []
    for uri in contract.files:
        try:
            about = Path(unquote(urlsplit(uri).path)).stat()
        except OSError:
            found.append((uri, 0, 0))
        else:
            found.append((uri, about.st_mtime_ns, about.st_size))
    return tuple(found)
