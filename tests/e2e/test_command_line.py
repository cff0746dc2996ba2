"""What every command has in common: help, width, pipes, missing packages, what is loaded when."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.e2e.portal import PORTAL, portal, running

COMMANDS = ("verify", "mock", "serve", "up", "lint", "manifests", "kafka", "token")


def test_alone_it_shows_its_help() -> None:
    ran = portal()
    assert ran.code == 0, ran.text
    assert all(command in ran.out for command in COMMANDS)
    assert portal("-h").out == ran.out


def test_version() -> None:
    ran = portal("--version")
    assert ran.code == 0
    assert ran.out.startswith("portal ")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples_and_fits_narrow_terminals(command: str) -> None:
    ran = portal(command, "--help", COLUMNS="60")
    assert ran.code == 0
    assert f"Usage: portal {command}" in ran.out
    assert "Examples" in ran.out
    assert "\x1b[" not in ran.out, "colour although NO_COLOR is set"
    assert "<bool>" not in ran.out
    assert not [line for line in ran.out.splitlines() if len(line) > 60]


def test_a_reader_that_goes_is_not_a_finding() -> None:
    """The pipe is closed before anything is written, as ``head`` may do at any time."""
    for arguments in (["--help"], ["lint"], ["verify", "--explain"]):
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            [*PORTAL, *arguments], stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
        os.close(writing)
        assert done.returncode == 141, (arguments, done)
        assert done.stderr == "", arguments


LOADED = """
import sys
from harness.cli.app import run
run({arguments})
print(sorted(name for name in {heavy} if name in sys.modules), file=sys.stderr)
"""
HEAVY = (
    "confluent_kafka",
    "connexion",
    "faker",
    "harness.contract",
    "httpx",
    "pact",
    "pydantic",
    "schemathesis",
)


@pytest.mark.parametrize("arguments", [["--help"], ["verify", "--help"], ["verify", "--bogus"]])
def test_help_and_usage_load_nothing_heavy(arguments: list[str]) -> None:
    source = LOADED.format(arguments=arguments, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"


WAITING = """
import sys
from pathlib import Path
from harness.contract import load
from mocks.mock import build_mock
mock = build_mock(load(Path("contracts/coverage")))
print(sorted(name for name in ("cryptography", "faker", "pydantic", "rich") if name in sys.modules))
"""


def test_a_mock_that_nobody_has_asked_holds_nothing_for_tokens(tmp_path: Path) -> None:
    """What reads keys takes 7 MiB: it is loaded when the first token comes, or where a key has to be made."""
    environment = {**os.environ, "PORTAL_STATE": str(tmp_path)}
    for loaded in ("['cryptography']", "[]"):
        done = subprocess.run(
            [sys.executable, "-c", WAITING],
            capture_output=True, text=True, check=True, cwd=ROOT, env=environment,
        )  # fmt: skip
        assert done.stdout.strip() == loaded


WITHOUT = """
import sys
sys.modules.update(dict.fromkeys({missing}))
from harness.cli.main import main
main({arguments})
"""


def without(missing: list[str], *arguments: str) -> list[str]:
    """The command line of a machine where these packages are not installed."""
    return [sys.executable, "-c", WITHOUT.format(missing=missing, arguments=list(arguments))]


def test_a_mock_needs_neither_database_nor_judges(
    contracts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = without(
        ["sqlalchemy", "schemathesis", "pact", "hypothesis", "openapi_core"],
        "mock", str(contracts / "coverage"), "--kafka", "none",
        "--ready-file", str(tmp_path / "ready.json"),
    )  # fmt: skip
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            _wait(tmp_path / "ready.json", process)
            url = json.loads((tmp_path / "ready.json").read_text())["services"]["coverage"]
            ran = subprocess.run(
                without(
                    ["sqlalchemy", "connexion", "uvicorn", "faker"], "verify", "--target", f"coverage={url}",
                    "--check", "http_properties", "--cases", "1", "--boundaries", "0.1",
                    "--report", str(tmp_path / "report"),
                ),
                capture_output=True, text=True, timeout=120, check=False,
            )  # fmt: skip
            assert ran.returncode == 0, ran.stdout + ran.stderr
        finally:
            process.terminate()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_what_the_budget_does_not_last_for_is_not_told_as_clean(
    contracts: Path, tmp_path: Path, jobs: str
) -> None:
    ran = portal(
        "verify", "coverage", "scheduling", "--contracts", str(contracts), "--target", "mock",
        "--kafka", "none", "--check", "http_properties", "--budget", "1", "--jobs", jobs,
        "--report", str(tmp_path / "report"),
    )  # fmt: skip
    assert ran.code == 2, ran.text
    assert "within 1 s; --budget SECONDS gives it more" in " ".join(ran.out.split())


def test_a_missing_package_is_named() -> None:
    done = subprocess.run(without(["jwt"], "token"), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "'jwt' is not installed" in done.stderr
    assert "pip install" in done.stderr
    assert done.stderr.count("\n") == 1


def test_listening_for_others_is_warned_of(contracts: Path, tmp_path: Path) -> None:
    mock = ["mock", str(contracts / "coverage"), "--kafka", "none", "--host"]
    everywhere, here = tmp_path / "everywhere", tmp_path / "here"
    everywhere.mkdir()
    here.mkdir()
    with running([*mock, "0.0.0.0"], everywhere):  # noqa: S104 - that is what is warned of
        assert "development" in (everywhere / "log.txt").read_text()
    with running([*mock, "::1"], here) as (_, ready):
        assert ready["services"]["coverage"].startswith("http://[::1]:")
        assert "development" not in (here / "log.txt").read_text()


def _wait(file: Path, process: subprocess.Popen[str], deadline: float = 60) -> None:
    import time

    end = time.monotonic() + deadline
    while not file.exists():
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        assert time.monotonic() < end, "not ready"
        time.sleep(0.02)
