"""From a file or folder to a ``Contract`` or a ``System``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.contract.asyncapi import Messaging, read_asyncapi
from harness.contract.documents import Documents
from harness.contract.model import Contract, Persona, System
from harness.contract.nearest import did_you_mean
from harness.contract.node import Node
from harness.contract.openapi import Http, read_openapi
from harness.contract.references import check_references
from harness.errors import ContractError

_SUFFIXES = (".yaml", ".yml", ".json")


def load(path: Path | str) -> Contract:
    """One service's contract: its folder (``openapi.yaml``, ``asyncapi.yaml``), or one file alone.

    Raises ContractError with file and line for what cannot be read or leads nowhere.
    """
    path = Path(path)
    if path.is_file():
        alone = path.stem in ("openapi", "asyncapi")
        return _read([path], path.resolve().parent.name if alone else path.stem, path.parent)
    if not path.is_dir():
        raise _missing(path)
    parts = _parts(path)
    if not parts:
        raise ContractError(str(path), "there is no contract in this folder", "openapi.yaml or asyncapi.yaml")
    return _read(list(parts.values()), path.resolve().name, path)


def load_system(folder: Path | str) -> System:
    """Every service below a folder, with ``personas.yaml``, ``pacts/`` and ``workflows/`` beside them.

    A service is a folder that holds ``openapi.yaml`` or ``asyncapi.yaml``. A file, or one service's folder,
    makes a system of one. Raises ContractError.
    """
    root = Path(folder)
    if root.is_file() or _parts(root):
        contract = load(root)
        return System(root if root.is_dir() else root.parent, {contract.service: contract})
    if not root.is_dir():
        raise _missing(root)
    folders = [each for each in sorted(root.iterdir()) if each.is_dir() and _parts(each)]
    if not folders:
        expected = "folders that hold openapi.yaml or asyncapi.yaml, one a service"
        raise ContractError(str(root), "there is no contract in this folder", expected)
    contracts = [load(each) for each in folders]
    return System(
        folder=root,
        contracts={contract.service: contract for contract in contracts},
        personas=tuple(_personas(root)),
        pacts=tuple(sorted(root.glob("pacts/*.json"))),
        workflows=tuple(sorted(path for end in _SUFFIXES for path in root.glob(f"workflows/*.arazzo{end}"))),
    )


def _missing(path: Path) -> ContractError:
    neighbours = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
    return ContractError(
        str(path), "there is nothing", "a contract's file or folder", did_you_mean(path.name, neighbours)
    )


def _parts(folder: Path) -> dict[str, Path]:
    """The files that make up a service: format → path."""
    found = {}
    for name in ("openapi", "asyncapi"):
        for suffix in _SUFFIXES:
            path = folder / f"{name}{suffix}"
            if path.is_file() and name not in found:
                found[name] = path
    return found


def _read(paths: list[Path], service: str, folder: Path) -> Contract:
    documents, http, messaging = Documents(), Http(), Messaging()
    roots = [Node.at(documents, documents.open(path)) for path in paths]
    for root in roots:
        check_references(root)
    for root in roots:
        if "openapi" in root.mapping() or "swagger" in root.mapping():
            http = read_openapi(root)
        elif "asyncapi" in root.mapping():
            messaging = read_asyncapi(root, http.lifecycles)
        else:
            raise root.error("this is neither OpenAPI nor AsyncAPI", "'openapi:' or 'asyncapi:' at its top")
    return Contract(
        service=service,
        title=http.title or messaging.title or service,
        version=http.version or messaging.version,
        folder=folder,
        operations=http.operations,
        channels=messaging.channels,
        message_operations=messaging.operations,
        schemas={**messaging.schemas, **http.schemas},
        lifecycles=http.lifecycles,
        security_schemes=http.security_schemes,
        documents=documents,
        files=documents.files,
    )


def _personas(folder: Path) -> Iterator[Persona]:
    path = folder / "personas.yaml"
    if not path.is_file():
        return
    documents = Documents()
    root = Node.at(documents, documents.open(path))
    listed = root.raw("personas")
    for node in listed.entries() if listed else ():
        missing = [key for key in ("key", "id", "name") if not node.text(key)]
        if missing:
            raise node.error(f"a persona has no {', '.join(missing)}", "key, id, name and story")
        yield Persona(
            key=node.text("key"),
            id=node.text("id"),
            name=node.text("name"),
            story=node.text("story"),
            facts=node.mapping(),
            place=node.place,
        )
