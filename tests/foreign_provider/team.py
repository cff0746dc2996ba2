"""The other team's machine: their folder with what npm brought, their service, their tokens."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.contract.model import JSON
from tests.conftest import ROOT

SOURCE = Path(__file__).parent / "scheduling"
CONTRACT = ROOT / "contracts" / "scheduling" / "openapi.yaml"
OLDEST = 20
_INSTALL = ("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--prefer-offline")


class Unavailable(Exception):
    """Node or what the service needs of npm cannot be had here; the text is the reason."""


def installed(folder: Path) -> Path:
    """The service in a folder of its own, with its packages. Raises Unavailable."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise Unavailable("there is no node and npm on this machine")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.strip().removeprefix("v").partition(".")[0]) < OLDEST:
        raise Unavailable(f"Node {OLDEST} is needed, and this is {version.strip()}")
    shutil.copytree(SOURCE, folder, dirs_exist_ok=True)
    done = subprocess.run(
        [npm, *_INSTALL[1:]], cwd=folder, capture_output=True, text=True, timeout=150, check=False
    )
    if done.returncode:
        raise Unavailable(f"npm install ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return folder


def own_keys(folder: Path) -> JSON:
    """The public half of the key with which the other team makes its tokens."""
    argv = ["node", "make-token.mjs", "--jwks"]
    return json.loads(subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=True).stdout)


@dataclass(frozen=True, slots=True)
class Service:
    """Where the service answers; ``control`` is None where nobody can make states."""

    url: str
    control: str | None


@contextmanager
def running(folder: Path, jwks: JSON, *flags: str, deadline: float = 60) -> Iterator[Service]:
    """The service, once it says that all of it answers; ended with SIGTERM."""
    keys = folder / "jwks.json"
    keys.write_text(json.dumps(jwks))
    out, err = folder / "addresses.json", folder / "errors.txt"
    argv = ["node", "main.mjs", "--port", "0", "--contract", str(CONTRACT), *flags]
    with out.open("w") as told, err.open("w") as wrong:
        process = subprocess.Popen(
            argv, cwd=folder, stdout=told, stderr=wrong, env={**os.environ, "NODE_NO_WARNINGS": "1"}
        )
    try:
        end = time.monotonic() + deadline
        while not out.read_text().endswith("\n"):
            if process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"not ready: exit {process.poll()}: {err.read_text()}")
            time.sleep(0.02)
        told_addresses = json.loads(out.read_text())
        yield Service(told_addresses["service"], told_addresses.get("control"))
        assert process.poll() is None, err.read_text()
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(20)
