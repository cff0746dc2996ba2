"""The access log and the account of disclosures: nothing is lost, nothing is changed unseen, nobody is told
who must not be."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson
import pytest

from harness.contract.model import JSON
from harness.kafka.wire import Publisher
from reference_services.export_audit.chain import digest
from tests.services.portal import (
    AMARA,
    BEN,
    CHLOE,
    ESTHER,
    STAFF,
    TRACE,
    Portal,
    eventually,
    patient,
    running,
)

SERVICE, DAUGHTER, REGISTRY = "export-audit", "rel-2b7k9v4x6m", "org-34000001"


@pytest.fixture(scope="module")
def logging_portal(contracts: Path) -> Iterator[Portal]:
    with running(contracts, SERVICE, "proxy-consent", "patient-profile") as portal:
        yield portal


@pytest.fixture
def portal(logging_portal: Portal) -> Portal:
    """Those whom the log concerns here, freshly seeded: nobody else tells of accesses."""
    logging_portal.reset()
    return logging_portal


def _happened(portal: Portal, who: str, **more: JSON) -> str:
    """An access as a service tells of it; returns its id."""
    access = f"acc-{uuid.uuid4().hex[:20]}"
    payload: dict[str, JSON] = {
        "id": access, "service": "medications", "operation": "listMedications", "action": "R",
        "agentId": "prv-70000001", "actor": "clinician", "patientId": who, "outcome": "granted",
        "purpose": "TREAT", "breakGlass": False, "occurredAt": "2031-02-20T08:00:00Z", "confidentiality": "N",
        **more,
    }  # fmt: skip
    _publish(portal, access, payload, str(uuid.uuid4()))
    return access


def _publish(portal: Portal, access: str, payload: Mapping[str, JSON], event: str) -> None:
    headers = {
        "ce_specversion": "1.0", "ce_id": event, "ce_type": "portal.export-audit.AccessHappened.v1",
        "ce_source": "/portal/medications", "ce_subject": access, "ce_time": "2031-02-20T08:00:00Z",
        "content-type": "application/json", "ce_correlationid": "a-test", "ce_causationid": "a-test",
        "ce_sequence": "1", "traceparent": TRACE,
    }  # fmt: skip
    sent = [(name, text.encode()) for name, text in headers.items()]
    with Publisher(portal.broker) as publisher:
        publisher.send("portal.export-audit.access.v1", access, sent, orjson.dumps(payload))
        publisher.flush(5.0)


def _entry(portal: Portal, who: str, access: str) -> dict[str, JSON]:
    """An entry of a patient's log, as soon as it is there."""

    def look() -> dict[str, JSON] | None:
        items = portal.get(SERVICE, f"/patients/{who}/access-log?limit=100")["items"]
        return next((each for each in items if each["id"] == access), None)

    return eventually(look)


def _verified(portal: Portal) -> dict[str, JSON]:
    found = portal.get(SERVICE, "/access-log/verification")
    assert isinstance(found, dict)
    return found


def test_every_access_is_an_entry_bound_to_the_one_before(portal: Portal) -> None:
    before = _verified(portal)
    assert before["intact"] is True, "the examples are a chain, too"
    first = _entry(portal, BEN, _happened(portal, BEN))
    refused = _happened(portal, BEN, actor="proxy", agentId=DAUGHTER, outcome="denied", purpose="FAMRQT")
    second = _entry(portal, BEN, refused)
    assert (first["sequence"], first["previousHash"]) == (
        before["head"]["sequence"] + 1,
        before["head"]["hash"],
    )
    assert (second["sequence"], second["previousHash"]) == (first["sequence"] + 1, first["hash"])
    assert (second["outcome"], second["onBehalfOf"], "onBehalfOf" in first) == ("denied", BEN, False)
    after = _verified(portal)
    assert (after["intact"], after["entries"]) == (True, before["entries"] + 2)
    assert after["head"] == {"sequence": second["sequence"], "hash": second["hash"]}


def test_anybody_can_make_the_hash_of_what_an_entry_says(portal: Portal) -> None:
    """As the contract has it: canonical JSON without the hash, the one before included."""
    entry = _entry(portal, BEN, _happened(portal, BEN))
    said = {name: value for name, value in entry.items() if name != "hash"}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == entry["hash"]


def test_an_access_that_is_told_twice_is_one_entry(portal: Portal) -> None:
    access = _happened(portal, BEN)
    entry = _entry(portal, BEN, access)
    told = {"recordedAt", "sequence", "previousHash", "hash"}
    _publish(portal, access, {n: v for n, v in entry.items() if n not in told}, str(uuid.uuid4()))
    _entry(portal, BEN, _happened(portal, BEN))
    assert portal.get(SERVICE, f"/patients/{BEN}/access-log")["total"] == 2


def _tampered(portal: Portal, action: str, entry: Mapping[str, JSON]) -> None:
    """What only somebody with access to the store can do: ``setup`` over an entry, or ``teardown``."""
    body = {"state": "AccessEntry exists", "action": action, "parameters": entry}
    answer = portal.client.post(f"{portal.addresses.control[SERVICE]}/states", json=body)
    assert answer.is_success, answer.text


@pytest.fixture
def written(portal: Portal) -> list[dict[str, JSON]]:
    """Three entries, in their order."""
    return [_entry(portal, BEN, _happened(portal, BEN)) for _ in range(3)]


def test_an_entry_that_was_changed_is_found(portal: Portal, written: list[dict[str, JSON]]) -> None:
    _tampered(portal, "setup", {**written[1], "agentId": "somebody-else"})
    broken = {"sequence": written[1]["sequence"], "entryId": written[1]["id"], "reason": "altered"}
    found = _verified(portal)
    assert (found["intact"], found["broken"]) == (False, broken)


@pytest.mark.parametrize(("which", "shows"), [(0, 1), (1, 2), (2, 2)])
def test_an_entry_that_was_changed_with_its_hash_is_found(
    portal: Portal, written: list[dict[str, JSON]], which: int, shows: int
) -> None:
    """The one behind it goes on from another hash; behind the last it is the log's own end that does."""
    changed = {**written[which], "agentId": "somebody-else"}
    _tampered(portal, "setup", {**changed, "hash": digest(changed)})
    broken = _verified(portal)["broken"]
    assert (broken["sequence"], broken["reason"]) == (written[shows]["sequence"], "unchained")


@pytest.mark.parametrize("which", [1, 2], ids=["in the middle", "at the end"])
def test_an_entry_that_was_taken_away_is_found(
    portal: Portal, written: list[dict[str, JSON]], which: int
) -> None:
    _tampered(portal, "teardown", {"id": written[which]["id"]})
    assert _verified(portal)["broken"] == {"sequence": written[which]["sequence"], "reason": "missing"}


def test_no_operation_changes_or_deletes_an_entry(portal: Portal) -> None:
    for operation in portal.system.contracts[SERVICE].operations.values():
        if "access-log" in operation.path:
            assert operation.method.lower() == "get", operation.id


def test_a_record_that_is_opened_in_an_emergency_is_an_entry_at_once(portal: Portal) -> None:
    body = {"patientId": BEN, "purpose": "ETREAT", "reason": "Found unconscious", "minutes": 30}
    who = {"actor": "clinician", "sub": "prv-70000001"}
    opened = portal.make("proxy-consent", "/break-glass", who, body)
    assert opened.status_code == 201, opened.text

    def look() -> dict[str, JSON] | None:
        return next(iter(portal.get(SERVICE, f"/patients/{BEN}/access-log")["items"]), None)

    entry = eventually(look, within=5.0)
    assert (entry["agentId"], entry["breakGlass"], entry["operation"]) == ("prv-70000001", True, "breakGlass")
    assert "unconscious" not in str(entry)
    path = f"/break-glass/{opened.json()['id']}/review"
    assert (
        portal.post("proxy-consent", path, STAFF, {"outcome": "justified"}, If_Match="*").status_code == 200
    )
    _entry(portal, BEN, _happened(portal, BEN))
    operations = [each["operation"] for each in portal.get(SERVICE, f"/patients/{BEN}/access-log")["items"]]
    assert operations.count("breakGlass") == 1, "a review opens nothing"


def test_what_went_to_somebody_outside_is_accounted_for(portal: Portal) -> None:
    outside: dict[str, JSON] = {"recipientId": REGISTRY, "disclosed": ["Condition"]}
    access = _happened(portal, BEN, **outside, purpose="PUBHLTH")
    _happened(portal, BEN, **outside, purpose="TREAT")
    _happened(portal, BEN, **outside, purpose="HLEGAL", outcome="denied")
    _entry(portal, BEN, _happened(portal, BEN, purpose="PUBHLTH"))
    _entry(portal, BEN, _happened(portal, BEN, **outside, purpose="PATRQT"))
    (disclosure,) = portal.get(SERVICE, f"/patients/{BEN}/disclosures", patient(BEN))["items"]
    assert (disclosure["recipientId"], disclosure["accessEntryId"]) == (REGISTRY, access)
    assert (disclosure["disclosed"], disclosure["purpose"]) == (["Condition"], "PUBHLTH")


def test_an_account_goes_back_six_years(portal: Portal) -> None:
    year = portal.now(SERVICE).year
    for ago in (5, 7):
        portal.exists(SERVICE, "Disclosure", patientId=BEN, disclosedAt=f"{year - ago}-01-01T09:00:00Z")
    (disclosure,) = portal.get(SERVICE, f"/patients/{BEN}/disclosures")["items"]
    assert disclosure["disclosedAt"].startswith(str(year - 5))


def test_restricted_disclosures_are_hidden_from_proxies_and_their_totals(portal: Portal) -> None:
    for confidentiality in ("N", "R"):
        portal.exists(SERVICE, "Disclosure", patientId=CHLOE, confidentiality=confidentiality)
    assert (
        portal.get(
            SERVICE,
            f"/patients/{CHLOE}/disclosures",
            {"actor": "proxy", "sub": DAUGHTER, "proxy_for": [CHLOE]},
        )["total"]
        == 1
    )
    assert portal.get(SERVICE, f"/patients/{CHLOE}/disclosures", patient(CHLOE))["total"] == 2


def test_a_merge_moves_all_but_the_log_which_the_survivor_sees_as_it_was_written(portal: Portal) -> None:
    export = portal.exists(SERVICE, "ExportJob", patientId=ESTHER, status="completed")["id"]
    asked = portal.exists(SERVICE, "ExportJob", patientId=BEN, startedBy=ESTHER, confidentiality="N")["id"]
    portal.exists(SERVICE, "Disclosure", patientId=ESTHER)
    entry = _entry(portal, ESTHER, _happened(portal, ESTHER))
    merge = portal.post("patient-profile", f"/patients/{ESTHER}/merge", STAFF, {"into": AMARA}, If_Match="*")
    assert merge.status_code == 200
    for path in ("exports", "disclosures", "access-log"):
        eventually(lambda path=path: portal.get(SERVICE, f"/patients/{ESTHER}/{path}")["total"] == 0 or None)  # type: ignore[misc]
    assert _entry(portal, AMARA, str(entry["id"])) == entry, "under the record's old id, with its old hash"
    mine = portal.get(SERVICE, f"/patients/{AMARA}/access-log", patient(AMARA))
    assert entry["id"] in [each["id"] for each in mine["items"]]
    assert _verified(portal)["intact"] is True
    assert portal.get(SERVICE, f"/exports/{export}")["patientId"] == AMARA
    assert portal.get(SERVICE, f"/exports/{asked}")["startedBy"] == AMARA
    late = _happened(portal, ESTHER)
    assert _entry(portal, AMARA, late)["patientId"] == ESTHER, "told of the old record after the merge"
