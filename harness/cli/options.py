"""Options that several commands take, and where contracts are found when none are named."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

import harness
from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.contract.model import System
    from harness.contract.sources import Sources

Contracts = Annotated[
    Path | None,
    typer.Option(
        "--contracts",
        metavar="FOLDER",
        help="The folder of contracts. Default: ./contracts, else those that come with Portal.",
    ),
]
Kafka = Annotated[
    str,
    typer.Option(
        "--kafka",
        metavar="KAFKA",
        help="Which Kafka: 'embedded' (a broker for this run), 'none', or a cluster's HOST:PORT; "
        "PORTAL_KAFKA_CONFIG names a file that says how a secured one is reached.",
    ),
]
ReadyFile = Annotated[
    Path | None,
    typer.Option(
        "--ready-file",
        metavar="FILE",
        help="Once all answer, write there where they listen, as JSON. What was there before is deleted.",
    ),
]
Host = Annotated[
    str,
    typer.Option(
        "--host", metavar="ADDRESS", help="Address to listen on. Beyond loopback it is at your own risk."
    ),
]
Jwks = Annotated[
    Path | None,
    typer.Option(
        "--jwks",
        metavar="FILE",
        help="Take tokens of somebody else's: the public keys of --issuer, as a JWK set (RFC 7517). "
        "Default: this machine's development key.",
    ),
]
IssuerName = Annotated[
    str | None,
    typer.Option("--issuer", metavar="ISSUER", help="With --jwks: what their tokens say as iss."),
]
Audience = Annotated[
    str | None,
    typer.Option(
        "--audience", metavar="AUDIENCE", help="With --jwks: what they say as aud. Default: portal."
    ),
]
PeerUrls = Annotated[
    list[str] | None,
    typer.Option(
        "--peer",
        metavar="SERVICE=URL",
        help="Where another service listens that these call; repeat it for several. "
        "Where those listen that run here is known.",
    ),
]
PeerToken = Annotated[
    Path | None,
    typer.Option(
        "--peer-token",
        metavar="FILE",
        help="With --jwks: the token by which these services show themselves to others, read at each call.",
    ),
]
Database = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="FOLDER",
        help="Keep each service's database in this folder. Default: forgotten at exit.",
    ),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        metavar="URL",
        help="Keep data in a PostgreSQL, e.g. postgresql://user@host/{service}, where {service} stands for "
        "each one's name. A password may come from PGPASSWORD or ~/.pgpass instead.",
    ),
]
OneDatabase = Annotated[
    bool,
    typer.Option(
        "--one-database",
        help="All services share the database of --database-url: each has a schema and a role of its own.",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Settings. Default: the nearest portal.toml, from the contract upwards."
    ),
]
Exchanges = Annotated[
    Path | None,
    typer.Option(
        "--exchanges",
        metavar="FILE",
        help="Append every HTTP exchange to this file, a JSON line each, tokens left out.",
    ),
]
AllowRemote = Annotated[
    bool,
    typer.Option(
        "--allow-remote", help="Fetch what contracts refer to on the Internet; it is kept for a day."
    ),
]
Maps = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="URL=PATH",
        help="Read this file, or what is in this folder, for addresses that begin with URL; repeat it.",
    ),
]


def sources_of(allow_remote: bool, maps: list[str] | None) -> Sources:
    """What contracts may refer to beside files. Raises UsageError."""
    from harness.contract.sources import Sources

    found: list[tuple[str, Path]] = []
    for value in maps or ():
        url, equals, path = value.rpartition("=")  # an address may hold one, in its query
        if not (url and equals and path):
            raise UsageError(
                f"--map {value}", "this is not URL=PATH", "e.g. --map https://example.com/=./copies"
            )
        if not Path(path).exists():
            raise UsageError(f"--map {value}", f"there is no '{path}'", "a file or folder", "Check the path.")
        found.append((url, Path(path)))
    if not allow_remote:
        return Sources(tuple(found))
    from harness.contract.remote import Remote
    from harness.serving.keys import default_state_dir

    return Sources(tuple(found), Remote(default_state_dir() / "documents"))


def reading(allow_remote: bool, maps: list[str] | None) -> list[str]:
    """The same as arguments of another command."""
    return [*(["--allow-remote"] if allow_remote else []), *(f"--map={value}" for value in maps or ())]


def contracts_folder(named: Path | None) -> Path:
    """The folder the user named, else ``./contracts``, else the shipped one. Raises UsageError."""
    if named is not None:
        if not named.exists():
            raise UsageError(
                str(named), "there is no such file or folder", "a folder of contracts", "Check the path."
            )
        return named
    here = Path("contracts")
    return here if here.is_dir() else Path(harness.__file__).parent.parent / "contracts"


def system_of(named: Path | None, sources: Sources) -> System:
    """All contracts of that folder. Raises ContractError, UsageError."""
    from harness.contract import load_system

    return load_system(contracts_folder(named), sources)


def chosen(system: System, services: list[str] | None) -> list[str]:
    """The named services, or all; an unknown name is an error that names the one that was meant."""
    for name in services or ():
        check_service(system, name, name)
    return list(dict.fromkeys(services)) if services else sorted(system.contracts)


def check_service(system: System, name: str, where: str) -> None:
    """Raises UsageError unless a contract of this name exists."""
    if name not in system.contracts:
        known = ", ".join(sorted(system.contracts)) or "none"
        raise UsageError(
            where,
            f"no contract in {system.folder} is named '{name}'",
            f"one of: {known}",
            suggestion(name, system.contracts) or "Check the spelling.",
        )


def suggestion(name: str, known: Iterable[str]) -> str:
    """``Did you mean '…'?`` if something known is like ``name``, else nothing."""
    from harness.contract.nearest import nearest

    meant = nearest(name, known)
    return f"Did you mean '{meant}'?" if meant is not None else ""


def urls(values: list[str] | None, option: str) -> dict[str, str]:
    """``SERVICE=URL`` options as a dict. Raises UsageError for anything else."""
    found: dict[str, str] = {}
    for value in values or ():
        name, equals, rest = value.partition("=")
        example = f"e.g. {option} scheduling=http://127.0.0.1:8080"
        if not (name and equals and rest):
            raise UsageError(f"{option} {value}", "this is not SERVICE=URL", example)
        if name in found:
            raise UsageError(f"{option} {value}", f"'{name}' is named twice", "one address a service")
        if not _is_url(rest):
            raise UsageError(f"{option} {value}", f"'{rest}' is not the URL of a service", example)
        found[name] = rest
    return found


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and not (parts.query or parts.fragment)
        )
    except ValueError:  # a port beyond 65535, a bracket without its pair
        return False


def creatable(file: Path, option: str) -> None:
    """Raises UsageError unless a file can be made there; nothing is left of the try."""
    try:
        handle, probe = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        os.close(handle)
        Path(probe).unlink()
    except OSError as error:
        raise unwritable(f"{option} {file}", error, "Name a file in a folder that exists") from error
    if file.is_dir():
        raise UsageError(f"{option} {file}", "this is a folder", "a file")


def writable_folder(folder: Path, option: str) -> None:
    """Make the folder if it does not exist. Raises UsageError unless files can be made in it."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{option} {folder}", "this is a file", "a folder, which is made if need be")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise unwritable(f"{option} {folder}", error, "Name a folder that you may write to") from error


def unwritable(where: str, error: OSError, remedy: str) -> UsageError:
    """What to say where writing fails."""
    return UsageError(where, f"it cannot be written: {error.strerror or error}", remedy=remedy)
