"""``portal mock --workers N`` as a user runs it: several processes at one address, and all of them end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT
from tests.e2e.portal import portal, running

CLINIC = str(ROOT / "tests" / "unit" / "mocks" / "contracts" / "clinic")
DEADLINE = 20.0


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def answers(url: str) -> bool:
    return httpx.get(f"{url}/patients/pat-abc123", trust_env=False, timeout=DEADLINE).status_code == 200


def test_workers_share_an_address_and_are_replaced_and_end_cleanly(tmp_path: Path) -> None:
    with running(["mock", CLINIC, "--workers", "2", "--kafka", "none"], tmp_path) as (process, ready):
        url, workers = ready["services"]["clinic"], ready["workers"]
        assert len(workers) == 2
        assert ready["control"] == {}
        assert all(answers(url) for _ in range(20))
        os.kill(workers[0], signal.SIGKILL)
        until(lambda: "another begins" in (tmp_path / "log.txt").read_text())
        assert all(answers(url) for _ in range(20))
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == 0
    until(lambda: not any(alive(pid) for pid in workers))
    log = (tmp_path / "log.txt").read_text()
    assert log.count("ready; Ctrl-C ends it") == 1
    assert "Traceback" not in log


def test_workers_end_when_the_first_process_is_killed(tmp_path: Path) -> None:
    with running(["mock", CLINIC, "--workers", "2", "--kafka", "none"], tmp_path) as (process, ready):
        process.kill()
        process.wait(DEADLINE)
        until(lambda: not any(alive(pid) for pid in ready["workers"]))


@pytest.mark.parametrize(
    ("path", "arguments", "said"),
    [
        (str(ROOT / "contracts" / "scheduling"), [], "--kafka none"),
        (CLINIC, ["--control-port", "8123"], "--control-port or --workers"),
        (CLINIC, ["--proxy", "http://127.0.0.1:1"], "--workers 1"),
    ],
)
def test_what_several_processes_cannot_do_is_one_paragraph(
    path: str, arguments: list[str], said: str, tmp_path: Path
) -> None:
    ran = portal("mock", path, "--workers", "2", *arguments, cwd=tmp_path)
    assert ran.code == 2
    assert said in ran.err
    assert "Traceback" not in ran.text
