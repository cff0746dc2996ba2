"""``portal bundle``: one self-contained document of a contract and all that it refers to."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from harness.cli.options import AllowRemote, Maps, sources_of, unwritable
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.contract.documents import Documents


def bundle(
    path: Annotated[
        Path,
        typer.Argument(metavar="PATH", help="A contract's document, or a service's folder that has one."),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write it. Default: standard output."),
    ] = None,
    format_: Annotated[
        Literal["yaml", "json"] | None,
        typer.Option(
            "--format", metavar="FORMAT", help="yaml or json. Default: by FILE's ending, else yaml."
        ),
    ] = None,
    allow_remote: AllowRemote = False,
    maps: Maps = None,
) -> None:
    """Write a contract and all that it refers to as one document that means the same.

    What stands in other files becomes components, their names kept where they are free; recursion stays a
    reference. Comments are lost. Documents that Arazzo names as sources stay where they are.
    """
    from harness.contract.bundling import bundled
    from harness.contract.documents import Documents, yaml_of
    from harness.contract.node import Node

    documents = Documents(sources_of(allow_remote, maps))
    file = _document(path)
    tree = bundled(Node.at(documents, documents.open(file, str(file))))
    as_json = format_ == "json" or (format_ is None and output is not None and output.suffix == ".json")
    text = json.dumps(tree, indent=2, ensure_ascii=False) + "\n" if as_json else yaml_of(tree)
    if output is None:
        sys.stdout.write(text)
    else:
        _write(output, text, documents)


def _document(path: Path) -> Path:
    """The document that a path names. Raises UsageError."""
    if path.is_file():
        return path
    if not path.is_dir():
        raise UsageError(str(path), "there is no such file or folder", "a contract", "Check the path.")
    found = [path / f"{name}{end}" for name in ("openapi", "asyncapi") for end in (".yaml", ".yml", ".json")]
    found = [each for each in found if each.is_file()]
    if len(found) != 1:
        names = " and ".join(each.name for each in found)
        what = f"there are {names}" if found else "there is no openapi.yaml or asyncapi.yaml"
        raise UsageError(str(path), what, "one document", "Name the document itself.")
    return found[0]


def _write(output: Path, text: str, documents: Documents) -> None:
    """Whole or not at all, and never over what was read. Raises UsageError."""
    if output.resolve().as_uri() in documents:
        raise UsageError(
            f"-o {output}", "the contract itself is read from this file", "another file", "Name a new file."
        )
    try:
        if output.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        handle, name = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            mask = os.umask(0)
            os.umask(mask)
            Path(name).chmod(0o666 & ~mask)
            Path(name).replace(output)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(f"-o {output}", error, "Name a file in a folder that exists") from error
