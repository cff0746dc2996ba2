"""compose.yaml offers the tests' broker, and the portal on it, as far as a file can be held to that."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.cli.app import run
from harness.contract.documents import read_yaml
from tests.conftest import ROOT
from tests.kafka import apache
from tests.kafka.artifacts import VERSION
from tests.kafka.properties import LOOPBACK, single_node

PREFIX = "KAFKA_"
PORTS = {"PLAINTEXT": 9092, "CONTROLLER": 9093, "INSIDE": 19092}
"""INSIDE is for containers beside it, to which ``localhost`` is themselves."""

OF_THIS_MACHINE = {"log.dirs", "listeners", "advertised.listeners"}
"""Where a container has its own: its data, and every address of its network to listen on."""


@pytest.fixture
def services() -> Any:
    """Those in compose.yaml."""
    document: Any = read_yaml(ROOT / "compose.yaml")
    assert list(document) == ["services"]
    assert list(document["services"]) == ["kafka", "postgres", "portal"]
    return document["services"]


@pytest.fixture
def kafka(services: Any) -> Any:
    """The broker."""
    return services["kafka"]


def properties(kafka: Any) -> dict[str, str]:
    """What the image makes of its environment: without the prefix, in small letters, dots for underscores."""
    return {
        name.removeprefix(PREFIX).lower().replace("_", "."): value
        for name, value in kafka["environment"].items()
    }


def test_it_is_the_same_version(kafka: Any) -> None:
    assert kafka["image"] == f"apache/kafka:{VERSION}"


def test_it_is_set_up_the_same_way(kafka: Any) -> None:
    found = properties(kafka)
    assert found.pop("heap.opts") == f"-Xmx{apache.HEAP}"
    ours = single_node(PORTS, Path("data"), {"INSIDE": "PLAINTEXT"})
    assert {name for name, value in found.items() if not isinstance(value, str)} == set(), "quote it"
    for name in ours.keys() | found.keys():
        if name not in OF_THIS_MACHINE:
            assert found.get(name) == ours.get(name, "").replace(LOOPBACK, "localhost"), name


def test_it_is_reached_where_it_says_it_is(kafka: Any) -> None:
    found = properties(kafka)
    assert found["advertised.listeners"] == "PLAINTEXT://localhost:9092,INSIDE://kafka:19092"
    assert found["listeners"] == "PLAINTEXT://:9092,CONTROLLER://:9093,INSIDE://:19092"
    assert kafka["ports"] == [f"{LOOPBACK}:9092:9092"], "from this machine alone"
    assert kafka["healthcheck"]["test"][-1] == "localhost:9092", "up --wait waits for it"


def judged(file: Path) -> subprocess.CompletedProcess[str]:
    """Held to the schema of the Compose Specification."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_it_keeps_the_compose_specification(tmp_path: Path) -> None:
    file = ROOT / "compose.yaml"
    done = judged(file)
    assert done.returncode == 0, done.stdout
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(file.read_text().replace("depends_on:", "depend_on:"))
    assert "depend_on" in judged(wrong).stdout, "a wrong word is seen"


def test_the_portal_is_there_when_it_is_asked_for(services: Any) -> None:
    """``docker compose up`` alone offers the two servers, as ever."""
    assert [name for name, each in services.items() if "profiles" not in each] == ["kafka", "postgres"]
    portal = services["portal"]
    assert portal["depends_on"] == {
        name: {"condition": "service_healthy"}
        for name in ("kafka", "postgres")
        if services[name]["healthcheck"]
    }
    assert portal["build"] == "."
    assert (ROOT / "Dockerfile").is_file()


def test_the_portal_is_confined(services: Any) -> None:
    portal = services["portal"]
    assert portal["read_only"] is True
    assert portal["tmpfs"] == ["/tmp"]  # noqa: S108 - the container's own
    assert portal["cap_drop"] == ["ALL"]
    assert portal["security_opt"] == ["no-new-privileges:true"]
    password = "${PORTAL_DATABASE_PASSWORD:-portal}"
    assert portal["environment"] == {"PGPASSWORD": password}
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"] == password


def test_the_portal_has_a_port_for_each_service(services: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """What it is told is understood: that there are no such servers here is all that it complains of."""
    command = services["portal"]["command"]
    first = int(next(each for each in command if each.startswith("--port=")).removeprefix("--port="))
    last = first + len(list((ROOT / "contracts").glob("*/openapi.yaml"))) - 1
    assert services["portal"]["ports"] == [f"{LOOPBACK}:{first}-{last}:{first}-{last}"]
    assert "--kafka=kafka:19092" in command
    elsewhere = [
        each.replace("=kafka:19092", "=127.0.0.1:9").replace("@postgres", "@127.0.0.1:9") for each in command
    ]
    assert run(elsewhere) == 2
    assert "this database cannot be opened" in capsys.readouterr().err
    assert run([each for each in elsewhere if "database" not in each]) == 2
    assert "Kafka at 127.0.0.1:9" in capsys.readouterr().err
