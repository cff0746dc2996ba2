"""The pacts in ``contracts/pacts`` are what the consumers' tests say; ``--write-pacts`` writes them anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pact.interaction import HttpInteraction

from harness.contract import load_system
from harness.driving.pact_files import duplicates, read_pact
from tests.consumers import (
    test_coverage_follows,
    test_coverage_receives,
    test_encounters_follows,
    test_encounters_receives,
    test_notifications_follows,
    test_notifications_receives,
    test_proxy_consent_follows,
    test_scheduling_follows,
    test_scheduling_receives,
    test_web_coverage,
    test_web_encounters_records,
    test_web_notifications,
    test_web_patient_profile,
    test_web_provider_directory,
    test_web_proxy_consent,
    test_web_scheduling,
)
from tests.consumers.agreement import Agreement
from tests.consumers.portal_web import PortalWeb

AGREEMENTS: tuple[Agreement[Any, Any], ...] = (
    test_web_scheduling.AGREEMENT,
    test_web_coverage.AGREEMENT,
    test_web_notifications.AGREEMENT,
    test_web_provider_directory.AGREEMENT,
    test_web_patient_profile.AGREEMENT,
    test_web_proxy_consent.AGREEMENT,
    test_coverage_receives.AGREEMENT,
    test_coverage_follows.AGREEMENT,
    test_proxy_consent_follows.AGREEMENT,
    test_scheduling_follows.AGREEMENT,
    test_notifications_follows.AGREEMENT,
    test_scheduling_receives.AGREEMENT,
    test_notifications_receives.AGREEMENT,
    test_web_encounters_records.AGREEMENT,
    test_encounters_follows.AGREEMENT,
    test_encounters_receives.AGREEMENT,
)


@pytest.mark.parametrize("agreement", AGREEMENTS, ids=lambda each: each.file)
def test_the_committed_pact_is_what_the_consumer_says(
    agreement: Agreement[Any, Any], contracts: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    written, committed = agreement.written(tmp_path), contracts / "pacts" / agreement.file
    if request.config.getoption("--write-pacts"):
        committed.parent.mkdir(exist_ok=True)
        committed.write_text(written, encoding="utf-8")

    again = "rewrite it with: pytest tests/consumers --write-pacts"
    assert committed.exists(), f"{committed} is missing; {again}"
    assert json.loads(committed.read_text(encoding="utf-8")) == json.loads(written), again
    read = read_pact(committed)
    assert len(read.interactions) == len(agreement.interactions)
    assert list(duplicates(read)) == []


def test_no_pact_is_committed_that_no_consumer_says(contracts: Path) -> None:
    assert {path.name for path in load_system(contracts).pacts} == {each.file for each in AGREEMENTS}


def test_no_pact_holds_a_token(contracts: Path) -> None:
    for path in (contracts / "pacts").glob("*.json"):
        text = path.read_text(encoding="utf-8").lower()
        assert "authorization" not in text
        assert "bearer" not in text


def test_a_second_interaction_of_one_description_is_refused() -> None:
    agreement = Agreement[HttpInteraction, PortalWeb]("portal-web", "scheduling", "HTTP")
    agreement("the same")(lambda _wanted: lambda _portal: None)

    with pytest.raises(ValueError, match="two interactions are called 'the same'"):
        agreement("the same")(lambda _wanted: lambda _portal: None)
