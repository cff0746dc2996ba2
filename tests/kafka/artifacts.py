"""Apache Kafka as it is published to Maven Central: fetched once with ``mvn``, kept in a cache folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests import fetched

VERSION = "4.3.1"
"""The latest release of which all artifacts are on Maven Central. Its broker needs Java 17."""

JAVA = 17

_KEPT_AS = f"apache-kafka-{VERSION}"

# slf4j-simple: without a provider what the broker says of its failures is lost.
_ARTIFACTS = (f"org.apache.kafka:kafka_2.13:{VERSION}", "org.slf4j:slf4j-simple:1.7.36")


def obstacle() -> str | None:
    """Why Apache Kafka cannot be started on this machine, as a phrase; None if nothing is in the way."""
    found = fetched.java_version()
    if found is None:
        return f"there is no Java here, and Apache Kafka {VERSION} needs Java {JAVA}"
    if found < JAVA:
        return f"the Java here is {found}, and Apache Kafka {VERSION} needs Java {JAVA}"
    kept = fetched.cache() / _KEPT_AS
    if not kept.exists() and shutil.which("mvn") is None:
        return f"there is no mvn here to fetch Apache Kafka {VERSION} with, and none is kept in {kept}"
    return None


def skip_where_it_cannot_be_had() -> None:
    """Skip the test with the reason, or fail it if ``PORTAL_REQUIRE_KAFKA`` is set."""
    if reason := obstacle():
        if os.environ.get("PORTAL_REQUIRE_KAFKA"):
            pytest.fail(f"PORTAL_REQUIRE_KAFKA is set, but {reason}")
        pytest.skip(reason)


def jars() -> Path:
    """The folder of Apache Kafka's jars, fetched if it is not there yet. Raises ProcessError."""
    return fetched.from_maven(_KEPT_AS, f"Apache Kafka {VERSION}", *_ARTIFACTS)


def archive() -> Path:
    """Where the classes of a broker that has run are kept for the next: with them it starts in half the time.

    A Java virtual machine reads none but its own.
    """
    told = fetched.java_told(fetched.java()).replace(".", "-")
    return fetched.cache() / _KEPT_AS / f"classes-{told or 'unknown'}.jsa"
