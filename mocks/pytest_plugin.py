"""Mocks in a consumer's own tests: the fixtures ``portal_mock`` and ``portal_kafka``.

``pip install 'portal-harness[mock]'`` is enough; pytest finds the plugin by itself. A consumer that calls a
service with httpx is tested without one, and without a socket::

    import httpx

    def test_the_page_shows_a_slot(portal_mock):
        scheduling = portal_mock("scheduling", base_url="https://scheduling.example")

        client = httpx.Client(base_url="https://scheduling.example")
        token = scheduling.token(patient="pat-4k7m2q9x1a")
        slot = client.get("/v1/slots/slt-10000001", headers={"Authorization": f"Bearer {token}"}).json()

        assert slot["status"] == "free"
        scheduling.assert_called("getSlot", times=1, path={"slotId": "slt-10000001"})

``portal_mock(contract, base_url=…, state=…, seed=…, strict=…, kafka=…)`` takes the name of a service in the
folder that ``portal_contracts`` in pytest's ini names (default: ``contracts`` in the root folder, else the
contracts that come with Portal), or the path of a contract's folder or file. It may be called for several
services. Synchronous and asynchronous clients are answered; a host that no mock answers for fails as respx
has it.
A request that breaks the contract fails the test with the contract's line, what was sent (never what is
``x-phi``) and what is documented; one that the consumer hid, by catching it or in another thread, fails it
at its end. ``strict=False`` leaves it at the documented refusal. ``journal`` holds what the mock took in
and gave out; ``assert_called`` explains near misses.

``portal_kafka`` is an embedded broker: one process for the whole run, with the topics of the folder's
contracts and of every mock that is given it. Each test takes its positions at the end of the topics when it
begins, so it does not see what earlier tests left there::

    import httpx

    def test_a_booking_is_told(portal_mock, portal_kafka):
        scheduling = portal_mock("scheduling", kafka=portal_kafka)
        token = scheduling.token(patient="pat-4k7m2q9x1a")
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "booking-0001"}

        wanted = {"patientId": "pat-4k7m2q9x1a", "slotId": "slt-10000004"}
        httpx.post(f"{scheduling.url}/v1/appointments", json=wanted, headers=headers).raise_for_status()

        [event] = portal_kafka.received("portal.scheduling.appointment.v1")
        assert event.json()["to"] == "pending"

This module imports nothing but pytest before a fixture is used.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from harness.kafka.broker import Broker
    from mocks.asgi import LoopThread
    from mocks.intercepting import Interception
    from mocks.kafka_here import TestKafka
    from mocks.shelf import Shelf

_FAILED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "portal_contracts", "folder of contracts in which portal_mock finds services by name", "string", ""
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[_FAILED] = report.failed or (report.when != "setup" and item.stash.get(_FAILED, False))
    return report


@pytest.fixture(scope="session")
def _portal_shelf(pytestconfig: pytest.Config) -> Shelf:
    from mocks.shelf import Shelf

    named = str(pytestconfig.getini("portal_contracts"))
    return Shelf(pytestconfig.rootpath / named if named else None, pytestconfig.rootpath)


@pytest.fixture(scope="session")
def _portal_loop() -> Iterator[LoopThread]:
    from mocks.asgi import LoopThread

    loop = LoopThread()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def _portal_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("portal-keys")


@pytest.fixture(scope="session")
def _portal_broker(_portal_shelf: Shelf) -> Iterator[Broker]:
    from harness.kafka.embedded import EmbeddedBroker

    topics = {each.address: each.partitions for each in _portal_shelf.channels}
    with EmbeddedBroker(topics) as embedded:
        yield embedded.broker


@pytest.fixture
def portal_mock(
    request: pytest.FixtureRequest, _portal_shelf: Shelf, _portal_loop: LoopThread, _portal_keys: Path
) -> Iterator[Interception]:
    """Makes mocks that answer this test's httpx clients: ``portal_mock("scheduling")``."""
    from harness.serving.keys import KeyStore
    from mocks.intercepting import Interception

    def fail(text: str) -> NoReturn:
        pytest.fail(text, pytrace=False)

    with Interception(_portal_shelf, _portal_loop, KeyStore(_portal_keys), fail) as interception:
        yield interception
    if interception.misuses and not request.node.stash.get(_FAILED, False):
        pytest.fail("\n\n".join(interception.misuses), pytrace=False)


@pytest.fixture
def portal_kafka(_portal_broker: Broker, _portal_shelf: Shelf) -> Iterator[TestKafka]:
    """An embedded broker with the contracts' topics, on which this test sees only what comes from now on."""
    from mocks.kafka_here import TestKafka

    with TestKafka(_portal_broker) as kafka:
        kafka.follow(_portal_shelf.channels)
        yield kafka
