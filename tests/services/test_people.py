"""The people of personas.yaml in the situations that their stories tell."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from harness.contract import load_system
from harness.contract.model import JSON
from tests.services.portal import AMARA, BEN, CHLOE, STAFF, Portal, patient

TOLD = frozenset(
    [
        "everything",
        "nothing",
        "infant",
        "teenager",
        "twin-first",
        "twin-second",
        "merged",
        "survivor",
        "long-name",
        "no-fixed-address",
        "lapsed-coverage",
        "two-coverages",
        "corrected-result",
        "prior-authorization",
        "declined-refill",
        "discharged-yesterday",
        "deceased",
        "clinician-patient",
        "revoked-proxy",
        "restricted-address",
    ]
)
"""Stories that every team needs; there are more."""


def test_there_are_people_enough_and_nobody_twice(contracts: Path) -> None:
    people = load_system(contracts).personas
    keys, ids = {each.key for each in people}, {each.id for each in people}
    assert len(people) == len(keys) == len(ids) >= 24
    assert keys >= TOLD
    for each in people:
        assert each.story, each.key
        assert date.fromisoformat(each.facts["birthDate"]) < date(2031, 2, 20), each.key
    assert {each.facts["replacedBy"] for each in people if "replacedBy" in each.facts} <= ids


def test_nobody_can_be_taken_for_a_real_person(contracts: Path) -> None:
    """Only numbers kept for fiction (555-01XX), names under reserved domains (RFC 2606), no SSN's form."""
    written = "\n".join(path.read_text(encoding="utf-8") for path in contracts.rglob("*.yaml"))
    # +1, then an area code and 555-01XX, or without a country code
    for number in re.findall(r"\+1[2-9]\d{9}\b", written):
        assert re.fullmatch(r"\+1\d{3}55501\d\d", number), number
    assert not re.search(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])", written)
    for domain in re.findall(r"[\w.+-]+@([\w.-]+)", written):
        assert re.fullmatch(r".*\bexample(\.(com|net|org))?", domain.strip(".")), domain


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
        ("messaging", "threads"),
        ("messaging", "messages"),
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
        ("encounters-records", "encounters"),
        ("encounters-records", "conditions"),
        ("orders-results", "orders"),
        ("orders-results", "results"),
        ("messaging", "threads"),
        ("messaging", "messages"),
        ("billing", "invoices"),
        ("billing", "payments"),
        ("export-audit", "exports"),
        ("export-audit", "disclosures"),
    ):
        found = portal.get(service, f"/patients/{BEN}/{path}", patient(BEN))
        assert found == {"items": [], "total": 0}


def test_the_two_coverages_are_told_in_the_order_in_which_they_pay(portal: Portal) -> None:
    (esther,) = [each for each in portal.system.personas if each.key == "two-coverages"]
    found = portal.get("coverage", f"/patients/{esther.id}/coverage", STAFF)
    assert [each["order"] for each in found["items"]] == [1, 2]
