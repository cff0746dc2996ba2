"""Other people's programs as registries publish them: fetched once by ``mvn``, ``npm`` or ``pip``, and kept.

They are kept in a cache folder: ``$PORTAL_CACHE``, else the platform's folder for what can be fetched again.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from harness.errors import ProcessError

_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
_FETCH_SECONDS = 900.0
_SHOWN_LINES = 8
_KEPT_JAVAS = ("/usr/lib/jvm/*", "/Library/Java/JavaVirtualMachines/*/Contents/Home")


def cache() -> Path:
    """The folder where everything is kept."""
    if named := os.environ.get("PORTAL_CACHE"):
        return Path(named).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "portal"
    return Path(os.environ.get("XDG_CACHE_HOME", "") or Path.home() / ".cache") / "portal"


def java() -> str:
    """The program: of ``$JAVA_HOME``, else of the path; a bare name if there is neither."""
    home = os.environ.get("JAVA_HOME")
    if home and Path(home, "bin", "java").exists():
        return str(Path(home, "bin", "java"))
    return shutil.which("java") or "java"


def java_version() -> int | None:
    """The major version of the Java here; None without one."""
    return _major(java_told(java()))


def java_of(least: int) -> str | None:
    """A Java that is at least so new: the one here, else one that stands where they are installed."""
    others = (
        str(home / "bin" / "java") for pattern in _KEPT_JAVAS for home in sorted(Path("/").glob(pattern[1:]))
    )
    return next((each for each in (java(), *others) if (_major(java_told(each)) or 0) >= least), None)


def _major(told: str) -> int | None:
    major = re.match(r"(?:1\.)?(\d+)", told)
    return int(major.group(1)) if major else None


@functools.cache
def java_told(program: str) -> str:
    """What a Java says its version is, such as 17.0.15; empty without one."""
    try:
        done = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    told = re.search(r'version "([^"]+)"', done.stderr)
    return told.group(1) if told else ""


def from_maven(kept_as: str, title: str, *artifacts: str) -> Path:
    """The folder of these artifacts' jars (``group:name:version``) and all that they need.

    ``kept_as`` is the folder's name in the cache, ``title`` what errors call it. Raises ProcessError.
    """

    def fill(folder: Path) -> Path:
        with tempfile.TemporaryDirectory() as work:
            Path(work, "pom.xml").write_text(_pom(kept_as, artifacts), encoding="utf-8")
            options = ["-B", "-q", "-ntp", "-DincludeScope=runtime", f"-DoutputDirectory={folder / 'jars'}"]
            _run(f"mvn for {title}", ["mvn", *options, _PLUGIN], Path(work))
        return folder / "jars"

    return _kept(kept_as, fill)


def from_npm(kept_as: str, title: str, packages: Mapping[str, str]) -> Path:
    """The folder that has ``node_modules`` with these packages and versions; none of their scripts is run."""

    def fill(folder: Path) -> Path:
        manifest = {"private": True, "dependencies": dict(packages)}
        (folder / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
        options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        _run(f"npm for {title}", ["npm", "install", *options], folder)
        # The folder itself is renamed below, so what is kept is one inside it.
        kept = folder / "kept"
        kept.mkdir()
        (folder / "node_modules").rename(kept / "node_modules")
        return kept

    return _kept(kept_as, fill)


def from_pypi(kept_as: str, title: str, requirement: str) -> Path:
    """The folder with what a wheel holds; it is not installed, nor is what it needs."""

    def fill(folder: Path) -> Path:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        _run(f"pip for {title}", [*command, "--dest", str(folder), requirement], folder)
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            wheel.extractall(folder / "kept")
        return folder / "kept"

    return _kept(kept_as, fill)


def _kept(kept_as: str, fill: Callable[[Path], Path]) -> Path:
    """A folder of the cache; filled, if it is not there yet, by what ``fill`` makes in a temporary one."""
    wanted = cache() / kept_as
    if not wanted.exists():
        wanted.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=wanted.parent) as folder:
            made = fill(Path(folder))
            # Another process may have been faster; what it fetched is the same.
            with contextlib.suppress(OSError):
                made.rename(wanted)
    return wanted


def _run(title: str, command: Sequence[str], folder: Path) -> None:
    program = shutil.which(command[0])
    if program is None:
        raise ProcessError(title, f"there is no {command[0]} here")
    try:
        done = subprocess.run(
            [program, *command[1:]],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_FETCH_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProcessError(title, f"it could not be run to its end: {error}") from error
    if done.returncode:
        said = " | ".join(done.stdout.strip().splitlines()[:_SHOWN_LINES])
        raise ProcessError(title, f"it ended with {done.returncode}: {said}")


def _pom(name: str, artifacts: Sequence[str]) -> str:
    return "\n".join(
        [
            '<project xmlns="http://maven.apache.org/POM/4.0.0">',
            "  <modelVersion>4.0.0</modelVersion>",
            f"  <groupId>portal</groupId><artifactId>{escape(name)}</artifactId><version>1</version>",
            "  <packaging>pom</packaging>",
            "  <dependencies>",
            *_dependencies(artifacts),
            "  </dependencies>",
            "</project>",
        ]
    )


def _dependencies(artifacts: Sequence[str]) -> Iterator[str]:
    for artifact in artifacts:
        names = zip(("groupId", "artifactId", "version"), artifact.split(":"), strict=True)
        told = "".join(f"<{tag}>{escape(text)}</{tag}>" for tag, text in names)
        yield f"    <dependency>{told}</dependency>"
