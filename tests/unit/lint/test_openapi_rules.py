"""Each rule on OpenAPI documents: heard when one thing is changed, silent on what only looks like it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.lint.severity import Severities
from tests.unit.lint.api import V30, V31, findings
from tests.unit.lint.openapi_cases import CAUGHT, LEFT_ALONE, ONLY_IN_30


@pytest.mark.parametrize("text", [V31, V30])
def test_a_clean_document_is_silent(tmp_path: Path, text: str) -> None:
    assert findings(tmp_path, text) == []


OFF = Severities(asked={"operation-description": "warning", "contact": "warning"})


@pytest.mark.parametrize(("rule", "written", "instead", "said"), CAUGHT)
def test_a_mistake_is_found(tmp_path: Path, rule: str, written: str, instead: str, said: str) -> None:
    assert V31.count(written), "the test changes nothing"
    text = V31.replace(written, instead, 1)
    mine = [each for each in findings(tmp_path, text, OFF) if each.check == f"lint/{rule}"]
    assert any(said in f"{each.title} {each.received} {each.documented}" for each in mine), mine
    before = V31[: V31.index(written)].count("\n") + 1
    assert all(each.where.line <= text.count("\n") and each.where.column >= 1 for each in mine)
    if rule in ("example", "pattern", "structure", "keyword", "enum", "security"):
        assert any(before <= each.where.line <= before + instead.count("\n") + 2 for each in mine), mine


@pytest.mark.parametrize(("written", "instead"), LEFT_ALONE)
def test_what_only_looks_wrong_is_left_alone(tmp_path: Path, written: str, instead: str) -> None:
    assert V31.count(written), "the test changes nothing"
    assert findings(tmp_path, V31.replace(written, instead, 1)) == []


@pytest.mark.parametrize(("rule", "written", "instead", "said"), ONLY_IN_30)
def test_version_3_0_has_words_of_its_own(
    tmp_path: Path, rule: str, written: str, instead: str, said: str
) -> None:
    assert V30.count(written), "the test changes nothing"
    found = findings(tmp_path, V30.replace(written, instead, 1))
    mine = [each for each in found if each.check == f"lint/{rule}"]
    assert any(said in f"{each.title} {each.received} {each.documented}" for each in mine), found


def test_all_dangling_references_are_told_at_once(tmp_path: Path) -> None:
    text = V31.replace("schemas/Book'", "schemas/Nothing'").replace("examples/Emma", "examples/Nobody")
    found = [each for each in findings(tmp_path, text) if each.check == "lint/reference"]
    assert len(found) == text.count("schemas/Nothing'") + 1


def test_a_reference_to_itself_ends(tmp_path: Path) -> None:
    text = V31.replace("    Emma: {value: {title: Emma}}", "    Emma: {$ref: '#/components/examples/Emma'}")
    assert isinstance(findings(tmp_path, text), list)
    endless = V31.replace("schema: {type: object}", "schema: {$ref: '#/components/schemas/A'}") + (
        "    A: {allOf: [{$ref: '#/components/schemas/B'}]}\n    B: {$ref: '#/components/schemas/A'}\n"
    )
    assert "lint/impossible" in {each.check for each in findings(tmp_path, endless)}


def test_remarks_beside_references_are_told_once_and_what_should_hold_each_time(tmp_path: Path) -> None:
    ref = "{$ref: '#/components/schemas/Book', "
    more = "".join(f"    M{n}: {{properties: {{a: {ref}description: a book}}}}}}\n" for n in range(4))
    held = "".join(f"    H{n}: {{properties: {{a: {ref}nullable: true}}}}}}\n" for n in range(2))
    text = V30.replace("  schemas:\n", f"  schemas:\n{more}{held}", 1)
    found = [each for each in findings(tmp_path, text) if each.check == "lint/reference-siblings"]
    assert sorted((each.received, each.title.partition(", ")[2]) for each in found) == [
        ("description", "here and in 3 more places of this file"),
        ("nullable", ""),
        ("nullable", ""),
    ]
    lines = text.splitlines()
    assert all(each.received in lines[each.where.line - 1] for each in found)
