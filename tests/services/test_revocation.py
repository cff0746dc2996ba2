"""Whose grant has ended is refused by every service, soon; and by whoever cannot know."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.contract import load_system
from harness.kafka.embedded import EmbeddedBroker
from tests.services.portal import ESTHER, STAFF, Portal, eventually, list_for_proxies, patient, running_on

PROXY = "rel-0123456789"
SOON = 5.0
"""Seconds in which the domain wants a revocation to be known everywhere."""


def letting_proxies_in(portal: Portal) -> dict[str, str]:
    """Service → the path of a list of the patient's that a proxy may read."""
    contracts = portal.system.contracts.values()
    found = {
        each.service: list_for_proxies(each, ESTHER)
        for each in contracts
        if each.service in portal.addresses.services
    }
    return {service: path for service, path in found.items() if path is not None}


def statuses(portal: Portal, paths: Mapping[str, str], sub: str = PROXY) -> dict[str, int]:
    """What each service answers to a proxy whose token is good."""
    proxy = {"actor": "proxy", "sub": sub, "proxy_for": [ESTHER]}
    return {each: portal.call(each, "GET", path, proxy).status_code for each, path in paths.items()}


def granted(portal: Portal, sub: str = PROXY) -> str:
    """The path of a new active grant."""
    body = {"patientId": ESTHER, "proxyId": sub, "level": "adult", "scopes": ["patient/Slot.read"]}
    asked = portal.make("proxy-consent", "/proxy-grants", patient(ESTHER), body)
    assert asked.status_code == 201, asked.text
    path = f"/proxy-grants/{asked.json()['id']}"
    answer = portal.post("proxy-consent", f"{path}/approve", STAFF, {}, If_Match="*")
    assert answer.status_code == 200, answer.text
    return path


def revoke(portal: Portal, grant: str) -> None:
    answer = portal.post("proxy-consent", f"{grant}/revoke", STAFF, {"reason": "safety"}, If_Match="*")
    assert answer.status_code == 200, answer.text


def test_every_service_refuses_a_revoked_proxy_within_five_seconds(portal: Portal) -> None:
    paths = letting_proxies_in(portal)
    assert len(paths) >= 7, "a service is missing"
    grant = granted(portal)
    assert set(statuses(portal, paths).values()) == {200}

    revoke(portal, grant)

    eventually(lambda: True if set(statuses(portal, paths).values()) == {403} else None, SOON)
    for service, path in paths.items():
        assert portal.call(service, "GET", path, patient(ESTHER)).status_code == 200


def test_who_was_revoked_and_is_granted_anew_is_let_in_again(portal: Portal) -> None:
    paths = letting_proxies_in(portal)
    grant = granted(portal)
    revoke(portal, grant)
    eventually(lambda: True if set(statuses(portal, paths).values()) == {403} else None, SOON)

    granted(portal)

    eventually(lambda: True if set(statuses(portal, paths).values()) == {200} else None, SOON)


@pytest.mark.timeout(120)
def test_while_it_cannot_be_known_proxies_are_refused(contracts: Path) -> None:
    """The broker is gone: a revocation could be missed."""
    system = load_system(contracts)
    topics = {each.address: each.partitions for each in system.topics.values()}
    with EmbeddedBroker(topics) as embedded, running_on(embedded.broker, system, "coverage") as portal:
        paths = letting_proxies_in(portal)
        assert statuses(portal, paths) == {"coverage": 200}
        gone = time.monotonic()
        embedded.stop()

        eventually(lambda: True if statuses(portal, paths) == {"coverage": 403} else None, SOON + 2.0)

        assert time.monotonic() - gone > SOON / 2, "it was refused before there was a reason"
        assert portal.call("coverage", "GET", paths["coverage"], patient(ESTHER)).status_code == 200
