"""Holds the walls of the house: who may import whom, where yaml is read, how long things get."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.architecture import rules
from tests.architecture.rules import Module
from tests.conftest import ROOT

Rule = Callable[[Module], Iterator[str]]
RULES: tuple[Rule, ...] = (
    rules.forbidden_imports,
    rules.checks_that_know_each_other,
    rules.yaml_elsewhere,
    rules.unnamed_things,
    rules.too_long,
)


@pytest.fixture(scope="module")
def house() -> list[Module]:
    return rules.modules(ROOT)


def rule_name(rule: Rule) -> str:
    return rule.__name__


@pytest.mark.parametrize("rule", RULES, ids=rule_name)
def test_the_house_keeps_the_rule(rule: Rule, house: list[Module]) -> None:
    assert len(house) > 20
    broken = [complaint for module in house for complaint in rule(module)]
    assert not broken, "\n".join(broken)


def test_long_functions_are_the_exception(house: list[Module]) -> None:
    sizes = [(length, f"{module.path}:{line}") for module in house for line, _, length in module.functions()]
    long = sorted(size for size in sizes if size[0] > rules.LONG_FUNCTION)
    assert len(long) <= len(sizes) * 0.02, "\n".join(f"{where}: {length} lines" for length, where in long)


def test_every_folder_of_tests_is_a_package(house: list[Module]) -> None:
    folders = {module.path.parent for module in house if module.name.startswith("tests")}
    assert not [str(folder) for folder in folders if not (folder / "__init__.py").exists()]


BREACHES: tuple[tuple[Rule, str, str], ...] = (
    (rules.forbidden_imports, "mocks/answers.py", "from reference_services.platform import work"),
    (rules.forbidden_imports, "mocks/answers.py", "import harness.checks.events"),
    (rules.forbidden_imports, "reference_services/coverage/handlers.py", "from mocks.mock import build_mock"),
    (rules.forbidden_imports, "harness/errors.py", "from harness.contract.model import Place"),
    (rules.forbidden_imports, "harness/contract/openapi.py", "from harness import findings"),
    (rules.forbidden_imports, "harness/contract/openapi.py", "from ..kafka import wire"),
    (rules.forbidden_imports, "harness/kafka/wire.py", "import harness.contract.schema"),
    (
        rules.forbidden_imports,
        "harness/serving/app.py",
        "def late():\n    from harness.findings import Finding",
    ),
    (rules.forbidden_imports, "harness/lint/lint.py", "from harness.checks.check import Check"),
    (rules.forbidden_imports, "harness/attic/thing.py", "import harness.errors"),
    (rules.checks_that_know_each_other, "harness/checks/events.py", "from harness.checks import paging"),
    (rules.checks_that_know_each_other, "harness/checks/events.py", "from harness.checks.paging import run"),
    (rules.yaml_elsewhere, "mocks/answers.py", "import yaml"),
    (rules.yaml_elsewhere, "harness/contract/openapi.py", "from yaml.nodes import Node"),
    (rules.unnamed_things, "mocks/utils.py", ""),
    (rules.unnamed_things, "harness/helpers/text.py", ""),
    (rules.too_long, "mocks/answers.py", "\n" * 401),
    (rules.too_long, "mocks/answers.py", "def f():\n" + "    x = 1\n" * 60),
)


@pytest.mark.parametrize(("rule", "path", "source"), BREACHES)
def test_a_breach_is_seen(rule: Rule, path: str, source: str, tmp_path: Path) -> None:
    assert list(rule(_module(tmp_path, path, source)))


KEPT: tuple[tuple[Rule, str, str], ...] = (
    (
        rules.forbidden_imports,
        "mocks/answers.py",
        "from harness.serving import problems\nimport mocks.echo, httpx",
    ),
    (rules.forbidden_imports, "harness/cli/mock.py", "from mocks.mock import build_mock"),
    (rules.forbidden_imports, "harness/contract/model/http.py", "from dataclasses import dataclass"),
    (rules.checks_that_know_each_other, "harness/checks/events.py", "from harness.checks.check import Check"),
    (rules.checks_that_know_each_other, "harness/checks/__init__.py", "from harness.checks import events"),
    (rules.yaml_elsewhere, "harness/contract/documents.py", "import yaml"),
    (rules.unnamed_things, "harness/cli/database.py", ""),
    (rules.too_long, "mocks/answers.py", "def f():\n" + "    x = 1\n" * 59),
)


@pytest.mark.parametrize(("rule", "path", "source"), KEPT)
def test_what_is_allowed_passes(rule: Rule, path: str, source: str, tmp_path: Path) -> None:
    assert not list(rule(_module(tmp_path, path, source)))


def _module(root: Path, path: str, source: str) -> Module:
    file = root / path
    file.parent.mkdir(parents=True)
    file.write_text(source, encoding="utf-8")
    return Module(root, file)
