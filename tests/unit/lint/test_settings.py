"""``portal.toml`` and ``--rule``: what rules weigh, where, and what is said about a wrong word."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.app import run
from tests.unit.lint.api import V31

BAD = V31.replace("example: 10", "example: 1000")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "apis" / "old").mkdir(parents=True)
    (tmp_path / "apis" / "new.yaml").write_text(BAD, encoding="utf-8")
    (tmp_path / "apis" / "old" / "library.yaml").write_text(BAD, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(["lint", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_without_settings_all_rules_weigh_as_they_are(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = told(capsys, "apis", "--rule", "copied-schema=off")
    assert (code, out.count("error [example]")) == (1, 2)


@pytest.mark.parametrize(
    ("toml", "code", "errors", "warnings"),
    [
        ('[lint]\nrules = { example = "off" }', 0, 0, 0),
        ('[lint.rules]\nexample = "warning"', 0, 0, 2),
        ('[[lint.override]]\npaths = ["apis/old/**"]\nrules = { example = "off" }', 1, 1, 0),
        ('[[lint.override]]\npaths = ["new.yaml"]\nrules = { example = "warning" }', 1, 1, 1),
        ('[[lint.override]]\npaths = ["apis/*.yaml"]\nrules = { example = "off" }', 1, 1, 0),
        ('[[lint.override]]\npaths = ["old/"]\nrules = { example = "off" }', 1, 1, 0),
        ('[lint]\nrules = { example = "off" }\n[[lint.override]]\npaths = ["**/old/*"]\n'
         'rules = { example = "error" }', 1, 1, 0),
        ('[[lint.override]]\npaths = ["apis"]\nrules = { example = "off" }\n[[lint.override]]\n'
         'paths = ["apis/old"]\nrules = { example = "warning" }', 0, 0, 1),
        ('[mock]\nfaults = []', 1, 2, 0),
    ],
)  # fmt: skip
def test_settings_switch_rules(
    here: Path, capsys: pytest.CaptureFixture[str], toml: str, code: int, errors: int, warnings: int
) -> None:
    (here / "portal.toml").write_text(toml, encoding="utf-8")
    found, out, _ = told(capsys, "apis", "--rule", "copied-schema=off")
    assert (found, out.count("error [example]"), out.count("warning [example]")) == (code, errors, warnings)


def test_the_command_line_wins(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "portal.toml").write_text('[lint]\nrules = { example = "off" }', encoding="utf-8")
    code, out, _ = told(capsys, "apis", "--rule", "example=warning", "--rule", "copied-schema=off")
    assert (code, out.count("warning [example]")) == (0, 2)
    assert told(capsys, "apis", "--rule", "example=warning", "--strict")[0] == 1


def test_the_nearest_settings_are_taken(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "portal.toml").write_text('[lint]\nrules = { example = "off" }', encoding="utf-8")
    (here / "apis" / "old" / "portal.toml").write_text("[lint]", encoding="utf-8")
    assert told(capsys, "apis/new.yaml")[0] == 0
    assert told(capsys, "apis/old/library.yaml")[0] == 1
    assert told(capsys, "apis/old/library.yaml", "--config", "portal.toml")[0] == 0


@pytest.mark.parametrize(
    ("toml", "place", "said"),
    [
        ('[lint]\nrules = { exampel = "off" }', "portal.toml:2", "Did you mean 'example'?"),
        ('[lint.rules]\n\nexample = "of"', "portal.toml:3", "Did you mean 'off'?"),
        ('[lint.rules]\nexample = false', "portal.toml:2", "text in quotes"),
        ('[lint]\nrule = {}', "portal.toml:2", "Did you mean 'rules'?"),
        ('[[lint.override]]\nrules = {}', "portal.toml:1", "paths"),
        ('[lint]\n[[lint.override]]\npaths = ["a"]\n[[lint.override]]\npaths = ["b"]\n'
         'rules = { enumm = "off" }', "portal.toml:6", "Did you mean 'enum'?"),
        ('[lint\nrules = {}', "portal.toml:1", "not valid TOML"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_an_error_with_its_place(
    here: Path, capsys: pytest.CaptureFixture[str], toml: str, place: str, said: str
) -> None:
    (here / "portal.toml").write_text(toml, encoding="utf-8")
    code, _, err = told(capsys, "apis")
    assert code == 2
    assert place in err and said in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rule", "exampel=off"], "Did you mean 'example'?"),
        (["--rule", "example=of"], "Did you mean 'off'?"),
        (["--explain", "exampel"], "Did you mean 'example'?"),
        (["--config", "no.toml"], "no.toml"),
    ],
)
def test_a_wrong_option_is_an_error(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    code, _, err = told(capsys, "apis", *arguments)
    assert code == 2 and said in err


def test_rules_are_listed_and_explained(capsys: pytest.CaptureFixture[str]) -> None:
    from harness.lint import RULES

    code, out, _ = told(capsys, "--rules")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == [rule.id for rule in RULES]
    code, out, _ = told(capsys, "--explain", "pattern-cost")
    assert code == 0 and "why:" in out and "mend:" in out


def test_every_rule_has_a_name_of_its_own_and_says_why() -> None:
    from harness.lint import RULES

    ids = [rule.id for rule in RULES]
    assert len(set(ids)) == len(ids)
    assert all(rule.says and (rule.run or rule.source or rule.together) for rule in RULES)
