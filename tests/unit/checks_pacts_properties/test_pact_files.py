"""Pact files of every specification, and a record in Pact's words and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.contract.model import System
from harness.driving.addressing import operation_at, query_of
from harness.driving.message_metadata import envelope_of, metadata_of
from harness.driving.pact_files import number_of, read_pact, subset
from harness.errors import ContractError
from tests.unit.checks_pacts_properties import agreements


def test_specification_2_and_3_are_read_like_4(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    document = {
        "consumer": {"name": "old"},
        "provider": {"name": "lending"},
        "interactions": [
            {
                "description": "a loan",
                "providerState": "Loan exists",
                "request": {
                    "method": "get",
                    "path": "/v1/loans/1",
                    "headers": {"Accept": "application/json"},
                },
                "response": {"status": 200},
            }
        ],
        "messages": [
            {
                "description": "a loan began",
                "providerStates": [{"name": "Loan exists", "params": {"id": "1"}}],
                "contents": {"id": "1"},
                "metaData": {"kafka_topic": "loans"},
            }
        ],
    }
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")

    file = read_pact(path)

    request, message = file.interactions
    assert (request.kind, request.states[0].schema, request.place.line) == ("http", "Loan", 10)
    assert (message.kind, message.contents, message.metadata) == (
        "message",
        {"id": "1"},
        {"kafka_topic": "loans"},
    )
    assert message.states[0].parameters == {"id": "1"}
    part = subset(file, [(7, request)], "Number")
    assert part["interactions"][0]["request"]["headers"] == {"Accept": "application/json", "Number": "7"}
    assert "providerState" not in part["interactions"][0]
    assert number_of(part["interactions"][0]["description"]) == 7
    assert "messages" not in part


def test_a_subset_of_specification_4_lists_header_values(tmp_path: Path) -> None:
    file = read_pact(agreements.write(tmp_path / "p.json", [agreements.lending(), agreements.reading()]))

    part = subset(file, [(2, file.interactions[1])], "Number")

    assert [each["description"] for each in part["interactions"]] == ["#2 a loan"]
    assert part["interactions"][0]["request"]["headers"] == {"Number": ["2"]}
    assert "providerStates" in file.interactions[1].raw  # the file itself stays as it is


@pytest.mark.parametrize("text", ["[]", '{"consumer": {"name": "a"}}', "nonsense"])
def test_what_is_no_pact_is_said_with_its_place(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ContractError, match=r"broken\.json"):
        read_pact(path)


def test_a_record_keeps_topic_key_and_headers_through_pact_s_metadata() -> None:
    headers = (
        ("ce_sequence", b"7"),
        ("content-type", b"application/json"),
        ("ce_id", b"old"),
        ("ce_id", b"new"),
    )

    metadata = metadata_of("loans", "k-1", headers)
    envelope = envelope_of({name: _as_pact_reads(text) for name, text in metadata.items()})

    assert metadata["contentType"] == "application/json"
    assert (envelope.topic, envelope.key) == ("loans", "k-1")
    assert envelope.headers == {"ce_sequence": "7", "ce_id": "new", "content-type": "application/json"}
    assert envelope_of(metadata_of("loans", None, ())).key is None


def test_the_operation_is_the_one_with_the_fewest_parameters(system: System) -> None:
    lending = system.contracts["lending"]

    found = operation_at(lending, "GET", "/v1/loans/a%2Fb?memberId=m-1&memberId=m-2&limit=5")

    assert found is not None
    assert (found[0].id, found[1]) == ("getLoan", {"loanId": "a/b"})
    assert query_of("/v1/loans?memberId=m-1&memberId=m-2&limit=5") == {
        "memberId": ["m-1", "m-2"],
        "limit": "5",
    }
    assert operation_at(lending, "PATCH", "/v1/loans") is None


def _as_pact_reads(text: str) -> object:
    """Pact's Python face turns what looks like JSON into JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text
