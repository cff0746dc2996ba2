"""What README tells a newcomer to type exists, and what can be tried quickly does what it says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_group

from harness.checks import CHECKS
from harness.cli.app import app
from tests.conftest import ROOT
from tests.e2e.portal import running
from tests.ports import free_port

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`((?:portal|tox) [^`]+)`")
PART = re.compile(r"""(?:'[^']*'|"[^"]*"|\$(?!\()|[^;&|()$'"])+""")
"""A command of a line of several: what stands between separators that nothing quotes."""
MOCKED = "portal mock contracts/coverage --port 8080"


def blocks() -> list[str]:
    """The shell blocks, a command on one line."""
    return [found[1].replace("\\\n", " ") for found in BLOCK.finditer(README)]


def commands() -> Iterator[list[str]]:
    """Every call of ``portal`` in a block or between backticks, as words, from ``portal`` on."""
    lines = [line for block in blocks() for line in block.splitlines()]
    for text in (*lines, *(found[1] for found in SPAN.finditer(README))):
        for part in PART.findall(text):
            words = shlex.split(part)
            if words and Path(words[0]).name == "portal":
                yield words


def test_there_is_something_to_try() -> None:
    assert len(blocks()) >= 5
    assert {words[1] for words in commands() if len(words) > 1} >= {"verify", "mock", "up", "token"}


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_commands_and_options_exist(words: list[str]) -> None:
    known = get_group(app).commands
    if len(words) == 1:
        return
    assert words[1] in known, words
    options = {name for option in known[words[1]].params for name in option.opts}
    for word in words[2:]:
        if word.startswith("--"):
            assert word.partition("=")[0] in options, word


def test_places_exist() -> None:
    named = re.findall(r"`((?:contracts|harness|mocks|reference_services|tests)/[\w./-]*)`", README)
    linked = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(named) > 5
    gone = [place for place in (*named, *linked) if not (ROOT / place).exists()]
    assert not gone


def test_the_checks_in_the_picture_are_checks() -> None:
    shown = re.findall(r"^  (?:passed|findings) +\w+ +(\w+) +\d+ cases", README, re.MULTILINE)
    assert shown
    assert set(shown) <= {check.name for check in CHECKS}


def test_calls_of_the_mock_answer(tmp_path: Path) -> None:
    """The block behind the mock, typed into a shell, on a port that is free."""
    port = str(free_port())
    (block,) = [each for each in blocks() if "curl" in each and "/v1/coverage" in each]
    shell = tmp_path / "portal"
    shell.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m harness.cli.main "$@"\n')
    shell.chmod(0o755)
    words = shlex.split(MOCKED.replace("8080", port))[1:]
    assert MOCKED in README
    typed = block.replace("curl ", "curl -sS -w '%{http_code}\\n' ").replace("8080", port)
    with running([*words, "--kafka", "none"], tmp_path):
        done = subprocess.run(
            ["/bin/sh", "-ec", typed],
            env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.findall(r"(\d{3})$", done.stdout, re.MULTILINE) == ["200", "404"]
    assert "cov-30000001" in done.stdout
