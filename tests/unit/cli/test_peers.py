"""Where other services listen, and what they are shown: what is wrong is said before anything starts."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from harness.cli.app import run
from harness.serving.keys import KeyStore
from tests.conftest import ROOT


@pytest.fixture
def keys(tmp_path: Path) -> list[str]:
    """Somebody else's."""
    file = tmp_path / "jwks.json"
    file.write_bytes(orjson.dumps(KeyStore().jwks()))
    return ["--jwks", str(file), "--issuer", "https://issuer.example"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--peer", "export-audit"], "this is not SERVICE=URL"),
        (["--peer", "export-audit=ftp://x"], "is not the URL of a service"),
        (["--peer", "export-audi=http://x"], "Did you mean 'export-audit'?"),
        (["--peer-token", "token"], "tokens are made here"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "scheduling", "--contracts", str(ROOT / "contracts"), *arguments]) == 2
    assert said in capsys.readouterr().err.replace("\n", " ")


def test_a_token_that_cannot_be_read_is_told_at_once(
    keys: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*keys, "--peer-token", str(tmp_path / "none")]
    assert run(["serve", "scheduling", "--contracts", str(ROOT / "contracts"), *arguments]) == 2
    assert "it cannot be read" in capsys.readouterr().err.replace("\n", " ")
