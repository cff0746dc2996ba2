"""Connexion comes without what only parts of it call, and leaves no stand-in behind."""

from __future__ import annotations

import subprocess
import sys

_LOOK = """
import sys
import harness.serving.connexion_names
print(*sorted({"httpx", "requests", "starlette.testclient", "starlette.templating"} & sys.modules.keys()))
from connexion.apps.abstract import TestClient
import starlette.testclient
from starlette.applications import Starlette
print(isinstance(TestClient(Starlette()), starlette.testclient.TestClient))
"""


def test_what_is_not_called_is_not_imported_and_works_when_it_is() -> None:
    argv = [sys.executable, "-W", "ignore", "-c", _LOOK]
    ran = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True)
    assert ran.stdout.split() == ["True"]
