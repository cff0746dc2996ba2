"""What leads to a proxy is sent while they have a grant; that is asked again at sending."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from harness.contract import load_system
from harness.contract.model import JSON
from harness.kafka.embedded import EmbeddedBroker
from harness.kafka.listening import Listener
from tests.services.portal import BEN, ESTHER, Portal, eventually, patient, running_on

SERVICE, DELIVERIES = "notifications", "notifications.delivery"
NEPHEW, ANNA = "rel-8w3q6y1c4n", "rel-0anna00001"


def _proxy(of: str, who: str = NEPHEW) -> dict[str, JSON]:
    return {"actor": "proxy", "sub": who, "proxy_for": [of]}


def _prefers(portal: Portal, whose: str, by: Mapping[str, JSON], **wish: JSON) -> dict[str, JSON]:
    path = f"/patients/{whose}/preferences"
    tag = portal.call(SERVICE, "GET", path, by).headers["etag"]
    answer = portal.call(SERVICE, "PUT", path, by, {"channels": [], **wish}, If_Match=tag)
    assert answer.status_code == 200, answer.text
    found: dict[str, JSON] = answer.json()
    return found


def _device(portal: Portal, whose: str, by: Mapping[str, JSON]) -> dict[str, JSON]:
    body = {"platform": "web", "token": uuid.uuid4().hex}
    answer = portal.make(SERVICE, f"/patients/{whose}/devices", by, body)
    assert answer.status_code == 201, answer.text
    found: dict[str, JSON] = answer.json()
    return found


def _begun(portal: Portal, whose: str, **more: JSON) -> dict[str, JSON]:
    """A new delivery; an hour passes before anything more becomes of it, unless the clock is advanced."""
    told = {
        "id": f"apt-{uuid.uuid4().hex[:20]}",
        "patientId": whose,
        "from": "pending",
        "to": "booked",
        **more,
    }
    portal.tell("scheduling", "appointmentChanged", **told)

    def look() -> dict[str, JSON] | None:
        path = f"/patients/{whose}/deliveries?appointmentId={told['id']}"
        found = portal.get(SERVICE, path, patient(whose))["items"]
        return found[0] if found else None

    delivery = eventually(look)
    earlier = (portal.now(SERVICE) - timedelta(hours=1)).isoformat()
    answer = portal.client.put(f"{portal.addresses.control[SERVICE]}/clock", json={"now": earlier})
    assert answer.is_success, answer.text
    return delivery


def _told_of_grant(portal: Portal, to: str, whose: str = BEN, grant: str = "prx-50000001") -> None:
    version = 2 if to == "active" else 3
    told = {"id": grant, "version": version, "from": "active" if version == 3 else "proposed", "to": to}
    why = {"reason": "approved" if to == "active" else "patient-request", "level": "adult"}
    scopes = ["patient/Communication.read"]
    who: dict[str, JSON] = {"patientId": whose, "proxyId": NEPHEW, "scopes": scopes}
    portal.tell("proxy-consent", "grantChanged", **told, **why, **who)


def _revoked(portal: Portal, whose: str = BEN, grant: str = "prx-50000001") -> None:
    """Notifications knows it, once this returns."""
    _told_of_grant(portal, "inactive", whose, grant)
    path = f"/patients/{whose}/devices"
    eventually(lambda: portal.call(SERVICE, "GET", path, _proxy(whose)).status_code == 403 or None)


def _ended(portal: Portal, delivery: Mapping[str, JSON]) -> tuple[JSON, JSON]:
    """(status, why not) once all time that a delivery takes has passed."""
    portal.advance(SERVICE, "PT5H")
    found = portal.get(SERVICE, f"/deliveries/{delivery['id']}")
    return found["status"], found.get("notDoneReason")


def _why(heard: Listener, delivery: Mapping[str, JSON]) -> list[JSON]:
    """The reasons of what was told of it, up to its end."""

    def ends(record: object) -> bool:
        return any(each.key == delivery["id"] and each.json()["to"] == "not-done" for each in heard.records)

    assert heard.wait_for(ends, within=5.0, mark=0) is not None
    return [each.json()["reason"] for each in heard.records if each.key == delivery["id"]]


def test_what_waits_for_a_revoked_proxy_is_not_sent(portal: Portal) -> None:
    assert _device(portal, BEN, _proxy(BEN))["proxyId"] == NEPHEW
    _device(portal, ESTHER, patient(ESTHER))
    for whose in (BEN, ESTHER):
        _prefers(portal, whose, patient(whose), channels=["push"])
    waits, others = _begun(portal, BEN), _begun(portal, ESTHER)
    assert (waits["channel"], waits["proxyId"], waits["status"]) == ("push", NEPHEW, "preparation")
    assert "proxyId" not in others

    with portal.listen(DELIVERIES) as heard:
        _revoked(portal)
        assert _why(heard, waits) == ["proxy-revoked"]
        assert _ended(portal, waits) == ("not-done", "proxy-revoked")
        assert _why(heard, waits) == ["proxy-revoked"]
    assert _ended(portal, others) == ("completed", None)

    again = portal.post(SERVICE, f"/deliveries/{waits['id']}/retry", patient(BEN), If_Match="*").json()
    assert (again["status"], again["channel"]) == ("preparation", "none")
    assert not {"proxyId", "accessEndsAt", "notDoneReason"} & again.keys()


def test_while_the_grant_holds_it_is_sent(portal: Portal) -> None:
    """Also if the same proxy has lost another patient's, or one of two."""
    _device(portal, BEN, _proxy(BEN))
    _prefers(portal, BEN, patient(BEN), channels=["push"])
    _told_of_grant(portal, "active", grant="prx-50000002")
    _told_of_grant(portal, "active", grant="prx-50000003")
    waits = _begun(portal, BEN)
    _told_of_grant(portal, "inactive", grant="prx-50000002")
    _revoked(portal, ESTHER, grant="prx-50000002")  # of one key events come in order: this one is the later
    assert _ended(portal, waits) == ("completed", None)


def test_at_sending_it_is_asked_again(portal: Portal) -> None:
    """Whatever was noted on the delivery when the grant ended: here it came about afterwards."""
    _told_of_grant(portal, "active")
    _revoked(portal)
    waits = _waiting(portal, BEN, proxyId=NEPHEW)
    assert _ended(portal, waits) == ("not-done", "proxy-revoked")


def test_an_address_is_whose_who_set_it(portal: Portal) -> None:
    theirs = {"channels": ["email"], "email": "nephew@mail.example"}
    assert _prefers(portal, BEN, _proxy(BEN), **theirs)["proxyId"] == NEPHEW
    assert _prefers(portal, BEN, _proxy(BEN, ANNA), language="sv", **theirs)["proxyId"] == NEPHEW
    waits = _begun(portal, BEN)
    assert (waits["channel"], waits["proxyId"]) == ("email", NEPHEW)
    _revoked(portal)
    assert _ended(portal, waits) == ("not-done", "proxy-revoked")
    assert _begun(portal, BEN)["channel"] == "none"

    assert "proxyId" not in _prefers(portal, BEN, patient(BEN), channels=["email"], email="ben@mail.example")
    assert _begun(portal, BEN)["channel"] == "email"


def test_the_patient_s_own_device_comes_first(portal: Portal) -> None:
    _prefers(portal, BEN, patient(BEN), channels=["push"])
    _device(portal, BEN, _proxy(BEN))
    _device(portal, BEN, patient(BEN))
    assert "proxyId" not in _begun(portal, BEN)


def test_what_is_restricted_leads_to_no_proxy(portal: Portal) -> None:
    _prefers(portal, BEN, patient(BEN), channels=["push"])
    _device(portal, BEN, _proxy(BEN))
    assert _begun(portal, BEN, confidentiality="R")["channel"] == "none"


def test_while_it_cannot_be_known_nothing_is_sent_to_a_proxy(contracts: Path) -> None:
    """The broker is gone: the end of a grant could be missed. What leads to patients is sent."""
    system = load_system(contracts)
    topics = {each.address: each.partitions for each in system.topics.values()}
    with EmbeddedBroker(topics) as embedded, running_on(embedded.broker, system, SERVICE) as portal:
        embedded.stop()
        path = f"/patients/{BEN}/devices"
        eventually(lambda: portal.call(SERVICE, "GET", path, _proxy(BEN)).status_code == 403 or None)

        waits, others = _waiting(portal, BEN, proxyId=NEPHEW), _waiting(portal, ESTHER)
        assert _ended(portal, waits) == ("not-done", "access-unknown")
        assert _ended(portal, others) == ("completed", None)


def _waiting(portal: Portal, whose: str, **more: JSON) -> dict[str, JSON]:
    return portal.exists(SERVICE, "Delivery", status="preparation", patientId=whose, channel="push", **more)
