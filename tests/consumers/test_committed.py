"""The pacts in ``contracts/pacts`` are what the consumers' tests say; ``--write-pacts`` writes them anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from pact.interaction import HttpInteraction

from harness.contract import load_system
from harness.driving.pact_files import duplicates, read_pact
from tests.consumers.agreement import Agreement
from tests.consumers.portal_web import PortalWeb


def _agreements() -> Iterator[Agreement[Any, Any]]:
    """One a file beside this one, or one for each of several services that rely on the same."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if path != Path(__file__):
            said = vars(import_module(f"{__package__}.{path.stem}"))
            yield from said["AGREEMENTS"].values() if "AGREEMENTS" in said else (said["AGREEMENT"],)


AGREEMENTS = tuple(_agreements())


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
        assert "bearer" not in text
        sent = [each.get("request", {}).get("headers", {}) for each in json.loads(text)["interactions"]]
        assert all("authorization" not in headers for headers in sent)


def test_a_second_interaction_of_one_description_is_refused() -> None:
    agreement = Agreement[HttpInteraction, PortalWeb]("portal-web", "scheduling", "HTTP")
    agreement("the same")(lambda _wanted: lambda _portal: None)

    with pytest.raises(ValueError, match="two interactions are called 'the same'"):
        agreement("the same")(lambda _wanted: lambda _portal: None)
