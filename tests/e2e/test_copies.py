"""A copy over several processes: ``up`` knows where all listen, ``serve`` is told."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from harness.serving.keys import KeyStore
from tests.conftest import ROOT
from tests.e2e.portal import running
from tests.services.portal import AMARA, eventually

SERVICES = {path.parent.name for path in (ROOT / "contracts").glob("*/openapi.yaml")}
CLAIMS = {
    "actor": "patient",
    "patient": AMARA,
    "sub": AMARA,
    "scope": "patient/Export.read patient/Export.write",
}


def asked(at: str, *sources: str) -> str:
    """The path of an export that was asked for."""
    headers = {"Authorization": f"Bearer {KeyStore().mint(CLAIMS)}", "Idempotency-Key": str(uuid.uuid4())}
    path = f"{at}/v1/patients/{AMARA}/exports"
    answer = httpx.post(path, json={"sources": list(sources)}, headers=headers, timeout=10)
    assert answer.status_code == 202, answer.text
    return f"{at}/v1/exports/{answer.json()['id']}"


def stands(export: str, **wanted: Any) -> Mapping[str, Any]:
    """How an export stands, once that is as it should be."""

    def look() -> Mapping[str, Any] | None:
        headers = {"Authorization": f"Bearer {KeyStore().mint(CLAIMS)}"}
        found: Mapping[str, Any] = httpx.get(export, headers=headers, timeout=10).json()
        return found if all(found[name] == value for name, value in wanted.items()) else None

    return eventually(look)


def test_up_knows_where_everybody_listens(tmp_path: Path) -> None:
    """A mock hands nothing over, and is waited for."""
    mocked = sorted(SERVICES - {"export-audit", "scheduling"})
    with running(["up", *(f"--mock={each}" for each in mocked)], tmp_path) as (_, ready):
        export = asked(ready["services"]["export-audit"], "scheduling", "coverage")
        stands(export, awaited=["coverage"], status="in-progress")


def test_serve_is_told_where_others_listen(tmp_path: Path) -> None:
    for name in ("audit", "told", "untold"):
        (tmp_path / name).mkdir()
    with running(["serve", "export-audit"], tmp_path / "audit") as (_, audit):
        at = audit["services"]["export-audit"]
        joined = ["--kafka", audit["kafka"]]
        with (
            running(["serve", "scheduling", *joined, "--peer", f"export-audit={at}"], tmp_path / "told"),
            running(["serve", "coverage", *joined], tmp_path / "untold"),
        ):
            stands(asked(at, "scheduling"), awaited=[], status="completed")
            asked(at, "coverage")
            log = tmp_path / "untold" / "log.txt"
            eventually(lambda: "--peer export-audit=URL" in log.read_text() or None)
