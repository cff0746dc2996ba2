"""compose.yaml offers the same broker as the tests' starter, as far as a file can be held to that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.contract.documents import read_yaml
from tests.conftest import ROOT
from tests.kafka import apache
from tests.kafka.artifacts import VERSION
from tests.kafka.properties import LOOPBACK, single_node

PREFIX = "KAFKA_"
PORTS = {"PLAINTEXT": 9092, "CONTROLLER": 9093}
OF_THIS_MACHINE = {"log.dirs", "listeners", "advertised.listeners"}
"""Where a container has its own: its data, and every address of its network to listen on."""


@pytest.fixture
def kafka() -> Any:
    """The service in compose.yaml."""
    document: Any = read_yaml(ROOT / "compose.yaml")
    assert list(document) == ["services"]
    assert list(document["services"]) == ["kafka", "postgres"]
    return document["services"]["kafka"]


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
    ours = single_node(PORTS, Path("data"), {})
    assert {name for name, value in found.items() if not isinstance(value, str)} == set(), "quote it"
    for name in ours.keys() | found.keys():
        if name not in OF_THIS_MACHINE:
            assert found.get(name) == ours.get(name, "").replace(LOOPBACK, "localhost"), name


def test_it_is_reached_where_it_says_it_is(kafka: Any) -> None:
    found = properties(kafka)
    assert found["advertised.listeners"] == "PLAINTEXT://localhost:9092"
    assert found["listeners"] == "PLAINTEXT://:9092,CONTROLLER://:9093"
    assert kafka["ports"] == [f"{LOOPBACK}:9092:9092"], "from this machine alone"
    assert kafka["healthcheck"]["test"][-1] == "localhost:9092", "up --wait waits for it"
