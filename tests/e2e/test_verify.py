"""The main job: ``portal verify`` over real sockets and a real Kafka protocol, judged a second time."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from harness.checks import CHECKS
from harness.contract import load_system
from tests.e2e.openapi_judge import Judge, read
from tests.e2e.portal import portal

BOUND = ("--cases", "2", "--boundaries", "0.1", "--jobs", "2")
"""What generates less in CI: of twelve services these two runs are the longest of all tests."""


def verified(target: str, folder: Path, *more: str) -> tuple[int, dict[str, Any], str]:
    exchanges = folder / "exchanges.jsonl"
    ran = portal(
        "verify", "--target", target, "--report", str(folder / "report"),
        "--exchanges", str(exchanges), *more, timeout=600,
    )  # fmt: skip
    assert "Traceback" not in ran.text
    report = json.loads((folder / "report" / "report.json").read_text())
    return ran.code, report, ran.text


@pytest.mark.timeout(620)
@pytest.mark.parametrize("target", ["reference", "mock"])
def test_verify_finds_nothing_and_openapi_core_agrees(
    target: str, contracts: Path, tmp_path: Path, unbounded: bool
) -> None:
    code, report, text = verified(target, tmp_path, *(() if unbounded else BOUND))
    assert code == 0, text
    verdicts = {(check["service"], check["check"]): check["verdict"] for check in report["checks"]}
    services = set(load_system(contracts).contracts)
    assert {service for service, _ in verdicts} == services
    for (service, check), verdict in verdicts.items():
        tried = {
            "message_pacts": service in promised_messages(contracts),
            "revocation": service in told_of_relations(contracts),
            "audit": service in telling_of_accesses(contracts),
        }.get(check, True)
        assert verdict == ("passed" if tried else "not applicable"), f"{service} {check}"
    reasons = [r["reason"] for c in report["checks"] for r in c["results"] if r["kind"] == "not applicable"]
    assert all(reasons)
    ET.parse(tmp_path / "report" / "junit.xml")
    agrees(contracts, read(tmp_path / "exchanges.jsonl"), services)


def promised_messages(contracts: Path) -> set[str]:
    """The providers of whose messages a consumer has written down what it relies on."""
    pacts = [json.loads(file.read_text()) for file in (contracts / "pacts").glob("*.json")]
    kinds = {(pact["provider"]["name"], each["type"]) for pact in pacts for each in pact["interactions"]}
    return {provider for provider, kind in kinds if kind == "Asynchronous/Messages"}


def told_of_relations(contracts: Path) -> set[str]:
    """The services that messages tell who stands in a relation no longer."""
    return {
        contract.service
        for contract in load_system(contracts).contracts.values()
        if any(receive.relation for receive in contract.receives.values())
    }


def telling_of_accesses(contracts: Path) -> set[str]:
    """The services that tell the access log who asked them for what."""
    return {each.service for each in load_system(contracts).contracts.values() if each.access_record}


def agrees(contracts: Path, exchanges: list[dict[str, Any]], services: set[str]) -> None:
    """Every recorded exchange stands before openapi-core; both kinds of answer were really there."""
    for service in services:
        own = [e for e in exchanges if e["service"] == service]
        statuses = Counter(exchange["status"] // 100 for exchange in own)
        assert statuses[2] > 20, f"{service}: too few successes to judge: {statuses}"
        assert statuses[4] > 20, f"{service}: too few refusals to judge: {statuses}"
        assert statuses[5] == 0, f"{service}: {statuses}"
        disagreements = Judge(contracts / service / "openapi.yaml").disagreements(own)
        assert not disagreements, "\n".join(disagreements[:20])


def test_one_check_of_one_service(tmp_path: Path) -> None:
    ran = portal("verify", "coverage", "--check", "paging", "--report", str(tmp_path / "report"))
    assert ran.code == 0, ran.text
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert [(c["service"], c["check"]) for c in report["checks"]] == [("coverage", "paging")]


def test_explain_says_what_each_check_misses() -> None:
    ran = portal("verify", "--explain")
    assert ran.code == 0
    for check in CHECKS:
        assert check.name in ran.out
