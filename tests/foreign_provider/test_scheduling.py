"""Scheduling in Node, by a team that shares nothing with us but the contract: over HTTP and over Kafka."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.checks import CHECKS
from harness.contract.model import JSON
from tests.e2e.portal import portal
from tests.foreign_provider.team import Service, own_keys, running

pytestmark = pytest.mark.timeout(400)

BOUND = ("--cases", "5", "--boundaries", "0.2", "--settle", "0.5")
"""What generates less in CI."""
REMEDY = "Offer the control contract at --control scheduling=URL"


def ours() -> JSON:
    """The public half of the development key, with which ``portal verify`` signs by itself."""
    ran = portal("token", "--jwks")
    assert ran.code == 0, ran.text
    return json.loads(ran.out)


def verified(service: Service, kafka: str, report: Path, *more: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, the JSON report's checks by name, and what was printed."""
    control = ["--control", f"scheduling={service.control}"] if service.control else []
    ran = portal(
        "verify", "scheduling", "--target", f"scheduling={service.url}", *control,
        "--kafka", kafka, "--report", str(report), *more, timeout=390,
    )  # fmt: skip
    assert "Traceback" not in ran.text
    checks = json.loads((report / "report.json").read_text())["checks"]
    return ran.code, {check["check"]: check for check in checks}, ran.text


def of_kind(checks: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [result for check in checks.values() for result in check["results"] if result["kind"] == kind]


def test_it_is_verified_as_the_reference_is(
    folder: Path, kafka: str, tmp_path: Path, unbounded: bool
) -> None:
    """With tokens of its own making: every check passes, and none leaves anything out."""
    own = ["--issuer", "https://login.example", "--audience", "scheduling"]
    flags = ["--kafka", kafka, "--control-port", "0", *own]
    with running(folder, own_keys(folder), *flags) as service:
        code, checks, text = verified(
            service, kafka, tmp_path / "report", *(() if unbounded else BOUND),
            "--token-command", f"node {folder / 'make-token.mjs'}",
        )  # fmt: skip
    assert code == 0, text
    assert {name: check["verdict"] for name, check in checks.items()} == {
        check.name: "passed" for check in CHECKS
    }
    assert of_kind(checks, "could not tell") == of_kind(checks, "not applicable") == []
    assert all(check["cases"] for check in checks.values())


def test_without_control_what_cannot_be_made_could_not_be_told(
    folder: Path, kafka: str, tmp_path: Path
) -> None:
    with running(folder, ours(), "--kafka", kafka, "--free-slots", "300") as service:
        code, checks, text = verified(service, kafka, tmp_path / "report", *BOUND)
    assert code == 2, text
    assert of_kind(checks, "finding") == []
    for name in ("access", "concurrency", "message_pacts"):
        assert checks[name]["verdict"] == "passed", text
    unheard = {each["operation"] for each in checks["events"]["results"] if each["kind"] == "could not tell"}
    assert unheard == {"providerChanged"}, "nobody can make a slot of a provider who has no other"
    for name in ("http_pacts", "lifecycle", "cause_and_effect", "paging"):
        assert checks[name]["verdict"] == "could not tell", text
    assert checks["http_pacts"]["cases"] == 0
    untold = {(r["operation"], r["trying"]) for r in checks["lifecycle"]["results"] if r.get("remedy")}
    assert ("after 600 s", "Slot busy-tentative → free") in untold
    assert ("checkIn", "Appointment arrived → checked-in") in untold
    held = {r["title"] for r in checks["lifecycle"]["results"] if r["kind"] == "passed"}
    assert {"Slot busy-tentative → busy", "Appointment booked → noshow"} <= held, "led there by a message"
    assert text.count(REMEDY) == 1


def test_where_things_run_out_nothing_is_made_up(folder: Path, kafka: str, tmp_path: Path) -> None:
    """The few slots of the contract's examples are soon used up; what is left is somebody else's."""
    with running(folder, ours(), "--kafka", kafka) as service:
        code, checks, text = verified(service, kafka, tmp_path / "report", *BOUND)
    assert code == 2, text
    assert of_kind(checks, "finding") == []
    reasons = {result["reason"] for result in of_kind(checks, "could not tell")}
    assert any("no list shows another that is" in reason for reason in reasons)
    tried = {result["operation"] for result in of_kind(checks, "passed")}
    untold = {result["operation"] for result in of_kind(checks, "could not tell")}
    assert {"holdSlot", "bookAppointment", "cancelAppointment", "markNoShow"} <= tried | untold


@pytest.mark.parametrize(
    ("fault", "check", "operation", "title"),
    [
        ("silent-cancel", "cause_and_effect", "cancelAppointment", "appointmentChanged was not published"),
        ("leak", "access", "getAppointment", "Somebody who may not is not refused: patient of somebody else"),
    ],
)
@pytest.mark.parametrize("control", [True, False], ids=["control", "no control"])
def test_what_it_does_wrong_is_named(
    folder: Path,
    kafka: str,
    tmp_path: Path,
    fault: str,
    check: str,
    operation: str,
    title: str,
    control: bool,
) -> None:
    flags = ["--control-port", "0"] if control else ["--free-slots", "300"]
    with running(folder, ours(), "--kafka", kafka, "--fault", fault, *flags) as service:
        code, checks, text = verified(service, kafka, tmp_path / "report", "--check", check)
    assert code == 1, text
    titles = {result["title"] for result in of_kind(checks, "finding") if result["operation"] == operation}
    assert title in titles, text
    assert title in text
