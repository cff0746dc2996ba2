"""The development key: made once, kept to its user, shared by all processes."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import jwt
import pytest

from harness.errors import TokenError
from harness.serving.keys import AUDIENCE, KeyStore, default_state_dir
from harness.serving.problems import Problem
from tests.conftest import ROOT


def test_it_is_made_on_first_use_for_its_user_alone(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "deep" / "state")
    assert not store.state_dir.exists()
    store.mint({"actor": "staff"})
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.state_dir.stat().st_mode) == 0o700
    assert [each.name for each in store.state_dir.iterdir()] == [store.path.name], "no draft stays behind"


def test_another_store_of_the_same_directory_knows_the_tokens(tmp_path: Path) -> None:
    token = KeyStore(tmp_path).mint({"actor": "staff", "sub": "somebody"})
    assert KeyStore(tmp_path).authenticator().claims(token)["sub"] == "somebody"
    with pytest.raises(Problem):
        KeyStore(tmp_path / "other").authenticator().claims(token)


def test_processes_that_begin_together_end_up_with_one_key(tmp_path: Path) -> None:
    code = "from harness.serving.keys import KeyStore; print(KeyStore().kid)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PORTAL_STATE": str(tmp_path)}
    children = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(6)
    ]
    printed = {child.communicate(timeout=60)[0].strip() for child in children}
    assert printed == {KeyStore(tmp_path).kid}


def test_the_published_half_verifies_tokens_and_holds_nothing_private(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    token = store.mint({"actor": "patient", "patient": "p1"}, lifetime=60)
    published = store.jwks()["keys"][0]
    assert set(published) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    header = jwt.get_unverified_header(token)
    assert (header["kid"], header["alg"]) == (published["kid"], published["alg"])
    claims = jwt.decode(token, jwt.PyJWK(published), algorithms=["ES256"], audience=AUDIENCE)
    assert claims["exp"] - claims["iat"] == 60
    assert claims["sub"] == "p1"


def test_a_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    KeyStore(tmp_path).mint({})
    store = KeyStore(tmp_path)
    store.path.chmod(0o644)
    with pytest.raises(TokenError, match="mode 0644"):
        store.mint({})


@pytest.mark.parametrize(
    "content", ["", "nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_damaged_key_says_what_to_do(tmp_path: Path, content: str) -> None:
    store = KeyStore(tmp_path)
    store.path.write_text(content)
    store.path.chmod(0o600)
    with pytest.raises(TokenError, match="Delete the file"):
        store.mint({})


def test_a_directory_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TokenError, match="PORTAL_STATE"):
        KeyStore(tmp_path / "file" / "state").mint({})


def test_the_state_directory_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_STATE", str(tmp_path / "here"))
    assert default_state_dir() == tmp_path / "here"
    monkeypatch.delenv("PORTAL_STATE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if sys.platform == "linux":
        assert default_state_dir() == tmp_path / "cache" / "portal"


def test_a_key_that_only_begins_as_ours_is_told_of_when_it_is_needed(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    token = store.mint({"actor": "staff"})
    begun = store.path.read_bytes().split(b"\n")
    store.path.write_bytes(b"\n".join([*begun[:2], b"AAAA", begun[-2], b""]))
    authenticator = KeyStore(tmp_path).authenticator()
    with pytest.raises(TokenError, match="not the development key"):
        authenticator.claims(token)
    store.path.write_bytes(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    with pytest.raises(TokenError, match="not the development key"):
        KeyStore(tmp_path).authenticator()
