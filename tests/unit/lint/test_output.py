"""Formats, exit codes and what must not be in any of them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from harness.cli.app import run
from harness.lint.output.excerpts import WITHHELD, Excerpts
from tests.unit.lint.api import V31

BAD = V31.replace("example: 10", "example: 1000").replace("minLength: 1", "minimum: 1")
FORMATS = ("text", "json", "sarif", "junit", "github")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(["lint", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_text_marks_the_offending_word(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "library.yaml").write_text(BAD, encoding="utf-8")
    code, out, _ = told(capsys, "library.yaml")
    lines = out.splitlines()
    headline = next(line for line in lines if "error [example]" in line)
    line = 1 + BAD[: BAD.index("example: 1000")].count("\n")
    column = BAD.splitlines()[line - 1].index("example: 1000") + 1
    assert code == 1
    assert headline.startswith(f"library.yaml:{line}:{column}: ")
    shown, mark = lines[lines.index(headline) + 1 : lines.index(headline) + 3]
    assert shown[mark.index("^") : mark.rindex("^") + 1] == "example"
    assert [each.split()[0] for each in lines[lines.index(headline) + 3 :][:2]] == ["why:", "mend:"]
    assert lines[-1] == "library: 1 error, 1 warning"


def test_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "library.yaml").write_text(BAD, encoding="utf-8")
    code, out, _ = told(capsys, str(here / "library.yaml"), "--format", "json")
    whole = json.loads(out)
    assert (code, whole["version"], whole["errors"], whole["warnings"], whole["unreadable"]) == (
        1,
        1,
        1,
        1,
        0,
    )
    (error,) = [each for each in whole["findings"] if each["severity"] == "error"]
    assert (error["rule"], error["file"], error["text"]) == ("example", "library.yaml", "example")
    assert error["found"] and error["expected"] and error["why"] and error["mend"]


def test_sarif(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The essentials of the OASIS schema: what it requires, and that every reference in it holds."""
    (here / "a b.yaml").write_text(BAD, encoding="utf-8")
    code, out, _ = told(capsys, "a b.yaml", "--format", "sarif", "-o", "found.sarif")
    assert (code, out) == (1, "")
    whole = json.loads((here / "found.sarif").read_text(encoding="utf-8"))
    assert whole["version"] == "2.1.0"
    (run_,) = whole["runs"]
    rules = run_["tool"]["driver"]["rules"]
    assert run_["tool"]["driver"]["name"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert all(rule["shortDescription"]["text"] for rule in rules)
    assert {each["defaultConfiguration"]["level"] for each in rules} <= {"none", "note", "warning", "error"}
    assert {each["level"] for each in run_["results"]} == {"error", "warning"}
    for result in run_["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        (location,) = result["locations"]
        assert location["physicalLocation"]["artifactLocation"]["uri"] == "a%20b.yaml"
        region = location["physicalLocation"]["region"]
        assert region["startLine"] >= 1 and 1 <= region["startColumn"] < region["endColumn"]
    assert run_["invocations"][0]["executionSuccessful"] is True


def test_junit_has_a_suite_a_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "apis").mkdir()
    (here / "apis" / "bad.yaml").write_text(BAD, encoding="utf-8")
    (here / "apis" / "good.yaml").write_text(V31, encoding="utf-8")
    (here / "apis" / "ugly.yaml").write_text("openapi: 3.1.0\ninfo: [", encoding="utf-8")
    code, out, _ = told(capsys, "apis", "--format", "junit", "--rule", "copied-schema=off")
    root = ET.fromstring(out)
    assert code == 2
    suites = {suite.get("name"): suite for suite in root}
    numbers = {
        name: (suite.get("tests"), suite.get("failures"), suite.get("errors"))
        for name, suite in suites.items()
    }
    assert numbers == {
        "apis/bad.yaml": ("2", "1", "0"),
        "apis/good.yaml": ("1", "0", "0"),
        "apis/ugly.yaml": ("1", "0", "1"),
    }
    assert root.get("failures") == "1"


def test_github_annotations(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "library.yaml").write_text(BAD, encoding="utf-8")
    _, out, _ = told(capsys, "library.yaml", "--format", "github")
    assert sorted(line.split(" ")[0] for line in out.splitlines()) == ["::error", "::warning"]
    assert all("file=library.yaml,line=" in line and "\n" not in line for line in out.splitlines())


@pytest.mark.parametrize("format_", FORMATS)
def test_what_cannot_be_read_does_not_hide_the_rest(
    here: Path, capsys: pytest.CaptureFixture[str], format_: str
) -> None:
    for name, text in (("good", V31), ("bad", BAD), ("ugly", "openapi: 3.1.0\nopenapi: 3.1.0\n")):
        (here / name).mkdir()
        (here / name / "openapi.yaml").write_text(text, encoding="utf-8")
    code, out, err = told(capsys, ".", "--format", format_)
    assert code == 2
    assert err.count("\n") == 1 and "ugly/openapi.yaml" in err
    assert "unreadable" in out and "ugly/openapi.yaml" in out and "bad/openapi.yaml" in out


def test_a_refused_document_is_judged_as_far_as_it_goes(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The reader stops at the first reference that leads nowhere; lint tells all, and the rest."""
    text = BAD.replace("schemas/Book'", "schemas/Bok'")
    (here / "library.yaml").write_text(text, encoding="utf-8")
    code, out, err = told(capsys, "library.yaml")
    assert code == 2 and "Bok" in err
    assert out.count("error [reference]") == text.count("schemas/Bok'")
    assert "error [example]" in out


CANARY, NUMBER = "Zebedee Quux-Smith", "8675309123"
SECRETIVE = f"""\
openapi: 3.1.0
info: {{title: t, version: '1'}}
paths:
  /p:
    get:
      operationId: getP
      parameters: [{{name: q, in: query, schema: {{type: integer, x-phi: true}}, example: {CANARY}}}]
      responses:
        '200':
          description: d
          content:
            application/json:
              schema: {{$ref: '#/components/schemas/P'}}
              example: {{name: {CANARY}, mrn: {NUMBER}, age: none,
                        note: [{CANARY}], {CANARY}: 1}}
components:
  schemas:
    P:
      type: object
      additionalProperties: false
      example: {{name: [{CANARY}], mrn: '{NUMBER}'}}
      properties:
        name: {{type: string, x-phi: true, maxLength: 3, example: {CANARY}, default: {CANARY}}}
        mrn:
          type: integer
          x-phi: true
          maxLength: 3
          example: >-
            {CANARY}
            {CANARY}
          minLength: -1
        age: {{type: integer}}
        note: {{x-phi: true, items: {{type: integer}}, enum: [{CANARY}], maxLength: 1,
               example: {CANARY}, type: array}}
"""


@pytest.mark.parametrize("format_", FORMATS)
def test_protected_values_are_never_repeated(
    here: Path, capsys: pytest.CaptureFixture[str], format_: str
) -> None:
    (here / "library.yaml").write_text(SECRETIVE, encoding="utf-8")
    code, out, err = told(capsys, "library.yaml", "--format", format_)
    assert code == 1
    assert "example" in out
    for part in (*CANARY.split(), NUMBER):
        assert part not in out + err


def test_nor_where_the_document_cannot_be_read(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "library.yaml").write_text(SECRETIVE + f"  [ example: {CANARY}\n", encoding="utf-8")
    code, out, err = told(capsys, "library.yaml")
    assert code == 2
    assert CANARY not in out + err


WORDY = """\
openapi: 3.1.0
info: {title: Library, version: 1.0.0}
paths:
  /books/{bookId}:
    get:
      operationId: readBook
      parameters:
        - {name: shelf, in: query, schema: {type: integer}, examples: {one: {value: bookId}}}
        - {name: readBook, in: query, schema: {type: string, x-phi: true}, examples: {one: {value: held}}}
      responses: {'200': {description: d}}
components:
  schemas:
    Number: {type: object, properties: {value: {type: string, x-phi: true, example: 'A-1'}}}
"""


def test_a_word_is_protected_for_what_it_is_and_not_for_how_examples_are_written(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An example's ``value`` is no property of that name; nor is what is left out looked through again."""
    (here / "library.yaml").write_text(WORDY, encoding="utf-8")
    _, out, _ = told(capsys, "library.yaml")
    assert "'bookId' is not declared" in out
    excerpts = Excerpts(protected=frozenset(["held", "with", "held back"]))
    assert excerpts.without_values("held back with him") == f"{WITHHELD} {WITHHELD} him"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("consentChanged and consent_changed", "consentChanged and consent_changed"),
        ("'consent', consent-form, consent", "'(withheld)', (withheld)-form, (withheld)"),
        ("10012 is no 1001, nor is 'a1001b'", "10012 is no (withheld), nor is 'a1001b'"),
        ("scan_1001.pdf", "scan_(withheld).pdf"),
        (r"'first\nZebedee Quux\u2028Zebedee Quux'", r"'first\n(withheld)\u2028(withheld)'"),
        ("x+12+y and +12+", "x(withheld)y and (withheld)"),
    ],
)
def test_a_value_is_left_out_where_it_stands_as_a_word_of_its_own(text: str, safe: str) -> None:
    excerpts = Excerpts(protected=frozenset(["consent", "1001", "Zebedee Quux", "+12+"]))
    assert excerpts.without_values(text) == safe
