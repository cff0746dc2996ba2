"""The first five minutes: somebody else's OpenAPI file is mocked, called with curl, a fault is switched on,
and the journal is read. The five commands as they are typed, but for the file, the ports and the address."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.e2e.portal import running
from tests.ports import free_port

CORPUS = Path(os.environ.get("CONTRACT_CORPUS", ROOT.parent / "shared" / "corpus"))

MOCK = "portal mock petstore.yaml --port 8080 --control-port 8081"
TYPED = """\
curl -i -H 'Authorization: Bearer any' http://127.0.0.1:8080/pet/10
curl -H 'Content-Type: application/json' -d '{"fault": "status=503; retry-after=2", "first": 1}' http://127.0.0.1:8081/faults
curl -i -H 'Authorization: Bearer any' http://127.0.0.1:8080/pet/10
curl http://127.0.0.1:8081/journal
"""

pytestmark = [
    pytest.mark.skipif(not CORPUS.is_dir(), reason=f"there is no corpus at {CORPUS}: CONTRACT_CORPUS"),
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
]


@pytest.mark.parametrize(
    ("document", "address", "operation"),
    [
        ("arazzo/1.0.0/pet-coupons.openapi.yaml", "/pet/10", "getPetById"),
        ("openapi/openehr/ehr.yaml", "/v1/ehr/7d44b88c-4199-4bad-97dc-d78268e01398", "ehr_get_by_id"),
    ],
)
def test_five_commands(document: str, address: str, operation: str, tmp_path: Path) -> None:
    port, control = str(free_port()), str(free_port())

    def mine(text: str) -> str:
        text = text.replace("8080", port).replace("8081", control).replace("/pet/10", address)
        return text.replace("petstore.yaml", shlex.quote(str(CORPUS / document)))

    with running([*shlex.split(mine(MOCK))[1:], "--kafka", "none"], tmp_path):
        said = [
            subprocess.run(
                shlex.split(mine(line)), capture_output=True, text=True, timeout=60, check=True
            ).stdout
            for line in TYPED.splitlines()
        ]
    first, rule, second, journal = said
    assert first.startswith("HTTP/1.1 200"), first
    assert json.loads(rule)["fault"] == "status=503; retry-after=2"
    assert second.startswith("HTTP/1.1 503"), second
    assert "retry-after: 2" in second
    entries: list[dict[str, Any]] = json.loads(journal)["entries"]
    assert [each["response"]["status"] for each in entries] == [200, 503]
    assert entries[1]["fault"]
    assert {each["operation"] for each in entries} == {operation}


def test_the_readme_shows_them() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"```sh\n{MOCK}\n{TYPED}```" in readme
