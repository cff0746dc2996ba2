"""What others find on the same service: Schemathesis as its command line runs it, without help of ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.contract.model import Contract
from harness.driving.proxies import without_proxy
from harness.driving.states import States
from harness.target import Limits, Target

Failure = tuple[str, str, int]
"""Method and path, Schemathesis' name of the failure, and the status that was answered."""

REFUSAL = "RejectedPositiveData"
"""A valid request that was not accepted, as far as Schemathesis can tell what is valid."""

_LONGEST = 600.0


def schemathesis(contract: Contract, target: Target, limits: Limits) -> set[Failure]:
    """One ``schemathesis run`` of the contract with all its defaults and a token that is good everywhere.

    Only what follows a failure is tried as well (``--continue-on-failure``). The service is as it was seeded.
    """
    with States(target, limits) as states:
        states.reset()
    assert target.tokens is not None
    base = next(iter(contract.operations.values())).path.split("/")[1]
    token = target.tokens(
        {"actor": "staff", "sub": "staff-of-the-matrix", "scope": " ".join(_scopes(contract))}
    )
    with tempfile.TemporaryDirectory(prefix="portal-alone-") as folder:
        told = Path(folder, "events.ndjson")
        argv = [sys.executable, "-m", "schemathesis.cli", "run", str(_document(contract).resolve())]
        argv += ["--url", f"{target.url}/{base}", "--header", f"Authorization: Bearer {token}"]
        argv += ["--seed", str(limits.seed), "--continue-on-failure"]
        argv += ["--report", "ndjson", "--report-ndjson-path", str(told)]
        environment = {**os.environ, **without_proxy()}
        done = subprocess.run(
            argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=_LONGEST, check=False
        )
        if done.returncode not in (0, 1):
            raise RuntimeError(
                f"schemathesis ended with {done.returncode}: {done.stdout[-500:]}{done.stderr}"
            )
        return set(_failures(told))


def _scopes(contract: Contract) -> list[str]:
    alternatives = [each for operation in contract.operations.values() for each in operation.security]
    return sorted({scope for each in alternatives for scopes in each.values() for scope in scopes})


def _document(contract: Contract) -> Path:
    return contract.folder / "openapi.yaml"


def _failures(told: Path) -> Iterator[Failure]:
    with told.open(encoding="utf-8") as lines:
        for line in lines:
            finished = json.loads(line).get("ScenarioFinished")
            if finished is not None:
                yield from _of_scenario(finished["recorder"])


def _of_scenario(recorder: dict[str, Any]) -> Iterator[Failure]:
    for case, checks in recorder.get("checks", {}).items():
        answer = (recorder.get("interactions", {}).get(case) or {}).get("response") or {}
        for check in checks:
            if check["status"] == "failure":
                failure = check["failure_info"]["failure"]
                yield failure["operation"], failure["type"], answer.get("status_code", 0)
