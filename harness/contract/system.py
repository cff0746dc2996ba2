"""From a file or folder to a ``Contract`` or a ``System``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.contract.arazzo import is_arazzo, read_arazzo
from harness.contract.arazzo_sources import Load
from harness.contract.asyncapi import Messaging, read_asyncapi
from harness.contract.cache import keep, recalled
from harness.contract.collecting import uncollected
from harness.contract.documents import Documents
from harness.contract.later import facts_of, later, model_of
from harness.contract.model import Contract, Persona, System
from harness.contract.model.workflows import WorkflowDocument
from harness.contract.nearest import did_you_mean
from harness.contract.node import Node
from harness.contract.openapi import Http, read_openapi
from harness.contract.references import check_references
from harness.contract.sources import LOCAL, Sources
from harness.errors import ContractError

_SUFFIXES = (".yaml", ".yml", ".json")


@uncollected()
def load(path: Path | str, sources: Sources = LOCAL, kept: bool = True) -> Contract:
    """One service's contract: its folder (``openapi.yaml``, ``asyncapi.yaml``), or one file alone.

    ``sources`` says what may be read beside files. Unless ``kept``, nothing is kept for the next time, which
    takes as long as reading what changed of a contract that is being edited. Raises ContractError with file
    and line for what cannot be read or leads nowhere.
    """
    path = Path(path)
    if path.is_file():
        return _remembered([path], path.parent, sources) or _alone(path, sources, kept=kept)
    if not path.is_dir():
        raise _missing(path)
    parts = parts_of(path)
    if not parts:
        raise ContractError(str(path), "there is no contract in this folder", "openapi.yaml or asyncapi.yaml")
    return _folder(path, sources, kept)


@uncollected()
def load_system(folder: Path | str, sources: Sources = LOCAL) -> System:
    """Every service below a folder, with ``personas.yaml``, ``pacts/`` and ``workflows/`` beside them.

    A service is a folder that holds ``openapi.yaml`` or ``asyncapi.yaml``. A file, or one service's folder,
    makes a system of one; an Arazzo document, or a folder of such, one of workflows alone. Raises
    ContractError.
    """
    root = Path(folder)
    if root.is_file():
        contract = _remembered([root], root.parent, sources)
        opened = _opened(root, sources) if contract is None else None
        if opened is not None and is_arazzo(opened):
            return System(root.parent, {}, workflows=(read_arazzo(opened, _loader({}, sources)),))
        contract = contract or _alone(root, sources, opened)
        return System(root.parent, {contract.service: contract})
    if not root.is_dir():
        raise _missing(root)
    if parts_of(root):
        contract = load(root, sources)
        contracts = {contract.service: contract}
        return System(root, contracts, workflows=tuple(_workflows(root, contracts, sources)))
    folders = [each for each in sorted(root.iterdir()) if each.is_dir() and parts_of(each)]
    contracts = {each.name: load(each, sources) for each in folders}
    workflows = tuple(_workflows(root, contracts, sources))
    if not contracts and not workflows:
        expected = "folders that hold openapi.yaml or asyncapi.yaml, one a service"
        raise ContractError(str(root), "there is no contract in this folder", expected)
    return system_of(root, contracts, workflows)


def system_of(
    root: Path, contracts: Mapping[str, Contract], workflows: tuple[WorkflowDocument, ...]
) -> System:
    """What was read of a folder, with the people and pacts in it. Raises ContractError."""
    return System(
        folder=root,
        contracts=contracts,
        personas=tuple(_personas(root)),
        pacts=tuple(sorted(root.glob("pacts/*.json"))),
        workflows=workflows,
    )


def _workflows(root: Path, contracts: Mapping[str, Contract], sources: Sources) -> Iterator[WorkflowDocument]:
    known = {each.folder.resolve(): each for each in contracts.values()}
    for path in workflow_files(root):
        yield load_workflows(path, known, sources)


def workflow_files(root: Path) -> list[Path]:
    """The Arazzo documents of a folder and of ``workflows/`` in it: ``*.arazzo.yaml``, ``arazzo.yaml``."""
    names = [f"{stem}{suffix}" for stem in ("arazzo", "*.arazzo") for suffix in _SUFFIXES]
    folders = (root, root / "workflows")
    return sorted({path for name in names for below in folders for path in below.glob(name)})


def load_workflows(path: Path, known: dict[Path, Contract], sources: Sources = LOCAL) -> WorkflowDocument:
    """One Arazzo document; ``known`` are the contracts read so far, by folder or file, and take what it adds.

    Raises ContractError.
    """
    return read_arazzo(_opened(path, sources), _loader(known, sources))


def _loader(known: dict[Path, Contract], sources: Sources) -> Load:
    """What turns an Arazzo document's sources into contracts: those of the system, others read once each."""

    def contract_of(root: Node, name: str) -> Contract:
        path = root.document.path or Path(root.document.uri)  # one from an address stands in no folder
        whole = path in (each.resolve() for each in parts_of(path.parent).values())
        key, folder = path.parent if whole else path, Path(root.document.file).parent
        if key not in known:
            known[key] = _folder(folder, sources) if whole else _contract([root], name, key)
        return known[key]

    return contract_of


def _missing(path: Path) -> ContractError:
    neighbours = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
    return ContractError(
        str(path), "there is nothing", "a contract's file or folder", did_you_mean(path.name, neighbours)
    )


def parts_of(folder: Path) -> dict[str, Path]:
    """The files that make up a service: format → path; empty for a folder that is none."""
    found = {}
    for name in ("openapi", "asyncapi"):
        for suffix in _SUFFIXES:
            path = folder / f"{name}{suffix}"
            if path.is_file() and name not in found:
                found[name] = path
    return found


def _opened(path: Path, sources: Sources) -> Node:
    documents = Documents(sources)
    return Node.at(documents, documents.open(path))


def _alone(path: Path, sources: Sources, opened: Node | None = None, kept: bool = True) -> Contract:
    whole = path.stem in ("openapi", "asyncapi")
    service = path.resolve().parent.name if whole else path.stem
    contract = _contract([opened or _opened(path, sources)], service, path.parent)
    if kept:
        _keep([path], contract)
    return contract


def _folder(folder: Path, sources: Sources, kept: bool = True) -> Contract:
    paths = list(parts_of(folder).values())
    known = _remembered(paths, folder, sources)
    if known:
        return known
    documents = Documents(sources)
    roots = [Node.at(documents, documents.open(path)) for path in paths]
    contract = _contract(roots, folder.resolve().name, folder)
    if kept:
        _keep(paths, contract)
    return contract


def _remembered(paths: list[Path], folder: Path, sources: Sources) -> Contract | None:
    """The contract that these files made when they were last read, if nothing has changed since."""
    kept = recalled(paths) if sources == LOCAL else None
    if kept is None:
        return None
    documents, facts = kept.documents, kept.facts
    try:
        roots = [Node.at(documents, documents.document(path.resolve().as_uri())) for path in paths]
        return later(
            facts, kept.model, folder, documents, lambda: _read(roots, str(facts["service"]), folder)
        )
    except (KeyError, TypeError, ValueError):
        return None  # kept by somebody else


def _keep(paths: list[Path], contract: Contract) -> None:
    documents = contract.documents
    if isinstance(documents, Documents) and documents.sources == LOCAL:
        keep(paths, documents, lambda: (facts_of(contract), model_of(contract, documents)))


def _contract(roots: list[Node], service: str, folder: Path) -> Contract:
    for root in roots:
        check_references(root)
    return _read(roots, service, folder)


def _read(roots: list[Node], service: str, folder: Path) -> Contract:
    http, messaging = Http(), Messaging()
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
        message_servers=messaging.servers,
        schemas={**messaging.schemas, **http.schemas},
        lifecycles=http.lifecycles,
        security_schemes={**messaging.security_schemes, **http.security_schemes},
        documents=roots[0].documents,
        files=roots[0].documents.files,
        webhooks=http.webhooks,
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
