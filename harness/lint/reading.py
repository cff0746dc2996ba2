"""From paths to what rules judge: the model of what can be read, and whatever can at least be parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.contract import load
from harness.contract.documents import Documents
from harness.contract.model import Contract, Place, System
from harness.contract.model.workflows import WorkflowDocument
from harness.contract.node import Node
from harness.contract.sources import LOCAL, Sources
from harness.contract.system import load_workflows, parts_of, system_of, workflow_files
from harness.errors import ContractError, UsageError
from harness.findings import Finding
from harness.lint.source import Format, Source, format_of, sources_of

UNREADABLE = "unreadable"
"""The rule, not to be switched off, of what the reader refuses."""

_SUFFIXES = frozenset((".yaml", ".yml", ".json"))
_DEEPEST = 6
_HEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Refusal:
    """A contract that the reader refuses: ``path`` is its file or folder."""

    service: str
    path: Path
    error: ContractError

    @property
    def finding(self) -> Finding:
        return Finding(
            check=f"lint/{UNREADABLE}",
            service=self.service,
            operation="",
            title="this contract cannot be read",
            received=self.error.found,
            documented=" ".join(part for part in (self.error.expected, self.error.remedy) if part),
            where=_place(self.error.where, self.path),
        )


@dataclass(slots=True)
class Subject:
    """What there is to judge, of all paths together."""

    system: System
    sources: list[Source] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def read(paths: list[Path], allowed: Sources = LOCAL) -> Subject:
    """Everything below the paths; what is refused does not keep the rest from being read.

    ``allowed`` says what may be read beside files. Raises UsageError if there is nothing,
    ContractError if nothing there is a contract.
    """
    reading = _Reading(Subject(System(paths[0], {})), allowed)
    for path in paths:
        if not path.exists():
            raise UsageError(str(path), "there is no such file or folder", "a contract", "Check the path")
        contracts = [path] if path.is_file() else list(_contracts(path))
        workflows = workflow_files(path) if path.is_dir() else []
        if not contracts and not workflows:
            expected = "OpenAPI, AsyncAPI or Arazzo documents in it"
            raise ContractError(str(path), "there is no contract in this folder", expected)
        for each in dict.fromkeys((*contracts, *workflows)):
            reading.take(each)
    return reading.finish(paths[0])


@dataclass(slots=True)
class _Reading:
    subject: Subject
    allowed: Sources
    contracts: dict[str, Contract] = field(default_factory=dict)
    arazzo: list[tuple[Path, Source]] = field(default_factory=list)

    def take(self, path: Path) -> None:
        """A contract; Arazzo documents wait until all contracts are there."""
        if path.is_file() and _says(path, "arazzo"):
            found = [(path, Source(path.stem, root, *each)) for root, each in _parsed(path, self.allowed)]
            self.arazzo += [each for each in found if each[1].format == "arazzo"]
            if found:
                return
        try:
            contract = load(path, self.allowed)
        except ContractError as error:
            service = path.resolve().stem
            self.subject.sources += [
                Source(service, root, *found) for root, found in _parsed(path, self.allowed)
            ]
            self.refuse(Refusal(service, path, error))
        else:
            name = contract.service
            self.contracts[name if name not in self.contracts else f"{name} ({path})"] = contract
            self.subject.sources += sources_of(contract)

    def refuse(self, refusal: Refusal) -> None:
        """Once, where a workflow stumbles over a contract that is refused already."""
        if all(each.error.paragraph() != refusal.error.paragraph() for each in self.subject.refused):
            self.subject.refused.append(refusal)

    def finish(self, root: Path) -> Subject:
        known = {each.folder.resolve(): each for each in self.contracts.values()}
        workflows: list[WorkflowDocument] = []
        for path, source in self.arazzo:
            self.subject.sources.append(source)
            try:
                workflows.append(load_workflows(path, known, self.allowed))
            except ContractError as error:
                self.refuse(Refusal(source.service, path, error))
        folder = root if root.is_dir() else root.parent
        try:
            self.subject.system = system_of(folder, self.contracts, tuple(workflows))
        except ContractError as error:
            self.refuse(Refusal("people", folder, error))
            self.subject.system = System(folder, self.contracts, workflows=tuple(workflows))
        return self.subject


def _contracts(folder: Path, depth: int = 0) -> Iterator[Path]:
    """Folders that are services, and elsewhere every file that says it is a contract."""
    if parts_of(folder):
        yield folder
        return
    inside = sorted(folder.iterdir())
    yield from (each for each in inside if each.is_file() and _is_contract(each))
    for each in inside:
        if each.is_dir() and not each.name.startswith((".", "node_modules")) and depth < _DEEPEST:
            yield from _contracts(each, depth + 1)


def _is_contract(path: Path) -> bool:
    return path.suffix in _SUFFIXES and _says(path, "openapi|swagger|asyncapi|arazzo")


def _says(path: Path, words: str) -> bool:
    """Whether one of the words is a key at the beginning of a line, or of the whole if it is JSON."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD).removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="replace")
    except OSError:
        return False  # whoever reads it will say why
    if head.lstrip().startswith("{"):
        return re.search(rf'"({words})"\s*:\s*"', head) is not None
    return re.search(rf"""^["']?({words})["']?\s*:""", head, re.MULTILINE) is not None


def _parsed(path: Path, allowed: Sources) -> Iterator[tuple[Node, tuple[Format, tuple[int, int]]]]:
    """The documents of a contract that the reader refuses, as far as they are YAML or JSON."""
    documents = Documents(allowed)
    for each in [path] if path.is_file() else parts_of(path).values():
        try:
            root = Node.at(documents, documents.open(each))
        except ContractError:
            continue
        found = format_of(root)
        if found is not None:
            yield root, found


def _place(where: str, path: Path) -> Place:
    file, _, line = where.rpartition(":")
    return Place(file, int(line)) if file and line.isdecimal() else Place(where or str(path), 1)
