"""``portal manifests``: who calls another service is told where it is, shows a token, and is let through."""

from __future__ import annotations

import json
from pathlib import Path

import kubernetes_validate
import pytest

from harness.cli.app import run
from harness.cli.kubernetes import PEER_FILE, PEER_FOLDER
from tests.conftest import ROOT
from tests.e2e.test_manifests import VERSIONS, options, read


def test_who_calls_another_is_told_where_and_by_which_token_and_let_through(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = ["scheduling", "provider-directory", "--contracts", str(ROOT / "contracts")]
    assert run(["manifests", *wanted, *options(peer_token_secret="portal-peer-{service}")]) == 0
    found = read(tmp_path, capsys.readouterr().out)
    for each in found:
        assert kubernetes_validate.validate(each, VERSIONS[-1], strict=True) == VERSIONS[-1]
    caller, other = (
        {each["kind"]: each["spec"] for each in found if each["metadata"]["name"] == name and "spec" in each}
        for name in wanted[:2]
    )
    pod = caller["Deployment"]["template"]["spec"]
    (container,) = pod["containers"]
    place = f"{PEER_FOLDER}/{PEER_FILE}"
    assert container["args"][-4:] == ["--peer", "export-audit=http://export-audit", "--peer-token", place]
    (mounted,) = (each for each in container["volumeMounts"] if each["name"] == "peers")
    assert mounted == {"name": "peers", "mountPath": PEER_FOLDER, "readOnly": True}
    (volume,) = (each["secret"] for each in pod["volumes"] if each["name"] == "peers")
    assert volume["secretName"] == "portal-peer-scheduling"
    assert volume["defaultMode"] & 0o007 == 0
    (way,) = (each for each in caller["NetworkPolicy"]["egress"] if "podSelector" in each.get("to", [{}])[0])
    (peer,) = way["to"]
    assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == "export-audit"
    assert "peer" not in json.dumps(other)
    assert "podSelector" not in json.dumps(other["NetworkPolicy"]["egress"])
