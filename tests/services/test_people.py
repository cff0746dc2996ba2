"""The people of personas.yaml in the situations that their stories tell."""

from __future__ import annotations

from harness.contract.model import JSON
from tests.services.portal import AMARA, BEN, CHLOE, STAFF, Portal, patient


def _mother(portal: Portal) -> dict[str, JSON]:
    """The claims of the teenager's proxy, with the scopes that her story grants."""
    (teenager,) = [each for each in portal.system.personas if each.key == "teenager"]
    (proxy,) = teenager.facts["proxies"]
    return {"actor": "proxy", "sub": proxy["id"], "proxy_for": [CHLOE], "scope": " ".join(proxy["scopes"])}


def test_a_limited_proxy_sees_the_teenagers_appointments_and_nothing_else(portal: Portal) -> None:
    mother = _mother(portal)

    assert portal.get("scheduling", f"/patients/{CHLOE}/appointments", mother)["total"] == 1
    for service, path in (
        ("coverage", "coverage"),
        ("notifications", "deliveries"),
        ("notifications", "preferences"),
    ):
        assert portal.call(service, "GET", f"/patients/{CHLOE}/{path}", mother).status_code == 403


def test_a_proxy_of_one_is_nobody_to_another(portal: Portal) -> None:
    mother = _mother(portal)

    listed = portal.call("scheduling", "GET", f"/patients/{AMARA}/appointments", mother)
    known = portal.call("scheduling", "GET", "/appointments/apt-20000001", mother)
    unknown = portal.call("scheduling", "GET", "/appointments/apt-nowhere00", mother)

    assert (listed.status_code, known.status_code, unknown.status_code) == (403, 404, 404)
    told = [{**each.json(), "instance": None} for each in (known, unknown)]
    assert told[0] == told[1]


def test_who_has_nothing_gets_empty_lists_and_no_error(portal: Portal) -> None:
    for service, path in (
        ("scheduling", "appointments"),
        ("coverage", "coverage"),
        ("notifications", "devices"),
        ("notifications", "deliveries"),
    ):
        found = portal.get(service, f"/patients/{BEN}/{path}", patient(BEN))
        assert found == {"items": [], "total": 0}


def test_the_two_coverages_are_told_in_the_order_in_which_they_pay(portal: Portal) -> None:
    (esther,) = [each for each in portal.system.personas if each.key == "two-coverages"]
    found = portal.get("coverage", f"/patients/{esther.id}/coverage", STAFF)
    assert [each["order"] for each in found["items"]] == [1, 2]
