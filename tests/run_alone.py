"""One test in a pytest of its own, for tests of what a run says where something is missing."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.conftest import ROOT


def run_alone(test: str, *options: str, **environment: str) -> str:
    """What pytest says of the test with this id."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", test, *options],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout
