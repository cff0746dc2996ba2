"""The rules of the house, read from the source with ``ast``; nothing is imported to judge it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PACKAGES = ("harness", "mocks", "reference_services", "tests")

OURS = ("harness", "mocks", "reference_services", "tests")

_CONTRACT = ("harness.contract", "harness.errors")
_CHECKING = (*_CONTRACT, "harness.findings", "harness.kafka", "harness.target")
_SERVING = (*_CONTRACT, "harness.kafka", "harness.serving")

ALLOWED: Mapping[str, tuple[str, ...]] = {
    "harness.contract.model": ("harness.contract.model",),
    "harness.errors": (),
    "harness.processes": ("harness.errors",),
    "harness.findings": ("harness.contract.model",),
    "harness.settings": ("harness.contract.nearest", "harness.errors"),
    "harness.contract": _CONTRACT,
    "harness.kafka": ("harness.contract.model", "harness.errors", "harness.processes", "harness.kafka"),
    "harness.target": ("harness.contract.model", "harness.errors", "harness.kafka.broker"),
    "harness.serving": _SERVING,
    "harness.driving": (*_CONTRACT, "harness.kafka", "harness.target", "harness.driving"),
    "harness.checks": (*_CHECKING, "harness.driving", "harness.checks"),
    "harness.lint": (*_CHECKING, "harness.settings", "harness.lint"),
    "harness.diff": (*_CHECKING, "harness.diff"),
    "harness.workflow": (*_CHECKING, "harness.workflow"),
    "harness.watch": (*_CHECKING, "harness.watch"),
    "harness.runner": (
        "harness.checks",
        "harness.findings",
        "harness.contract.model",
        "harness.target",
        "harness.errors",
    ),
    "harness.reports": ("harness.findings", "harness.reports"),
    "mocks": (*_SERVING, "harness.findings", "mocks"),
    "mocks.proxy": (*_SERVING, "harness.driving.curl", "harness.findings", "mocks"),
    "reference_services": (*_SERVING, "reference_services"),
    "harness.cli": ("harness", "mocks", "reference_services"),
    "tests": OURS,
}
"""What each part of the house may import of the house; the longest name that fits is the part."""

YAML_READER = "harness.contract.documents"
NO_NAMES = frozenset({"util", "utils", "common", "helper", "helpers", "base", "misc"})
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
LONG_FUNCTION = 40


def within(name: str, package: str) -> bool:
    """Whether a dotted name is a package or stands in it."""
    return name == package or name.startswith(f"{package}.")


@dataclass(frozen=True)
class Module:
    """One source file. ``name`` is dotted, without ``__init__``."""

    root: Path
    path: Path

    @cached_property
    def name(self) -> str:
        parts = self.path.relative_to(self.root).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    def imports(self) -> Iterator[tuple[int, str]]:
        """(line, dotted name) of every import anywhere in the file, ``from a import b`` as ``a.b``."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                origin = self._origin(node)
                yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.name.split(".") if self.path.stem == "__init__" else self.name.split(".")[:-1]
        above = package[: len(package) - node.level + 1]
        return ".".join((*above, *((node.module,) if node.module else ())))

    def functions(self) -> Iterator[tuple[int, str, int]]:
        """(line, name, length in lines) of every function, the inner ones too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.lineno, node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def modules(root: Path) -> list[Module]:
    """Every Python file of the house."""
    return [Module(root, path) for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]


def part_of(name: str) -> str | None:
    """The part of the house that a module belongs to, or None if the table does not know it."""
    fitting = [part for part in ALLOWED if within(name, part)]
    return max(fitting, key=len, default=None)


def forbidden_imports(module: Module) -> Iterator[str]:
    """Imports inside the house that the table does not allow."""
    part = part_of(module.name)
    for line, name in module.imports():
        if not any(within(name, ours) for ours in OURS):
            continue
        if part is None:
            yield f"{module.path}:{line}: {module.name} belongs to no part of the house"
        elif not any(within(name, allowed) for allowed in ALLOWED[part]):
            yield f"{module.path}:{line}: {part} may not import {name}"


def checks_that_know_each_other(module: Module) -> Iterator[str]:
    """A check may import the shared ``check`` and its own package, never another check."""
    own = ".".join(module.name.split(".")[:3])
    if not within(module.name, "harness.checks") or own == "harness.checks":
        return
    for line, name in module.imports():
        other = ".".join(name.split(".")[:3])
        if within(name, "harness.checks") and other not in ("harness.checks.check", own):
            yield f"{module.path}:{line}: {own} may not import {other}"


def yaml_elsewhere(module: Module) -> Iterator[str]:
    """Imports of ``yaml`` outside the one reader."""
    if module.name != YAML_READER:
        for line, name in module.imports():
            if within(name, "yaml"):
                yield f"{module.path}:{line}: only {YAML_READER} may import yaml"


def unnamed_things(module: Module) -> Iterator[str]:
    """Files and folders whose names say nothing."""
    for part in module.name.split("."):
        if part.strip("_") in NO_NAMES:
            yield f"{module.path}: '{part}' is no name"


def too_long(module: Module) -> Iterator[str]:
    """Files and functions over the hard limits."""
    lines = module.text.count("\n")
    if lines > LONGEST_FILE:
        yield f"{module.path}: {lines} lines, at most {LONGEST_FILE}"
    for line, name, length in module.functions():
        if length > LONGEST_FUNCTION:
            yield f"{module.path}:{line}: {name} has {length} lines, at most {LONGEST_FUNCTION}"
