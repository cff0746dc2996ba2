"""Any one service stops: the others work on, whatever is asked of them, and what waited is delivered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.contract import load_system
from harness.driving.bench import Bench
from harness.driving.requests import send, successful
from harness.kafka.embedded import EmbeddedBroker
from harness.target import Limits, Target
from tests.conftest import ROOT
from tests.consumers.merging import NEW, OLD
from tests.services.portal import STAFF, Portal, eventually, running_on
from tests.services.test_revocation import granted, letting_proxies_in, revoke, statuses

SERVICES = sorted(load_system(ROOT / "contracts").contracts)
BACK = 20.0
"""Seconds in which a service that comes back has taken in what waited."""


@pytest.fixture(scope="module")
def lasting(contracts: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """All services, on databases that outlast them."""
    system, databases = load_system(contracts), tmp_path_factory.mktemp("databases")
    topics = {each.address: each.partitions for each in system.topics.values()}
    with (
        EmbeddedBroker(topics) as embedded,
        running_on(embedded.broker, system, *system.contracts, databases=databases) as portal,
    ):
        yield portal


@pytest.mark.timeout(180)
@pytest.mark.parametrize("stopped", SERVICES)
def test_the_others_do_without_it(lasting: Portal, stopped: str) -> None:
    proxy = f"rel-{SERVICES.index(stopped):08}"
    service, paths = lasting.hosted[stopped], letting_proxies_in(lasting)
    if stopped == "proxy-consent":
        lasting.exists(stopped, "ProxyGrant", status="active", patientId=OLD)
    service.stop()
    try:
        assert lasting.client.get(lasting.addresses.services[stopped] + "/health/ready").status_code == 503
        tried = {name: _operations(lasting, name, stopped) for name in SERVICES if name != stopped}
        assert all(tried.values()), tried
        if stopped == "proxy-consent":
            _merge(lasting)
        elif stopped in paths:
            revoke(lasting, granted(lasting, proxy))
    finally:
        service.start()
    if stopped == "proxy-consent":
        path = "/patients/{}/proxy-grants".format
        eventually(lambda: lasting.get(stopped, path(OLD))["total"] == 0 or None, BACK)
        assert lasting.get(stopped, path(NEW))["total"] > 0
    elif stopped in paths:
        own = {stopped: paths[stopped]}
        eventually(lambda: statuses(lasting, own, proxy) == {stopped: 403} or None, BACK)


def _operations(portal: Portal, name: str, stopped: str) -> int:
    """Every operation of a service that does not list the stopped one succeeds; with how many there are."""
    addresses, keys = portal.addresses, portal.keys
    target = Target(
        name,
        addresses.services[name],
        "reference",
        frozenset({"kafka", "control", "state", "access", "idempotency"}),
        portal.broker,
        addresses.control[name],
        keys.mint,
    )
    tried = 0
    with Bench(portal.system, target, Limits(timeout=20.0)) as bench:
        for operation in bench.operations():
            if stopped in (operation.requires or ()):
                continue
            exchange = send(bench, successful(bench, operation))
            assert exchange.ok, f"without {stopped}: {exchange.curl()}: {exchange.received()}"
            tried += 1
    return tried


def _merge(portal: Portal) -> None:
    body = {"into": NEW}
    answer = portal.post("patient-profile", f"/patients/{OLD}/merge", STAFF, body, If_Match="*")
    assert answer.status_code == 200, answer.text
