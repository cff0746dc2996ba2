"""The shop's contract, and one embedded broker for all tests of the checks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.contract import load_system
from harness.contract.model import Contract, Emission, System
from harness.kafka.broker import Broker
from harness.kafka.embedded import EmbeddedBroker
from harness.target import Limits


@pytest.fixture(scope="session")
def system() -> System:
    """The tickets contract, with events promised within 0.6 s, so that one that is missing shows soon."""
    whole = load_system(Path(__file__).parent / "tickets")
    return replace(whole, contracts={name: _hasty(each) for name, each in whole.contracts.items()})


def _hasty(contract: Contract) -> Contract:
    def sooner(emissions: tuple[Emission, ...]) -> tuple[Emission, ...]:
        return tuple(replace(each, within=0.6) for each in emissions)

    return replace(
        contract,
        operations={k: replace(o, emits=sooner(o.emits)) for k, o in contract.operations.items()},
        message_operations={
            k: replace(o, emits=sooner(o.emits)) for k, o in contract.message_operations.items()
        },
    )


@pytest.fixture(scope="session")
def broker(system: System) -> Iterator[Broker]:
    topics = {address: channel.partitions for address, channel in system.topics.items()}
    with EmbeddedBroker(topics) as embedded:
        yield embedded.broker


@pytest.fixture(scope="session")
def limits() -> Limits:
    return Limits(cases=25, seed=1, settle=0.3, timeout=2.0)
