"""Export and audit: no part is made up, no proxy learns too much, no copy outlives its time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from harness.contract.model import JSON
from harness.kafka.listening import Listener
from tests.services.portal import AMARA, BEN, CHLOE, STAFF, Portal, patient, running

SERVICE, TOPIC = "export-audit", "export-audit.export"
DAUGHTER = "rel-2b7k9v4x6m"
OWNER: Mapping[str, JSON] = {"actor": "service", "sub": "medications"}


@pytest.fixture(scope="module")
def without_sources(contracts: Path) -> Iterator[Portal]:
    """Nobody hands a part over but the test."""
    with running(contracts, SERVICE, "proxy-consent") as portal:
        yield portal


@pytest.fixture
def portal(without_sources: Portal) -> Portal:
    """Freshly seeded."""
    without_sources.reset()
    return without_sources


def _proxy(of: str, who: str = DAUGHTER) -> dict[str, JSON]:
    return {"actor": "proxy", "sub": who, "proxy_for": [of]}


def _asked(portal: Portal, who: str, *sources: str, by: Mapping[str, JSON] | None = None) -> str:
    """The id of a new export."""
    body: dict[str, JSON] = {"sources": list(sources)}
    answer = portal.make(SERVICE, f"/patients/{who}/exports", by or patient(who), body)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/exports/{answer.json()['id']}"
    return str(answer.json()["id"])


def _thing(confidentiality: str = "N", note: str = "as shown") -> dict[str, JSON]:
    return {
        "resourceType": "MedicationRequest",
        "resourceId": "med-21000001",
        "confidentiality": confidentiality,
        "resource": {"note": note},
    }


def _delivered(portal: Portal, export: str, source: str, *things: JSON) -> httpx.Response:
    return portal.call(SERVICE, "PUT", f"/exports/{export}/parts/{source}", OWNER, {"entries": list(things)})


def _shown(portal: Portal, export: str) -> dict[str, JSON]:
    found = portal.get(SERVICE, f"/exports/{export}")
    assert isinstance(found, dict)
    return found


def _copy(portal: Portal, export: str, by: Mapping[str, JSON]) -> httpx.Response:
    return portal.call(SERVICE, "GET", f"/exports/{export}/content", by)


def _reasons(heard: Listener, export: str, until: str) -> list[str]:
    heard.wait_for(lambda each: each.key == export and each.json()["reason"] == until, 10.0)
    heard.settle(0.3)
    return [each.json()["reason"] for each in heard.records if each.key == export]


def test_a_copy_is_there_when_every_source_has_handed_its_part_over(portal: Portal) -> None:
    with portal.listen(TOPIC) as heard:
        export = _asked(portal, BEN, "medications", "scheduling")
        assert _copy(portal, export, patient(BEN)).status_code == 409
        assert _delivered(portal, export, "scheduling").status_code == 201
        assert _shown(portal, export)["awaited"] == ["medications"]
        assert _delivered(portal, export, "medications", _thing()).status_code == 201
        portal.advance(SERVICE, "PT2S")
        assert _reasons(heard, export, until="completed") == [
            "requested", "part-received", "part-received", "completed"
        ]  # fmt: skip
    copy = _copy(portal, export, patient(BEN)).json()
    assert copy["parts"] == [
        {"source": "medications", "entries": [_thing()]},
        {"source": "scheduling", "entries": []},
    ], "an empty part is a part"
    assert "partial" not in copy
    told = next(each.json() for each in heard.records if each.key == export)
    assert told["sources"] == ["medications", "scheduling"]
    assert "note" not in str([each.json() for each in heard.records])


def test_a_part_that_is_missing_after_ten_minutes_is_said_to_be(portal: Portal) -> None:
    export = _asked(portal, BEN, "medications", "billing")
    portal.advance(SERVICE, "PT5M")
    _delivered(portal, export, "medications")
    portal.advance(SERVICE, "PT4M55S")
    assert _shown(portal, export)["status"] == "in-progress"
    portal.advance(SERVICE, "PT6S")
    done = _shown(portal, export)
    missing = [{"source": "billing", "since": done["requestedAt"], "reason": "not-delivered"}]
    assert (done["status"], done["partial"]) == ("completed", missing)
    copy = _copy(portal, export, patient(BEN)).json()
    assert (copy["parts"], copy["partial"]) == ([{"source": "medications", "entries": []}], missing)
    late = _delivered(portal, export, "billing", _thing())
    assert late.status_code == 409, "what may have been downloaded stays as it is"


def test_an_export_of_which_nothing_came_has_failed(portal: Portal) -> None:
    with portal.listen(TOPIC) as heard:
        export = _asked(portal, BEN, "medications", "billing")
        portal.advance(SERVICE, "PT10M1S")
        assert _reasons(heard, export, until="nothing-delivered") == ["requested", "nothing-delivered"]
    failed = _shown(portal, export)
    assert failed["status"] == "failed"
    assert [each["source"] for each in failed["partial"]] == ["medications", "billing"]
    assert _copy(portal, export, patient(BEN)).status_code == 410


def test_a_part_that_is_lost_is_not_shown_as_empty(portal: Portal) -> None:
    since = "2031-02-20T07:00:00Z"
    made = portal.exists(
        SERVICE, "ExportJob", status="completed", patientId=BEN, sources=["billing"], awaited=[],
        parts=[{"source": "billing", "receivedAt": since}], content=[],
    )  # fmt: skip
    copy = _copy(portal, str(made["id"]), patient(BEN)).json()
    assert (copy["parts"], copy["partial"]) == ([], [{"source": "billing", "since": since, "reason": "lost"}])


def test_a_part_that_is_handed_over_again_takes_the_place_of_the_first(portal: Portal) -> None:
    export = _asked(portal, BEN, "medications", "billing")
    assert _delivered(portal, export, "medications", _thing(note="first")).status_code == 201
    for _ in range(2):
        assert _delivered(portal, export, "medications", _thing(note="second")).status_code == 200
    _delivered(portal, export, "billing")
    portal.advance(SERVICE, "PT2S")
    parts = _copy(portal, export, patient(BEN)).json()["parts"]
    assert parts[0]["entries"] == [_thing(note="second")]


def test_a_part_has_bounds_and_was_asked_for(portal: Portal) -> None:
    export = _asked(portal, BEN, "medications")
    assert _delivered(portal, export, "billing").status_code == 422
    assert _delivered(portal, export, "medications", _thing(note="x" * 140_000)).status_code == 413
    assert _delivered(portal, export, "medications", *[_thing()] * 1001).status_code == 400
    beyond = {**_thing(), "resource": {"value": 2**64}}
    assert _delivered(portal, export, "medications", beyond).status_code == 422
    path = f"/exports/{export}/parts/medications"
    for who in (patient(BEN), _proxy(BEN), STAFF):
        assert portal.call(SERVICE, "PUT", path, who, {"entries": []}).status_code == 403
    assert _shown(portal, export)["status"] == "accepted"


def test_a_download_ends_after_24_hours_and_the_content_with_it(portal: Portal) -> None:
    export = _asked(portal, BEN, "medications")
    _delivered(portal, export, "medications", _thing(note="gone tomorrow"))
    portal.advance(SERVICE, "PT2S")
    portal.advance(SERVICE, "PT23H59M50S")
    assert _copy(portal, export, patient(BEN)).status_code == 200
    portal.advance(SERVICE, "PT1M")
    refused = _copy(portal, export, patient(BEN))
    assert (refused.status_code, "gone" in refused.text) == (410, False)
    assert _shown(portal, export)["status"] == "expired"


def test_the_patient_calls_an_export_off_and_nobody_else_does(portal: Portal) -> None:
    export = _asked(portal, CHLOE, "medications", by=_proxy(CHLOE))
    path = f"/exports/{export}/cancel"
    for who in (_proxy(CHLOE), STAFF, OWNER, {"actor": "clinician", "sub": "c-1", "treats": [CHLOE]}):
        assert portal.post(SERVICE, path, who, If_Match="*").status_code == 403
    assert portal.post(SERVICE, path, patient(BEN), If_Match="*").status_code == 404
    assert portal.post(SERVICE, path, patient(CHLOE), If_Match="*").json()["status"] == "cancelled"
    assert _delivered(portal, export, "medications").status_code == 409
    assert portal.post(SERVICE, path, patient(CHLOE), If_Match="*").status_code == 409


@pytest.mark.parametrize("status", ["accepted", "in-progress", "completed"])
def test_a_grant_that_ends_calls_off_what_its_proxy_asked_for(portal: Portal, status: str) -> None:
    made = {"status": status, "awaited": ["billing"], "sources": ["billing"], "parts": [], "patientId": BEN}
    theirs, anothers, own = (
        str(portal.exists(SERVICE, "ExportJob", **made, startedBy=who)["id"])
        for who in (DAUGHTER, "rel-5s1f8g3j2k", BEN)
    )
    body = {"patientId": BEN, "proxyId": DAUGHTER, "level": "adult", "scopes": ["patient/Export.read"]}
    grant = portal.make("proxy-consent", "/proxy-grants", patient(BEN), body).json()["id"]
    with portal.listen(TOPIC) as heard:
        for verb, more in (("approve", {}), ("revoke", {"reason": "patient-request"})):
            path = f"/proxy-grants/{grant}/{verb}"
            answer = portal.post("proxy-consent", path, STAFF, more, If_Match="*")
            assert answer.status_code == 200, answer.text
        assert _reasons(heard, theirs, until="access-ended") == ["access-ended"]
        assert {each.key for each in heard.records} == {theirs}
    assert _shown(portal, theirs)["status"] == "cancelled"
    assert _copy(portal, theirs, _proxy(BEN)).status_code in {404, 410}
    assert [_shown(portal, each)["status"] for each in (anothers, own)] == [status, status]


def test_a_proxy_s_copy_holds_nothing_restricted_and_does_not_say_so(portal: Portal) -> None:
    export = _asked(portal, CHLOE, "medications", "coverage", by=_proxy(CHLOE))
    _delivered(portal, export, "medications", _thing("N"), _thing("R", "hidden"), _thing("V", "hidden"))
    _delivered(portal, export, "coverage", _thing("R", "hidden"))
    portal.advance(SERVICE, "PT2S")
    copy = _copy(portal, export, _proxy(CHLOE))
    assert copy.json()["parts"] == [
        {"source": "medications", "entries": [_thing("N")]},
        {"source": "coverage", "entries": []},
    ]
    assert "partial" not in copy.json()
    assert len(_copy(portal, export, patient(CHLOE)).json()["parts"][0]["entries"]) == 3


def test_what_the_patient_asked_for_no_proxy_learns_of(portal: Portal) -> None:
    own = _asked(portal, CHLOE, "medications")
    shared = _asked(portal, CHLOE, "medications", by=_proxy(CHLOE))
    _delivered(portal, own, "medications", _thing())
    portal.advance(SERVICE, "PT2S")
    for path in (f"/exports/{own}", f"/exports/{own}/content"):
        assert portal.call(SERVICE, "GET", path, _proxy(CHLOE)).status_code == 404
    listed = portal.get(SERVICE, f"/patients/{CHLOE}/exports", _proxy(CHLOE))
    assert ([each["id"] for each in listed["items"]], listed["total"]) == ([shared], 1)
    assert portal.get(SERVICE, f"/patients/{CHLOE}/exports", patient(CHLOE))["total"] == 2
    assert _copy(portal, own, STAFF).status_code == 403, "staff see how it stands, not what it holds"


def test_a_download_is_written_down(portal: Portal) -> None:
    export = _asked(portal, BEN, "medications", by=_proxy(BEN))
    _delivered(portal, export, "medications")
    portal.advance(SERVICE, "PT2S")
    _copy(portal, export, _proxy(BEN))
    log = portal.get(SERVICE, f"/patients/{BEN}/access-log", patient(BEN))["items"]
    (entry,) = [each for each in log if each["service"] == SERVICE]
    assert (entry["agentId"], entry["onBehalfOf"], entry["operation"]) == (DAUGHTER, BEN, "downloadExport")
    assert portal.get(SERVICE, "/access-log/verification")["intact"] is True
    assert portal.call(SERVICE, "GET", f"/patients/{BEN}/access-log", _proxy(BEN)).status_code == 403


def test_the_people_are_in_their_situations(portal: Portal) -> None:
    """Imani's mother has a copy of what there is; Xavier's lacks the bills; Ruth's nephew was refused."""
    infant, mother = "pat-0a5k3r8w2m", _proxy("pat-0a5k3r8w2m", AMARA)
    assert portal.get(SERVICE, f"/patients/{infant}/exports", mother)["total"] == 2
    assert len(_copy(portal, "exp-31000003", mother).json()["parts"]) == 2
    xavier = _copy(portal, "exp-31000004", patient("pat-7p3s6d0v4j")).json()
    assert [each["source"] for each in xavier["partial"]] == ["billing"]
    log = portal.get(SERVICE, "/patients/pat-9k2d7m4g0a/access-log?outcome=denied")["items"]
    (denied,) = [each for each in log if each["id"] == "acc-32000003"]
    assert denied["agentId"] == "rel-8w3q6y1c4n"
