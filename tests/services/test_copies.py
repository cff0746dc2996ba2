"""Copies through the front door: a patient asks, sources hand over their parts, what is missing is named."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import pytest

from harness.contract.model import JSON
from reference_services.platform import records
from tests.services.portal import AMARA, BEN, Portal, eventually, patient

SERVICE = "export-audit"
SOURCES = (
    "patient-profile", "proxy-consent", "scheduling", "encounters-records", "medications", "orders-results",
    "messaging", "notifications", "coverage", "billing",
)  # fmt: skip
READERS: Mapping[str, Callable[[str], Mapping[str, JSON]]] = {
    "patient": patient,
    "proxy": lambda of: {"actor": "proxy", "sub": "rel-8w3q6y1c4n", "proxy_for": [of]},
}


def ask(
    portal: Portal, who: str, *sources: str, by: Mapping[str, JSON] | None = None
) -> tuple[str, Mapping[str, JSON]]:
    """The id of an export of this patient's, and the claims of who asked."""
    claims = by or patient(who)
    answer = portal.make(SERVICE, f"/patients/{who}/exports", claims, {"sources": list(sources)})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"]), claims


def delivered(portal: Portal, export: str, claims: Mapping[str, JSON], but: Collection[str] = ()) -> None:
    """Wait until all parts are there, except those that are not to be expected."""

    def look() -> JSON:
        found = portal.get(SERVICE, f"/exports/{export}", claims)
        return found if set(found["awaited"]) == set(but) else None

    eventually(look)


def downloaded(portal: Portal, export: str, claims: Mapping[str, JSON], after: str = "PT2S") -> JSON:
    portal.advance(SERVICE, after)
    return portal.get(SERVICE, f"/exports/{export}/content", claims)


def by_source(content: JSON) -> dict[str, list[JSON]]:
    return {part["source"]: part["entries"] for part in content["parts"]}


def test_every_source_hands_over_what_it_has_of_the_patient(portal: Portal) -> None:
    export, claims = ask(portal, AMARA, *SOURCES)
    delivered(portal, export, claims)
    content = downloaded(portal, export, claims)

    parts = by_source(content)
    assert set(parts) == set(SOURCES)
    assert "partial" not in content
    assert portal.get(SERVICE, f"/exports/{export}", claims)["status"] == "completed"
    (profile,) = (each for each in parts["patient-profile"] if each["resourceType"] == "Patient")
    assert profile["resource"] == portal.get("patient-profile", f"/patients/{AMARA}", claims)
    for source, kind, path in (
        ("scheduling", "Appointment", "appointments"),
        ("medications", "MedicationRequest", "medications"),
        ("coverage", "Coverage", "coverage"),
    ):
        held = [each["resource"] for each in parts[source] if each["resourceType"] == kind]
        assert held, source
        shown = portal.get(source, f"/patients/{AMARA}/{path}?limit=100", claims)["items"]
        assert sorted(held, key=str) == sorted(shown, key=str)


def test_a_source_that_has_nothing_hands_over_an_empty_part(portal: Portal) -> None:
    export, claims = ask(portal, BEN, "orders-results", "patient-profile")
    delivered(portal, export, claims)

    parts = by_source(downloaded(portal, export, claims))
    assert parts["orders-results"] == []
    assert parts["patient-profile"] != []


def test_a_source_that_cannot_be_heard_of_is_named_as_missing(portal: Portal) -> None:
    stopped = portal.hosted["medications"]
    stopped.stop()
    try:
        export, claims = ask(portal, AMARA, "scheduling", "medications", "coverage")
        delivered(portal, export, claims, but={"medications"})
        content = downloaded(portal, export, claims, "PT10M")
    finally:
        stopped.start()
        stopped.join()

    assert set(by_source(content)) == {"scheduling", "coverage"}
    (missing,) = content["partial"]
    assert (missing["source"], missing["reason"]) == ("medications", "not-delivered")
    assert portal.get(SERVICE, f"/exports/{export}", claims)["status"] == "completed"


@pytest.mark.parametrize("reader", ["patient", "proxy"])
def test_a_proxy_s_copy_holds_nothing_that_is_restricted(portal: Portal, reader: str) -> None:
    """What was handed over is looked at where it is kept: a download would show a proxy none of it anyway."""
    contact = {"email": "in.confidence@mail.example", "restricted": True}
    who = str(
        portal.exists("patient-profile", "Patient", status="active", confidentiality="N", contact=contact)[
            "id"
        ]
    )
    restricted = portal.exists("scheduling", "Appointment", patientId=who, confidentiality="R")["id"]
    plain = portal.exists("scheduling", "Appointment", patientId=who, confidentiality="N")["id"]

    export, claims = ask(portal, who, "scheduling", "patient-profile", by=READERS[reader](who))
    delivered(portal, export, claims)

    with portal.hosted[SERVICE].store.transaction(write=False) as transaction:
        kept = records.read(transaction, "ExportJob", export)
    assert kept is not None
    parts = {part["source"]: part["entries"] for part in kept["content"]}
    everything = reader == "patient"
    assert {each["resourceId"] for each in parts["scheduling"]} == (
        {plain, restricted} if everything else {plain}
    )
    (profile,) = parts["patient-profile"]
    assert ("contact" in profile["resource"]) is everything


@pytest.mark.parametrize("reader", ["patient", "proxy"])
def test_what_the_service_holds_back_is_held_back_from_copies(portal: Portal, reader: str) -> None:
    held = portal.exists(
        "orders-results", "Report", patientId=AMARA, status="final", release="held", confidentiality="N"
    )  # fmt: skip
    export, claims = ask(portal, AMARA, "orders-results", by=READERS[reader](AMARA))
    delivered(portal, export, claims)

    entries = by_source(downloaded(portal, export, claims))["orders-results"]
    (report,) = (each["resource"] for each in entries if each["resourceId"] == held["id"])
    assert {"code", "observations", "conclusion"} & report.keys() == set()
