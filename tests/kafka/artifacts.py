"""Apache Kafka as it is published to Maven Central: fetched once with ``mvn``, kept in a cache folder."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from harness.errors import ProcessError

VERSION = "4.3.1"
"""The latest release of which all artifacts are on Maven Central. Its broker needs Java 17."""

JAVA = 17

_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
_FETCH_SECONDS = 900.0
_SHOWN_LINES = 8

# slf4j-simple: without a provider what the broker says of its failures is lost.
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>portal</groupId>
  <artifactId>apache-kafka</artifactId>
  <version>{VERSION}</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>{VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
"""


def java() -> str:
    """The program: of ``$JAVA_HOME``, else of the path; a bare name if there is neither."""
    home = os.environ.get("JAVA_HOME")
    if home and Path(home, "bin", "java").exists():
        return str(Path(home, "bin", "java"))
    return shutil.which("java") or "java"


def obstacle() -> str | None:
    """Why Apache Kafka cannot be started on this machine, as a phrase; None if nothing is in the way."""
    found = _java_version()
    if found is None:
        return f"there is no Java here, and Apache Kafka {VERSION} needs Java {JAVA}"
    if found < JAVA:
        return f"the Java here is {found}, and Apache Kafka {VERSION} needs Java {JAVA}"
    if not _jars().exists() and shutil.which("mvn") is None:
        return f"there is no mvn here to fetch Apache Kafka {VERSION} with, and none is kept in {_jars()}"
    return None


def skip_where_it_cannot_be_had() -> None:
    """Skip the test with the reason, or fail it if ``PORTAL_REQUIRE_KAFKA`` is set."""
    if reason := obstacle():
        if os.environ.get("PORTAL_REQUIRE_KAFKA"):
            pytest.fail(f"PORTAL_REQUIRE_KAFKA is set, but {reason}")
        pytest.skip(reason)


def jars() -> Path:
    """The folder of Apache Kafka's jars, fetched if it is not there yet. Raises ProcessError."""
    wanted = _jars()
    if not wanted.exists():
        wanted.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=wanted.parent) as folder:
            _fetch(Path(folder))
            # Another process may have been faster; its jars are the same.
            with contextlib.suppress(OSError):
                Path(folder, "jars").rename(wanted)
    return wanted


def archive() -> Path:
    """Where the classes of a broker that has run are kept for the next: with them it starts in half the time.

    A Java virtual machine reads none but its own.
    """
    return _jars() / f"classes-{java_told().replace('.', '-') or 'unknown'}.jsa"


def _jars() -> Path:
    return _cache() / f"apache-kafka-{VERSION}"


def _cache() -> Path:
    """``$PORTAL_CACHE``, else the platform's folder for what can be fetched again."""
    if named := os.environ.get("PORTAL_CACHE"):
        return Path(named).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "portal"
    return Path(os.environ.get("XDG_CACHE_HOME", "") or Path.home() / ".cache") / "portal"


def _fetch(folder: Path) -> None:
    (folder / "pom.xml").write_text(_POM, encoding="utf-8")
    program = f"mvn for Apache Kafka {VERSION}"
    options = ["-B", "-q", "-ntp", "-DincludeScope=runtime", "-DoutputDirectory=jars"]
    try:
        done = subprocess.run(
            [shutil.which("mvn") or "mvn", *options, _PLUGIN],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_FETCH_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProcessError(
            f"mvn for Apache Kafka {VERSION}", f"it could not be run to its end: {error}"
        ) from error
    if done.returncode:
        said = " | ".join(done.stdout.strip().splitlines()[:_SHOWN_LINES])
        raise ProcessError(program, f"it ended with {done.returncode}: {said}")


def _java_version() -> int | None:
    """The major version of the Java here; None without one."""
    major = re.match(r"(?:1\.)?(\d+)", java_told())
    return int(major.group(1)) if major else None


@functools.cache
def java_told() -> str:
    """What Java says its version is, such as 17.0.15; empty without one."""
    try:
        done = subprocess.run([java(), "-version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    told = re.search(r'version "([^"]+)"', done.stderr)
    return told.group(1) if told else ""
