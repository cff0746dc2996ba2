"""The Dockerfile, as far as a file can be held to anything where there is no engine that builds it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from harness.cli.app import run
from harness.cli.hosting import CONTAINER
from harness.cli.kubernetes import USER, WRITABLE
from tests.conftest import ROOT
from tests.e2e.portal import running
from tests.ports import free_port

TEXT = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
STEPS = [tuple(line.split(maxsplit=1)) for line in TEXT.splitlines() if line and not line.startswith("#")]


def said(name: str) -> list[str]:
    """What follows an instruction, each time that it is there."""
    return [rest for word, rest in STEPS if word == name]


def array(text: str) -> list[str]:
    """The exec form, which needs no shell."""
    found: Any = json.loads(text)
    assert isinstance(found, list)
    return found


def final() -> dict[str, str]:
    """The environment of the last stage."""
    return dict(part.partition("=")[::2] for part in shlex.split(said("ENV")[-1]))


def test_its_python_is_one_that_is_tested() -> None:
    (version,) = [rest.removeprefix("PYTHON=") for rest in said("ARG")]
    tested = re.findall(r"py(3)(\d+)", (ROOT / "tox.ini").read_text())
    assert version in {f"{major}.{minor}" for major, minor in tested}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    least = project["requires-python"].removeprefix(">=")
    assert [int(part) for part in version.split(".")] >= [int(part) for part in least.split(".")]
    assert [rest.partition(" ")[0] for rest in said("FROM")] == ["python:${PYTHON}-slim"] * 2


def test_what_it_copies_is_there_and_is_all_that_is_sent() -> None:
    sources = {name for rest in said("COPY") if not rest.startswith("--from") for name in rest.split()[:-1]}
    assert sources >= {
        "constraints.txt",
        "pyproject.toml",
        "contracts",
        "harness",
        "mocks",
        "reference_services",
    }
    for name in sources:
        assert (ROOT / name).exists(), name
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in ignored if line and not line.startswith("#")]
    assert rules[0] == "*", "what is not named is not sent: no key, no report, no history"
    assert {line[1:] for line in rules if line.startswith("!")} == sources


def test_what_is_installed_is_what_the_tests_are_run_with() -> None:
    (install,) = [array(rest) for rest in said("RUN") if "pip" in rest]
    assert install[install.index("--constraint") + 1] == "constraints.txt"
    assert install[-1] == ".[telemetry]"


def test_nobody_is_root_and_nothing_needs_a_shell() -> None:
    assert said("USER") == [f"{USER}:{USER}"]
    assert [word for word, _ in STEPS].index("USER") < [word for word, _ in STEPS].index("ENTRYPOINT")
    for rest in (*said("RUN"), *said("ENTRYPOINT"), *said("CMD")):
        assert array(rest), rest
    environment = final()
    assert environment["HOME"] == WRITABLE
    assert Path(environment["PORTAL_STATE"]).is_relative_to(WRITABLE)
    assert environment[CONTAINER]


def test_what_it_starts_starts() -> None:
    entry, default = array(said("ENTRYPOINT")[-1]), array(said("CMD")[-1])
    program = Path(sys.executable).parent / entry[0]
    if not program.exists():
        pytest.skip("portal is not installed beside this Python")
    done = subprocess.run(
        [program, *entry[1:], *default], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Usage: portal" in done.stdout


def health(port: int) -> int:
    """The health check as written, at another port."""
    (rest,) = said("HEALTHCHECK")
    words = array(rest.partition("CMD ")[2])
    assert words[0] == "python"
    assert said("EXPOSE") == ["8080"]
    code = [word.replace("8080", str(port)) for word in words[1:]]
    assert code != words[1:]
    return subprocess.run(
        [sys.executable, *code], timeout=30, check=False, stderr=subprocess.DEVNULL
    ).returncode


def test_its_health_check_tells_the_well_from_the_dead(tmp_path: Path, contracts: Path) -> None:
    port = free_port()
    assert health(port) != 0
    with running(["serve", "coverage", "--kafka", "none", "--port", str(port)], tmp_path):
        assert health(port) == 0
    with running(["mock", str(contracts / "coverage"), "--kafka", "none", "--port", str(port)], tmp_path):
        assert health(port) == 0


@pytest.mark.parametrize(
    ("container", "host", "told"),
    [("1", "127.0.0.1", True), ("1", "0.0.0.0", False), ("", "127.0.0.1", False)],  # noqa: S104
)
def test_in_a_container_it_says_that_nobody_reaches_it(
    container: str, host: str, told: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is started, which here ends at an address that is none."""
    assert final()[CONTAINER] == "1"
    monkeypatch.setenv(CONTAINER, container)
    assert run(["mock", str(ROOT / "contracts/provider-directory"), "--kafka", "no", "--host", host]) == 2
    err = capsys.readouterr().err
    assert "this is no address" in err
    assert ("this container's own" in err and "--host 0.0.0.0" in err) is told


def test_services_have_ports_in_a_row(tmp_path: Path) -> None:
    for name in ("shared", "provider-directory"):
        shutil.copytree(ROOT / "contracts" / name, tmp_path / "contracts" / name)
    shutil.copytree(tmp_path / "contracts/provider-directory", tmp_path / "contracts/another")
    port = free_port()
    command = ["up", "--contracts", str(tmp_path / "contracts"), "--kafka", "none", "--port", str(port)]
    with running([*command, "--mock", "another"], tmp_path) as (_, ready):
        assert ready["services"] == {
            "another": f"http://127.0.0.1:{port}",
            "provider-directory": f"http://127.0.0.1:{port + 1}",
        }


def test_ports_in_a_row_end_somewhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["up", "--port", "65530"]) == 2
    assert "--port 65530: 12 services need a port each" in capsys.readouterr().err
