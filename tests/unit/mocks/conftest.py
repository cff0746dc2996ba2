"""The library's contract, its mock over HTTP alone, and a broker for all tests of mocks."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from harness.contract import load, load_system
from harness.contract.model import Contract
from harness.kafka.embedded import EmbeddedBroker
from harness.serving.keys import KeyStore
from mocks.mock import build_mock
from tests.conftest import ROOT
from tests.unit.mocks.running import FORGETFUL, LIBRARY, TOPICS, running


@pytest.fixture(scope="session")
def library() -> Contract:
    return load(LIBRARY)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    return KeyStore(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def mocked(library: Contract, keys: KeyStore) -> Iterator[httpx.Client]:
    """A client of the library's mock, which has no Kafka."""
    with (
        running([build_mock(library, keys=keys, conduct=FORGETFUL)]) as urls,
        httpx.Client(base_url=urls["library"]) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def embedded() -> Iterator[EmbeddedBroker]:
    """A broker with the topics of the library and of the shipped contracts.

    One a file: what a mock did not read yet when it ended, the next one acts on, with events of its own.
    """
    shipped = {c.address: c.partitions for c in load_system(ROOT / "contracts").topics.values()}
    with EmbeddedBroker(shipped | TOPICS) as broker:
        yield broker
