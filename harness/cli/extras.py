"""Which parts of Portal are installed, by its extras, and what to install where one is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import metadata

from harness.errors import UsageError

DISTRIBUTION = "portal-harness"
_OURS = frozenset({"harness", "mocks", "reference_services", "contracts"})
_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)\s*(?:\[(?P<extras>[^\]]*)\])?.*?(?:extra\s*==\s*['\"](?P<for>[^'\"]+)['\"])?$"
)


def version() -> str:
    """The installed version."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "(not installed, run from its source)"


def need(command: str, *extras: str) -> None:
    """Raises UsageError if a package that one of these extras asks for is not installed.

    Says so before anything is started, with all that is missing. Says nothing where Portal runs from its
    source without being installed.
    """
    missing = sorted({name for extra in extras for name in _packages(extra) if not _installed(name)})
    if missing:
        wanted = ",".join(extras)
        raise UsageError(
            command,
            f"it needs packages that are not installed: {', '.join(missing)}",
            f"Portal with its {' and '.join(extras)} part{'s' if len(extras) > 1 else ''}",
            f"Install it: pip install '{DISTRIBUTION}[{wanted}]', or in a clone of Portal: "
            f"pip install '.[{wanted}]'",
        )


def missing_package(error: ModuleNotFoundError) -> str | None:
    """The advice for a package that is missing; None if the missing module is one of our own."""
    package = (error.name or "").partition(".")[0]
    if not package or package in _OURS:
        return None
    return (
        f"the Python package that provides '{package}' is not installed. "
        f"Install all of Portal: pip install '{DISTRIBUTION}', or in a clone of Portal: pip install ."
    )


def _packages(extra: str) -> Iterator[str]:
    """The distributions that an extra asks for, also through other extras."""
    try:
        requirements = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return
    for requirement in requirements:
        parts = _REQUIREMENT.match(requirement.strip())
        if parts is None or parts["for"] != extra:
            continue
        if parts["name"] == DISTRIBUTION:
            for inner in (parts["extras"] or "").split(","):
                yield from _packages(inner.strip())
        else:
            yield parts["name"]


def _installed(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
