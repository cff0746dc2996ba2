"""``serve``, ``mock``, ``kafka`` and ``up``: ready files, mixtures, clean ends."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import httpx
import pytest

from harness.kafka.broker import reach
from tests.conftest import ROOT
from tests.e2e.portal import portal, running


def children_of(pid: int) -> list[int]:
    """The processes that a process started and that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(entry.name))
    return found


SERVICES = {path.parent.name for path in (ROOT / "contracts").glob("*/openapi.yaml")}


def gone(pids: list[int], within: float = 5) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_up_leaves_no_process_behind(tmp_path: Path, ending: signal.Signals) -> None:
    with running(["up"], tmp_path) as (process, ready):
        assert set(ready["services"]) == SERVICES
        assert set(ready["control"]) == set(ready["services"])
        assert ready["pid"] == process.pid
        broker = children_of(process.pid)
        assert broker, "the embedded broker is a process of its own"
        os.kill(process.pid, ending)
        process.wait(15)
        assert gone(broker), f"still running: {broker}"
        if ending != signal.SIGKILL:
            assert process.returncode in (0, 130), process.returncode


def test_a_mixture(tmp_path: Path) -> None:
    arguments = ["up", "--mock", "coverage", "--external", "notifications=http://127.0.0.1:9"]
    with running(arguments, tmp_path) as (_, ready):
        assert ready["services"]["notifications"] == "http://127.0.0.1:9"
        assert set(ready["control"]) == SERVICES - {"notifications"}
        token = portal("token").out.strip()
        for name, path in (("coverage", "/v1/coverages"), ("scheduling", "/v1/slots")):
            answer = httpx.get(ready["services"][name] + path, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code != 401, (name, answer.text)


def test_kafka_alone_is_joined(tmp_path: Path) -> None:
    (tmp_path / "kafka").mkdir()
    (tmp_path / "serve").mkdir()
    with running(["kafka", "--port", "0"], tmp_path / "kafka") as (_, ready):
        bootstrap = ready["kafka"]
        assert reach(bootstrap).bootstrap == bootstrap
        with running(["serve", "coverage", "--kafka", bootstrap], tmp_path / "serve") as (_, served):
            assert served["kafka"] == bootstrap
            assert list(served["services"]) == ["coverage"]
