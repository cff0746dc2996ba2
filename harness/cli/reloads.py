"""``portal mock --reload``: contracts are read anew when their files are edited."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.notes import note
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.contract.model import Contract, System
    from harness.contract.sources import Sources
    from mocks.reloading import Make, Reloading


def with_examples(system: System, folder: Path | None) -> System:
    """The system's only contract with recorded examples. Raises UsageError, ContractError."""
    from harness.contract.recorded import with_recorded

    if folder is None:
        return system
    if len(system.contracts) != 1:
        raise UsageError(f"--examples {folder}", "several contracts are mocked", "one contract")
    return replace(system, contracts={n: with_recorded(c, folder) for n, c in system.contracts.items()})


def reloading(
    contracts: Mapping[str, Contract],
    paths: Iterable[Path],
    sources: Sources,
    examples: Path | None,
    make: Make,
) -> list[Reloading]:
    """Mocks of these contracts, built but not started. ``paths`` are what the user named; ``examples`` is a
    folder of recorded pairs, which is watched as well."""
    from mocks.reloading import Reloading

    files = {path.resolve(): path for path in paths if path.is_file()}

    def also() -> Iterable[Path]:
        return () if examples is None else (examples, *examples.glob("*/*.json"))

    hosted = []
    for _, contract in sorted(contracts.items()):
        named = next((files[file] for file in _files(contract) if file in files), contract.folder)
        read = functools.partial(_read, named, sources, examples)
        hosted.append(Reloading(contract, read, make, _tell, also))
    return hosted


def _files(contract: Contract) -> list[Path]:
    from mocks.watching import files_of

    return files_of(contract)


def _read(path: Path, sources: Sources, examples: Path | None) -> Contract:
    from harness.contract import load
    from harness.contract.recorded import with_recorded

    contract = load(path, sources, kept=False)
    return with_recorded(contract, examples) if examples is not None else contract


def _tell(text: str) -> None:
    note(text)
