"""What only shows across the documents of a folder."""

from __future__ import annotations

import json
from pathlib import Path

from harness.findings import Finding
from harness.lint import lint
from harness.lint.reading import read
from tests.unit.lint.api import V31
from tests.unit.lint.conftest import FILES


def found(folder: Path, rule: str) -> list[Finding]:
    subject = read([folder])
    assert not subject.refused
    return [each for each in lint(subject.system, subject.sources) if each.check == f"lint/{rule}"]


def test_a_schema_that_stands_twice_is_a_copy(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(V31, encoding="utf-8")
    (tmp_path / "two.yaml").write_text(
        V31.replace("minLength: 1", "minLength: 1, description: said"), "utf-8"
    )
    (mine,) = found(tmp_path, "copied-schema")
    assert mine.severity == "warning" and "'Book'" in mine.title and "one.yaml" in mine.received


def test_a_schema_that_differs_is_none(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(V31, encoding="utf-8")
    (tmp_path / "two.yaml").write_text(V31.replace("minLength: 1", "minLength: 2"), encoding="utf-8")
    assert found(tmp_path, "copied-schema") == []


def test_what_another_contract_uses_is_used(folder: Path) -> None:
    path = folder / "visits/asyncapi.yaml"
    path.write_text(path.read_text() + "    Paid: {payload: {type: object}}\n", encoding="utf-8")
    assert [each.operation for each in found(folder, "unused-component")] == ["Paid"]
    bills = folder / "bills/asyncapi.yaml"
    used = "../visits/asyncapi.yaml#/components/messages/Paid"
    text = bills.read_text().replace("    messages:\n", f"    messages:\n      paid: {{$ref: '{used}'}}\n", 1)
    bills.write_text(text, encoding="utf-8")
    assert found(folder, "unused-component") == []


def test_a_channel_must_list_the_message(folder: Path) -> None:
    bills = folder / "bills/asyncapi.yaml"
    operation = "billed: {action: send, channel: {$ref: '#/channels/bill'}}"
    own = FILES["bills/asyncapi.yaml"].replace(
        operation, operation[:-1] + ", messages: [{$ref: '#/channels/bill/messages/billed'}]}"
    )
    bills.write_text(own, encoding="utf-8")
    assert found(folder, "channel-message") == []
    foreign = "../visits/asyncapi.yaml#/components/messages/VisitChanged"
    bills.write_text(own.replace("#/channels/bill/messages/billed", foreign), encoding="utf-8")
    subject = read([folder])
    mine = [each for each in lint(subject.system, subject.sources) if each.check == "lint/channel-message"]
    assert [each.received for each in mine] == [foreign]


def test_loose_files_and_nested_folders_are_found(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    tree = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {}}
    (tmp_path / "a" / "b" / "library.json").write_text(json.dumps(tree), encoding="utf-8")
    (tmp_path / "a" / "loose.yaml").write_text(V31, encoding="utf-8")
    (tmp_path / "a" / "notes.yaml").write_text("openapi-notes: none\n", encoding="utf-8")
    assert sorted(source.service for source in read([tmp_path]).sources) == ["library", "loose"]
