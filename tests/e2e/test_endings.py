"""However a run is ended, it leaves no process and no file behind, and says so in its exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.portal import PORTAL, portal, running

MOMENTS = ("nothing was said", "verifying", "lifecycle")
"""What the output has said when the signal comes."""


@contextmanager
def verifying(folder: Path, *services: str) -> Iterator[subprocess.Popen[str]]:
    """A run whose processes can be told by ``TMPDIR``, and whose temporary files are all in there."""
    checks = [f"--check={name}" for name in ("lifecycle", "access", "paging")]
    argv = [*PORTAL, "verify", *(services or ["coverage"]), *checks, "--jobs", "2"]
    argv += ["--report", str(folder / "report")]
    (folder / "tmp").mkdir()
    with subprocess.Popen(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TMPDIR": str(folder / "tmp"), "NO_COLOR": "1"},
        preexec_fn=_heed_interrupts,  # noqa: PLW1509 - the child runs Python's own code only
    ) as process:
        yield process


def _heed_interrupts() -> None:
    """Who started us in the background may have told us to ignore Ctrl-C, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def of_this_run(folder: Path) -> list[str]:
    """Command lines of what still runs."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z" and f"TMPDIR={folder / 'tmp'}".encode() in (entry / "environ").read_bytes():
                    found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
    return found


def gone(folder: Path, within: float = 5) -> list[str]:
    """What still runs when it had ``within`` seconds to end."""
    end = time.monotonic() + within
    while left := of_this_run(folder):
        if time.monotonic() > end:
            return left
        time.sleep(0.02)
    return []


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="tells processes by /proc")
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_verify_ends_in_good_order(ending: signal.Signals, moment: str, tmp_path: Path) -> None:
    with verifying(tmp_path) as process:
        assert process.stdout is not None
        said = ""
        if moment == MOMENTS[0]:
            time.sleep(0.3)  # anywhere in its start
        while moment in MOMENTS[1:] and moment not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        process.send_signal(ending)
        said += process.stdout.read()
        assert process.wait(20) == 128 + ending, said
    assert "Traceback" not in said
    assert gone(tmp_path) == []
    assert list((tmp_path / "tmp").iterdir()) == []
    if moment == MOMENTS[2]:
        report = json.loads((tmp_path / "report" / "report.json").read_text())
        assert f"ended by {ending.name}" in said
        assert report["exitCode"] == 2, "half a run is no clean run"
        verdicts = [check["verdict"] for check in report["checks"]]
        assert verdicts.count("could not tell") == len(verdicts) - 1, "the check that was done stays done"


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="tells processes by /proc")
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_services_verified_side_by_side_end_together(ending: signal.Signals, tmp_path: Path) -> None:
    with verifying(tmp_path, "coverage", "notifications") as process:
        assert process.stdout is not None
        said = ""
        while "lifecycle" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        assert len(of_this_run(tmp_path)) > 4, "each has a process, a broker and a service"
        process.send_signal(ending)
        said += process.stdout.read()
        assert process.wait(20) == (128 + ending if ending == signal.SIGTERM else -ending), said
    assert "Traceback" not in said
    assert gone(tmp_path) == []
    if ending == signal.SIGTERM:
        assert list((tmp_path / "tmp").iterdir()) == []
        report = json.loads((tmp_path / "report" / "report.json").read_text())
        untold = {each["service"] for each in report["checks"] if each["verdict"] == "could not tell"}
        assert untold == {"coverage", "notifications"}


def test_an_older_report_is_never_taken_for_this_run(tmp_path: Path) -> None:
    report = tmp_path / "report"
    assert portal("verify", "coverage", "--check", "paging", "--report", str(report)).code == 0
    with verifying(tmp_path) as process:
        assert process.stdout is not None
        assert "verifying" in process.stdout.readline()
        process.kill()
    assert list(report.iterdir()) == []
    assert gone(tmp_path) == []


def test_a_stale_ready_file_is_never_taken_for_ours(contracts: Path, tmp_path: Path) -> None:
    (tmp_path / "ready.json").write_text('{"services": {}, "pid": 1}')
    arguments = ["mock", str(contracts / "coverage"), "--kafka", "none", "--ready-file"]
    process = subprocess.Popen([*PORTAL, *arguments, str(tmp_path / "ready.json")], stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                found = json.loads((tmp_path / "ready.json").read_text())
            except FileNotFoundError:
                continue
            if found["pid"] == process.pid:
                return
            time.sleep(0.01)
        pytest.fail("the stale file stayed")
    finally:
        process.terminate()
        process.wait(20)


def test_data_outlives_a_run_and_serves_one_broker_at_a_time(tmp_path: Path) -> None:
    arguments = ["serve", "coverage", "--data", str(tmp_path / "data")]
    (tmp_path / "first").mkdir()
    (tmp_path / "later").mkdir()
    with running(arguments, tmp_path / "first"):
        second = portal(*arguments)
        assert second.code == 2
        assert "do not share a broker" in second.err
        assert "--kafka HOST:PORT" in second.err
    with running(arguments, tmp_path / "later"):
        pass
