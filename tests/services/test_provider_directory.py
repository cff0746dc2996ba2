"""The directory's own rules: open to everybody, an NPI that is one, and no way back for who has left."""

from __future__ import annotations

import httpx
import pytest

from harness.contract.model import JSON
from tests.services.portal import AMARA, STAFF, Portal, patient

LEAVING, SATO = "prv-70000006", "prv-70000002"


def _anybody(portal: Portal, path: str) -> httpx.Response:
    return portal.client.get(f"{portal.addresses.services['provider-directory']}/v1{path}")


@pytest.mark.parametrize("path", ["/providers", f"/providers/{SATO}", "/locations", "/services"])
def test_it_is_read_without_a_token(portal: Portal, path: str) -> None:
    assert _anybody(portal, path).status_code == 200


@pytest.mark.parametrize(
    ("npi", "status"), [("1234567893", 200), ("1234567898", 400), ("3234567893", 400), ("123456789", 400)]
)
def test_an_identifier_must_have_its_check_digit(portal: Portal, npi: str, status: int) -> None:
    answer = _anybody(portal, f"/providers?npi={npi}")
    assert answer.status_code == status, answer.text
    if status == 200:
        assert [each["id"] for each in answer.json()["items"]] == [SATO]


def test_no_two_providers_have_one_identifier(portal: Portal) -> None:
    control = portal.addresses.control["provider-directory"]

    def exists(**parameters: JSON) -> httpx.Response:
        body = {"state": "Provider exists", "action": "setup", "parameters": parameters}
        return portal.client.post(f"{control}/states", json=body)

    assert exists(id="prv-another1", npi="1234567893").status_code == 422
    assert exists(id="prv-another2").json()["document"]["npi"] != "1234567893"
    assert exists(id="prv-another3", npi="1234567898").status_code == 422


def test_a_provider_works_where_a_place_is(portal: Portal) -> None:
    def move(*places: str) -> httpx.Response:
        return portal.call(
            "provider-directory",
            "PATCH",
            f"/providers/{SATO}",
            STAFF,
            {"locationIds": list(places)},
            If_Match="*",
        )

    refused = move("loc-80000002", "loc-nowhere00")
    assert refused.status_code == 422
    assert [each["pointer"] for each in refused.json()["errors"]] == ["/locationIds/1"]
    assert move("loc-80000002").json()["locationIds"] == ["loc-80000002"]
    there = _anybody(portal, "/providers?locationIds=loc-80000002").json()["items"]
    assert SATO in [each["id"] for each in there]


def test_who_has_left_takes_nobody_and_does_not_come_back(portal: Portal) -> None:
    path = f"/providers/{LEAVING}"
    with portal.listen("provider-directory.provider") as heard:
        left = portal.post("provider-directory", f"{path}/deactivate", STAFF, If_Match='"1"')
        heard.settle(0.3)
    assert (left.status_code, left.json()["status"], left.json()["acceptingPatients"]) == (
        200, "inactive", False
    )  # fmt: skip
    (told,) = [each.json() for each in heard.records]
    assert (told["id"], told["from"], told["to"], told["reason"]) == (
        LEAVING, "active", "inactive", "deactivated"
    )  # fmt: skip
    again = portal.post("provider-directory", f"{path}/deactivate", STAFF, If_Match="*")
    change = portal.call("provider-directory", "PATCH", path, STAFF, {"languages": ["en"]}, If_Match="*")
    assert (again.status_code, change.status_code) == (409, 409)


def test_patients_change_nothing(portal: Portal) -> None:
    answer = portal.post("provider-directory", f"/providers/{SATO}/deactivate", patient(AMARA), If_Match="*")
    assert answer.status_code == 403
