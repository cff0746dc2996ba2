"""The main job on Apache Kafka: ``portal verify --kafka HOST:PORT``, the whole of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.contract import load_system
from harness.kafka.broker import Broker
from tests.e2e.portal import portal

pytestmark = pytest.mark.apache


def verified(apache: Broker, folder: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    ran = portal(
        "verify", "--kafka", apache.bootstrap, "--report", str(folder / "report"), *arguments, timeout=900
    )
    assert "Traceback" not in ran.text
    return ran.code, json.loads((folder / "report" / "report.json").read_text()), ran.text


@pytest.mark.timeout(920)
@pytest.mark.parametrize("third", range(3))
def test_the_whole_of_it_finds_nothing(
    apache: Broker, contracts: Path, tmp_path: Path, unbounded: bool, third: int
) -> None:
    """On one cluster services are verified one after the other: a third of them on each of three."""
    services = sorted(load_system(contracts).contracts)[third::3]
    bound = () if unbounded else ("--cases", "2", "--boundaries", "0.03")
    code, report, text = verified(apache, tmp_path, *services, *bound)
    assert code == 0, text
    verdicts = {(check["service"], check["check"]): check["verdict"] for check in report["checks"]}
    assert {service for service, _ in verdicts} == set(services)
    assert {name for _, name in verdicts} >= {"events", "cause_and_effect", "message_pacts", "lifecycle"}
    assert set(verdicts.values()) <= {"passed", "not applicable"}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("target", ["reference", "mock"])
def test_a_cluster_that_has_been_used_before_is_as_good(apache: Broker, tmp_path: Path, target: str) -> None:
    """Its topics hold the events of other runs, its groups have read some of them: nobody is misled."""
    checks = ("--check", "events", "--check", "cause_and_effect")
    code, report, text = verified(apache, tmp_path, "scheduling", "--target", target, *checks)
    assert code == 0, text
    assert [check["verdict"] for check in report["checks"]] == ["passed", "passed"]
