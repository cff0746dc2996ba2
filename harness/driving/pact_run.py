"""Verifying interactions with Pact: one verifier for all of them, its results by interaction."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.driving.pact_files import Interaction, PactFile, number_of, subset
from harness.driving.pact_relay import NUMBER
from harness.driving.proxies import without_proxy
from harness.errors import ProcessError

_SCRIPT = Path(__file__).with_name("pact_verifier.py")
_STARTING = 20.0


@dataclass(frozen=True, slots=True)
class PactMessage:
    """What a provider really published, in Pact's words."""

    contents: bytes
    metadata: Mapping[str, str]
    content_type: str


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One difference: ``at`` says where (``status``, ``header ETag``, ``body $.id``)."""

    at: str
    expected: str
    actual: str
    detail: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one interaction. ``error`` is set if Pact could not compare at all."""

    mismatches: tuple[Mismatch, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """Interactions with their numbers, and where they are verified: over HTTP or against messages."""

    provider: str
    files: Sequence[PactFile]
    numbered: Mapping[int, Interaction]
    url: str = ""
    messages: Mapping[int, PactMessage] = field(default_factory=dict)
    timeout: float = 10.0


def verify(job: Job) -> dict[int, Verdict]:
    """Pact's verdict on every interaction of a job. ``timeout`` is seconds an interaction.

    Raises ProcessError if Pact's verifier does not come to an end, or comes to a bad one.
    """
    if not job.numbered:
        return {}
    with tempfile.TemporaryDirectory(prefix="portal-pacts-") as name:
        folder = Path(name)
        plan, results = folder / "plan.json", folder / "results.json"
        plan.write_text(json.dumps(_plan(job, folder)), encoding="utf-8")
        _run(plan, results, _STARTING + len(job.numbered) * job.timeout)
        written = json.loads(results.read_text(encoding="utf-8"))
    return _verdicts(written, job)


def _plan(job: Job, folder: Path) -> dict[str, Any]:
    numbers = {id(each): number for number, each in job.numbered.items()}
    sources = []
    for at, file in enumerate(job.files):
        chosen = [(numbers[id(each)], each) for each in file.interactions if id(each) in numbers]
        if chosen:
            source = folder / f"{at}.json"
            source.write_text(json.dumps(subset(file, chosen, NUMBER)), encoding="utf-8")
            sources.append(str(source))
    return {
        "provider": job.provider,
        "url": job.url,
        "timeout": job.timeout + 1.0,  # the relay gives up first, and can say why
        "sources": sources,
        "messages": {
            f"#{number} {job.numbered[number].description}": {
                "contents": base64.b64encode(each.contents).decode(),
                "metadata": dict(each.metadata),
                "content_type": each.content_type,
            }
            for number, each in job.messages.items()
        },
    }


def _run(plan: Path, results: Path, timeout: float) -> None:
    argv = [sys.executable, "-P", str(_SCRIPT), str(plan), str(results)]
    # Pact's library reports its use to a statistics service unless it is told not to.
    quiet = {**os.environ, **without_proxy(), "PACT_DO_NOT_TRACK": "true"}
    try:
        done = subprocess.run(
            argv, env=quiet, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ProcessError("Pact's verifier", f"it was not done within {timeout:.0f} s") from error
    if done.returncode != 0 or not results.exists():
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-3:]
        raise ProcessError(
            "Pact's verifier", f"it ended with exit code {done.returncode}: {' | '.join(last)}"
        )


def _verdicts(results: Mapping[str, Any], job: Job) -> dict[int, Verdict]:
    verdicts: dict[int, Verdict] = {}
    for each in results.get("interactionResults") or ():
        number = number_of(each.get("description", ""))
        if number is not None:
            verdicts[number] = _verdict(each)
    for number in job.numbered:
        verdicts.setdefault(number, Verdict(error="Pact's verifier did not come to this interaction"))
    return verdicts


def _verdict(result: Mapping[str, Any]) -> Verdict:
    if result.get("result") == "OK":
        return Verdict()
    told = result.get("mismatch") or {}
    mismatches = tuple(_mismatch(each) for each in told.get("mismatches") or ())
    if mismatches:
        return Verdict(mismatches)
    return Verdict(error=str(told.get("message") or told.get("error") or told or "Pact does not say why"))


def _mismatch(told: Mapping[str, Any]) -> Mismatch:
    kind = str(told.get("type", ""))
    where = told.get("path") or told.get("key") or told.get("parameter") or ""
    at = " ".join(part for part in (kind.removesuffix("Mismatch").lower(), str(where)) if part)
    return Mismatch(
        at=at,
        expected=_text(told.get("expected")),
        actual=_text(told.get("actual")),
        detail=str(told.get("mismatch", "")),
    )


def _text(value: Any) -> str:
    if isinstance(value, list):  # raw bytes of a body that is no JSON
        return bytes(value).decode("utf-8", "replace")
    return value if isinstance(value, str) else json.dumps(value)
