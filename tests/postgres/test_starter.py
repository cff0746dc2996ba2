"""Starting PostgreSQL, and saying why it cannot be started; all but one of these tests need none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.conftest import ROOT
from tests.kafka.test_embedded import runs
from tests.kafka.until import until
from tests.postgres import server
from tests.postgres.server import Server
from tests.run_alone import run_alone

ONE = "tests/postgres/test_roles.py::test_words_of_sql_are_names_like_others"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without PostgreSQL."""
    monkeypatch.setenv("PORTAL_POSTGRES_BIN", str(tmp_path))
    for name in ("PORTAL_DATABASE", "PORTAL_REQUIRE_POSTGRES"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_what_is_missing_is_named(bare: Path) -> None:
    assert "there is no initdb here" in (server.obstacle() or "")


def test_a_named_server_needs_no_programs(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_DATABASE", "postgresql://somebody@db.example/portal")
    assert server.obstacle() is None
    named = server.named()
    assert named is not None
    assert named.url.host == "db.example"


def test_root_needs_somebody_to_run_it_as(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("initdb", "postgres"):
        (bare / name).touch()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert server.obstacle() is None
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(bare))
    assert (server.obstacle() or "").startswith("root may not run PostgreSQL")


def test_unasked_it_is_skipped_and_says_how_it_is_run(bare: Path) -> None:
    said = run_alone(ONE)
    assert "1 skipped" in said
    assert "needs PostgreSQL: tox -e postgres runs it" in said


def test_asked_it_is_skipped_with_the_reason(bare: Path) -> None:
    said = run_alone(ONE, "-m", "postgres")
    assert "1 skipped" in said
    assert "there is no initdb here" in said


def test_required_it_fails_with_the_reason(bare: Path) -> None:
    said = run_alone(ONE, "-m", "postgres", PORTAL_REQUIRE_POSTGRES="1")
    assert "1 error" in said
    assert "PORTAL_REQUIRE_POSTGRES is set, but PORTAL_DATABASE names no server" in said


PARENT = """
import sys
from tests.postgres.server import OwnServer, text_of
with OwnServer() as running:
    print(running.pid, text_of(running.url), running.folder, flush=True)
    sys.stdin.read()
"""


@pytest.mark.postgres
def test_a_killed_parent_leaves_nothing_behind(postgres: Server) -> None:
    if server.programs() is None:
        pytest.skip("there is nothing here to start one with")
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as parent:
        assert parent.stdout is not None
        pid, url, folder = parent.stdout.readline().split()
        assert runs(int(pid))
        parent.kill()
    assert until(lambda: not runs(int(pid)), within=20)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)
    assert until(lambda: not Path(folder).exists(), within=20)
