"""Starting Apache Kafka, and saying why it cannot be started; all but one of these tests need no Java."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from harness.errors import BrokerError, ProcessError
from harness.kafka.broker import reach
from tests import fetched
from tests.conftest import ROOT
from tests.kafka import artifacts
from tests.kafka.apache import ApacheKafka
from tests.kafka.test_embedded import runs
from tests.kafka.until import until
from tests.run_alone import run_alone

ONE = "tests/kafka/test_wire.py::test_what_was_there_before_is_not_heard"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A machine with nothing on it; what is put into the folder is on its path."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PORTAL_CACHE", str(tmp_path / "cache"))
    for name in ("JAVA_HOME", "PORTAL_KAFKA", "PORTAL_REQUIRE_KAFKA"):
        monkeypatch.delenv(name, raising=False)
    fetched.java_told.cache_clear()
    yield tmp_path
    fetched.java_told.cache_clear()


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def told(folder: Path, version: str) -> None:
    program(folder, "java", f"""echo 'openjdk version "{version}" 2025-04-15' >&2""")


def test_what_is_missing_is_named(bare: Path) -> None:
    assert (artifacts.obstacle() or "").startswith("there is no Java here")


@pytest.mark.parametrize(("version", "major"), [("1.8.0_452", 8), ("11.0.27", 11)])
def test_a_java_that_is_too_old_is_named(bare: Path, version: str, major: int) -> None:
    told(bare, version)
    assert (artifacts.obstacle() or "").startswith(f"the Java here is {major}, and Apache Kafka")


def test_maven_is_needed_until_everything_is_kept(bare: Path) -> None:
    told(bare, "17.0.15")
    assert (artifacts.obstacle() or "").startswith("there is no mvn here")
    (bare / "cache" / f"apache-kafka-{artifacts.VERSION}").mkdir(parents=True)
    assert artifacts.obstacle() is None


def test_what_maven_says_is_passed_on_and_nothing_is_kept(bare: Path) -> None:
    told(bare, "21")
    program(bare, "mvn", "echo '[ERROR] the network is down'; exit 1")
    assert artifacts.obstacle() is None
    with pytest.raises(ProcessError, match=r"ended with 1: \[ERROR\] the network is down"):
        artifacts.jars()
    assert list((bare / "cache").iterdir()) == []


def test_unasked_it_is_skipped_and_says_how_it_is_run(bare: Path) -> None:
    said = run_alone(ONE)
    assert "1 passed, 1 skipped" in said
    assert "needs Apache Kafka: tox -e kafka runs it" in said


def test_asked_it_is_skipped_with_the_reason(bare: Path) -> None:
    said = run_alone(ONE, "-m", "apache")
    assert "1 skipped" in said
    assert "there is no Java here, and Apache Kafka" in said


def test_required_it_fails_with_the_reason(bare: Path) -> None:
    said = run_alone(ONE, "-m", "apache", PORTAL_REQUIRE_KAFKA="1")
    assert "1 error" in said
    assert "PORTAL_REQUIRE_KAFKA is set, but there is no Java here" in said


PARENT = """
import sys
from tests.kafka.apache import ApacheKafka
with ApacheKafka() as running:
    print(running.pid, running.bootstrap, running.folder, flush=True)
    sys.stdin.read()
"""


@pytest.mark.apache
def test_a_killed_parent_leaves_nothing_behind(apache_kafka: ApacheKafka) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as parent:
        assert parent.stdout is not None
        pid, bootstrap, folder = parent.stdout.readline().split()
        assert runs(int(pid))
        assert reach(bootstrap)
        parent.kill()
    assert until(lambda: not runs(int(pid)), within=20)
    with pytest.raises(BrokerError):
        reach(bootstrap, 1.0)
    assert until(lambda: not Path(folder).exists(), within=20)


@pytest.mark.apache
def test_its_id_may_begin_with_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    """One in sixty-four does: an id is written in an alphabet that has one."""
    artifacts.skip_where_it_cannot_be_had()
    monkeypatch.setattr("tests.kafka.apache.uuid.uuid4", lambda: UUID(bytes=b"\xf8" + bytes(15)))
    with ApacheKafka() as running:
        assert reach(running.bootstrap, 5.0)
