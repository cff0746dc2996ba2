"""Who may act for whom and until when, what a consent opens and closes, and what an emergency does."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from harness.contract.model import JSON
from tests.services.portal import AMARA, BEN, CHLOE, ESTHER, STAFF, Portal, eventually, patient

IMANI, RUTH, STANISLAW, XAVIER = "pat-0a5k3r8w2m", "pat-9k2d7m4g0a", "pat-0h8z5p1t3b", "pat-7p3s6d0v4j"
MOTHER, NEPHEW, DAUGHTER = "rel-5s1f8g3j2k", "rel-8w3q6y1c4n", "rel-2b7k9v4x6m"
DOCTOR, OTHER = "prv-70000001", "prv-70000002"
SERVICE = {"actor": "service", "sub": "scheduling"}
VISITS, RECORDS, BILLS = "patient/Appointment.read", "patient/Condition.read", "patient/Invoice.read"
ALL = ["hiv", "psychiatric", "reproductive", "substance-use"]


def _made(portal: Portal, path: str, body: JSON, claims: JSON = STAFF) -> httpx.Response:
    return portal.make("proxy-consent", path, claims, body)


def _done(portal: Portal, path: str, body: JSON = None, claims: JSON = STAFF) -> httpx.Response:
    return portal.post("proxy-consent", path, claims, body, If_Match="*")


def _answer(portal: Portal, who: str, actor: str, id: str, scope: str = VISITS, **more: JSON) -> JSON:
    body = {"patientId": who, "actor": actor, "actorId": id, "scope": scope, **more}
    answer = portal.post("proxy-consent", "/access-decisions", SERVICE, body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _says(portal: Portal, *asked: str, **more: JSON) -> tuple[str, str]:
    told = _answer(portal, *asked, **more)
    return told["decision"], told["reason"]


def _grant(portal: Portal, **said: JSON) -> JSON:
    return portal.exists("proxy-consent", "ProxyGrant", **said)


def _ahead(portal: Portal, **by: float) -> str:
    return (portal.now("proxy-consent") + timedelta(**by)).isoformat()


@pytest.mark.parametrize(
    ("who", "actor", "id", "scope", "decision", "reason", "sensitive"),
    [
        (AMARA, "patient", AMARA, RECORDS, "permit", "own", ALL),
        (AMARA, "patient", BEN, RECORDS, "deny", "not-own", []),
        (IMANI, "proxy", AMARA, RECORDS, "permit", "granted", []),
        (IMANI, "proxy", AMARA, BILLS, "permit", "granted", []),
        (IMANI, "proxy", MOTHER, RECORDS, "deny", "no-grant", []),
        (CHLOE, "proxy", MOTHER, VISITS, "permit", "granted", []),
        (CHLOE, "proxy", MOTHER, RECORDS, "deny", "not-granted", []),
        (CHLOE, "proxy", MOTHER, BILLS, "permit", "granted", []),
        (STANISLAW, "proxy", DAUGHTER, VISITS, "permit", "granted", ["psychiatric"]),
        (STANISLAW, "proxy", DAUGHTER, BILLS, "deny", "not-granted", []),
        (RUTH, "proxy", NEPHEW, VISITS, "deny", "no-grant", []),
        (AMARA, "clinician", DOCTOR, RECORDS, "deny", "no-relationship", []),
        (AMARA, "clinician", DOCTOR, BILLS, "deny", "no-billing", []),
        (XAVIER, "staff", "staff-1", RECORDS, "permit", "minimum-necessary", []),
        (XAVIER, "staff", "staff-1", BILLS, "permit", "minimum-necessary", []),
        (XAVIER, "service", "billing", BILLS, "permit", "declared", ALL),
        ("pat-n0b0dy000", "proxy", MOTHER, VISITS, "deny", "no-grant", []),
    ],
)
def test_who_may_see_what(
    portal: Portal,
    who: str,
    actor: str,
    id: str,
    scope: str,
    decision: str,
    reason: str,
    sensitive: list[str],
) -> None:
    told = _answer(portal, who, actor, id, scope)
    assert (told["decision"], told["reason"], told["sensitive"]) == (decision, reason, sensitive)
    if decision == "permit":
        closed = _says(portal, who, actor, id, scope, sensitivity="reproductive")
        assert closed == (("permit", reason) if "reproductive" in sensitive else ("deny", "sensitive"))


def test_a_teenagers_proxy_never_sees_what_is_sensitive(portal: Portal) -> None:
    """Not even by a state in which it is written down."""
    _grant(
        portal, patientId=BEN, proxyId=MOTHER, status="active", level="teenager",
        scopes=[VISITS, RECORDS], sensitive=["hiv"],
    )  # fmt: skip
    assert _answer(portal, BEN, "proxy", MOTHER)["sensitive"] == []
    assert _says(portal, BEN, "proxy", MOTHER, sensitivity="hiv") == ("deny", "sensitive")
    assert _says(portal, BEN, "proxy", MOTHER, RECORDS) == ("deny", "not-granted")


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"proxyId": CHLOE}, "/proxyId"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": [VISITS, RECORDS]}, "/scopes/1"),
        ({"sensitive": ["hiv"]}, "/sensitive"),
        ({"endsAt": "2020-01-01T00:00:00Z"}, "/endsAt"),
    ],
)
def test_what_cannot_be_asked_for(portal: Portal, said: dict[str, JSON], pointer: str) -> None:
    asked = {"patientId": CHLOE, "proxyId": MOTHER, "level": "teenager", "scopes": [VISITS], **said}
    answer = _made(portal, "/proxy-grants", asked, patient(CHLOE))
    assert answer.status_code == 422, answer.text
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("level", "approval", "ends"),
    [
        ("child", {"birthDate": "2024-06-11", "endsAtAge": 12}, "2036-06-11T00:00:00.000Z"),
        ("child", {"birthDate": "2024-06-11", "endsAtAge": 13}, "2037-06-11T00:00:00.000Z"),
        ("teenager", {"birthDate": "2012-02-29", "endsAtAge": 18}, "2030-03-01T00:00:00.000Z"),
        ("adult", {}, None),
        ("child", {}, "refused"),
        ("child", {"endsAtAge": 12}, "refused"),
        ("child", {"birthDate": "2024-06-11", "endsAtAge": 18}, "refused"),
        ("child", {"birthDate": "2010-06-11", "endsAtAge": 12}, "refused"),
        ("child", {"birthDate": "2999-06-11", "endsAtAge": 12}, "refused"),
        ("teenager", {"birthDate": "2012-02-29", "endsAtAge": 13}, "refused"),
        ("adult", {"birthDate": "2012-02-29", "endsAtAge": 18}, "refused"),
    ],
)
def test_a_childs_grant_ends_at_an_age(portal: Portal, level: str, approval: JSON, ends: str | None) -> None:
    asked = {"patientId": BEN, "proxyId": MOTHER, "level": level, "scopes": [VISITS]}
    grant = _made(portal, "/proxy-grants", asked).json()
    answer = _done(portal, f"/proxy-grants/{grant['id']}/approve", approval)
    if ends == "refused":
        assert answer.status_code == 422, answer.text
        assert _says(portal, BEN, "proxy", MOTHER) == ("deny", "no-grant")
    else:
        assert (answer.status_code, answer.json().get("endsAt")) == (200, ends), answer.text
        assert "birthDate" not in answer.text
        assert _says(portal, BEN, "proxy", MOTHER) == ("permit", "granted")


def test_an_earlier_end_stays(portal: Portal) -> None:
    soon = _ahead(portal, days=3)
    grant = _grant(portal, patientId=BEN, level="child", status="proposed", endsAt=soon)
    approval = {"birthDate": "2024-06-11", "endsAtAge": 12}
    answer = _done(portal, f"/proxy-grants/{grant['id']}/approve", approval)
    assert answer.json()["endsAt"] == soon


def test_with_the_birthday_it_is_over_and_told_without_anybody_doing_anything(portal: Portal) -> None:
    now = portal.now("proxy-consent")
    days = next(days for days in range(1, 5) if (now + timedelta(days=days)).day <= 28)
    birthday = (now + timedelta(days=days)).date()
    born = birthday.replace(year=birthday.year - 12)
    grant = _grant(portal, patientId=BEN, proxyId=MOTHER, level="child", status="proposed")
    approval = {"birthDate": born.isoformat(), "endsAtAge": 12}
    assert _done(portal, f"/proxy-grants/{grant['id']}/approve", approval).status_code == 200
    assert _says(portal, BEN, "proxy", MOTHER) == ("permit", "granted")
    with portal.listen("proxy-consent.grant") as heard:
        portal.advance("proxy-consent", f"P{days}D")
        heard.settle(0.3)
    (told,) = [each.json() for each in heard.records if each.key == grant["id"]]
    assert (told["from"], told["to"], told["reason"]) == ("active", "inactive", "ended")
    assert "endsAt" not in told, "it is a birthday"
    assert _says(portal, BEN, "proxy", MOTHER) == ("deny", "no-grant")


def test_whose_access_is_revoked_is_refused_at_once_and_everybody_hears_of_it(portal: Portal) -> None:
    grant = _grant(portal, patientId=ESTHER, proxyId=MOTHER, status="active", level="adult", scopes=[VISITS])
    assert _says(portal, ESTHER, "proxy", MOTHER) == ("permit", "granted")
    with portal.listen("proxy-consent.grant") as heard:
        path = f"/proxy-grants/{grant['id']}/revoke"
        answer = _done(portal, path, {"reason": "safety"}, patient(ESTHER))
        assert (answer.status_code, answer.json()["status"]) == (200, "inactive")
        assert _says(portal, ESTHER, "proxy", MOTHER) == ("deny", "no-grant")
        (told,) = heard.wait_for(lambda each: each.key == grant["id"], 5.0) or pytest.fail("nothing is told")
    assert (told.json()["to"], told.json()["reason"], told.json()["proxyId"]) == (
        "inactive",
        "safety",
        MOTHER,
    )


def test_what_nobody_approved_is_rejected(portal: Portal) -> None:
    grant = _grant(portal, patientId=ESTHER, status="proposed", level="adult")
    answer = _done(portal, f"/proxy-grants/{grant['id']}/revoke", {"reason": "error"})
    assert answer.json()["status"] == "rejected"
    assert _done(portal, f"/proxy-grants/{grant['id']}/approve", {}).status_code == 409


def test_a_consent_opens_a_category_to_whom_it_names_and_another_closes_it(portal: Portal) -> None:
    def seen(by: str) -> JSON:
        return _answer(portal, BEN, "clinician", by, RECORDS, treats=True)["sensitive"]

    asked = {"patientId": BEN, "provision": "permit", "categories": ["hiv"], "recipientId": DOCTOR}
    path = f"/consents/{_made(portal, '/consents', asked, patient(BEN)).json()['id']}"
    assert _done(portal, f"{path}/activate").status_code == 409, "nobody has signed it"
    assert _done(portal, f"{path}/propose", claims=patient(BEN)).json()["status"] == "proposed"
    assert seen(DOCTOR) == []
    assert _done(portal, f"{path}/activate", claims=patient(BEN)).status_code == 403
    assert _done(portal, f"{path}/activate").json()["status"] == "active"
    assert (seen(DOCTOR), seen(OTHER)) == (["hiv"], [])
    assert _says(portal, BEN, "clinician", DOCTOR, RECORDS, sensitivity="hiv") == ("deny", "no-relationship")
    portal.exists(
        "proxy-consent", "Consent", patientId=BEN, provision="deny", categories=["hiv"], status="active",
        recipientId=DOCTOR,
    )  # fmt: skip
    assert seen(DOCTOR) == []
    assert _done(portal, f"{path}/revoke", claims=patient(BEN)).json()["status"] == "inactive"


def test_a_consent_ends_by_itself(portal: Portal) -> None:
    made = portal.exists(
        "proxy-consent", "Consent", patientId=BEN, provision="permit", categories=["hiv"], status="active",
        recipientId=DOCTOR, endsAt=_ahead(portal, hours=1),
    )  # fmt: skip
    portal.advance("proxy-consent", "PT61M")
    assert portal.get("proxy-consent", f"/consents/{made['id']}")["status"] == "inactive"
    late = portal.exists(
        "proxy-consent", "Consent", patientId=BEN, status="proposed", endsAt=_ahead(portal, hours=-1)
    )
    assert _done(portal, f"/consents/{late['id']}/activate").status_code == 422


def _opened(portal: Portal, who: str, by: str = DOCTOR, **said: JSON) -> httpx.Response:
    body = {"patientId": who, "purpose": "ETREAT", "reason": "Found unconscious", **said}
    return _made(portal, "/break-glass", body, {"actor": "clinician", "sub": by})


def test_an_emergency_opens_everything_for_a_while_and_is_reviewed(portal: Portal) -> None:
    assert _says(portal, XAVIER, "clinician", DOCTOR, RECORDS) == ("deny", "no-relationship")
    opened = _opened(portal, XAVIER, minutes=30).json()
    told = _answer(portal, XAVIER, "clinician", DOCTOR, RECORDS)
    assert (told["reason"], told["basis"], told["sensitive"]) == ("break-glass", opened["id"], ALL)
    assert _says(portal, XAVIER, "clinician", OTHER, RECORDS) == ("deny", "no-relationship")
    assert _says(portal, XAVIER, "clinician", DOCTOR, BILLS) == ("deny", "no-billing")
    portal.advance("proxy-consent", "PT31M")
    assert _says(portal, XAVIER, "clinician", DOCTOR, RECORDS) == ("deny", "no-relationship")
    path = f"/break-glass/{opened['id']}"
    assert portal.get("proxy-consent", path)["status"] == "ready"
    own = {"actor": "staff", "sub": DOCTOR}
    assert _done(portal, f"{path}/review", {"outcome": "justified"}, own).status_code == 403
    reviewed = _done(portal, f"{path}/review", {"outcome": "unjustified", "note": "He was awake"}).json()
    assert (reviewed["status"], reviewed["reviewedBy"]) == ("completed", "staff-1")
    assert portal.get("proxy-consent", path, patient(XAVIER))["openedBy"] == DOCTOR


def test_a_review_ends_what_is_still_open(portal: Portal) -> None:
    opened = _opened(portal, XAVIER).json()
    _done(portal, f"/break-glass/{opened['id']}/review", {"outcome": "unjustified"})
    assert _says(portal, XAVIER, "clinician", DOCTOR, RECORDS) == ("deny", "no-relationship")


@pytest.mark.parametrize("said", [{"reason": "urgent"}, {"reason": " " * 20}, {"minutes": 241}])
def test_who_gives_no_reason_or_asks_for_too_long_opens_nothing(portal: Portal, said: JSON) -> None:
    assert _opened(portal, XAVIER, **said).status_code == 400
    assert _says(portal, XAVIER, "clinician", DOCTOR, RECORDS) == ("deny", "no-relationship")


def test_a_review_that_nobody_gives_in_three_days_is_told_once(portal: Portal) -> None:
    with portal.listen("proxy-consent.breakglass") as heard:
        opened = _opened(portal, BEN, minutes=30).json()
        portal.advance("proxy-consent", "PT73H")
        portal.advance("proxy-consent", "PT240H")
        heard.settle(0.3)
    told = [each.json() for each in heard.records if each.key == opened["id"]]
    assert [(each["to"], each["reason"]) for each in told] == [
        ("in-progress", "opened"),
        ("ready", "ended"),
        ("ready", "review-overdue"),
    ]
    assert not any("unconscious" in str(each) for each in told)
    answer = _done(portal, f"/break-glass/{opened['id']}/review", {"outcome": "justified"})
    assert (answer.json()["status"], answer.json()["reviewOverdue"]) == ("completed", True)


def test_who_is_merged_keeps_proxies_and_whom_they_act_for(portal: Portal) -> None:
    """Ben was registered twice: whoever acts for either acts for him, and he for whomever either did."""
    for whose, proxy in ((BEN, MOTHER), (IMANI, BEN)):
        _grant(portal, patientId=whose, proxyId=proxy, status="active", level="adult", scopes=[VISITS])
    answer = portal.post("patient-profile", f"/patients/{BEN}/merge", STAFF, {"into": ESTHER}, If_Match="*")
    assert answer.status_code == 200, answer.text
    path = f"/patients/{BEN}/proxy-grants"
    eventually(lambda: portal.get("proxy-consent", path)["total"] == 0 or None)
    for whose, proxy in ((ESTHER, MOTHER), (BEN, MOTHER), (IMANI, ESTHER), (IMANI, BEN)):
        assert _says(portal, whose, "proxy", proxy) == ("permit", "granted"), (whose, proxy)
    assert _answer(portal, BEN, "proxy", MOTHER)["patientId"] == ESTHER


def test_of_two_grants_one_stays(portal: Portal) -> None:
    first, _ = (
        _grant(portal, patientId=BEN, proxyId=MOTHER, status="active", level="adult", scopes=scopes)
        for scopes in ([VISITS, RECORDS], [VISITS])
    )
    _done(portal, f"/proxy-grants/{first['id']}/revoke", {"reason": "patient-request"})
    assert _says(portal, BEN, "proxy", MOTHER) == ("permit", "granted")
    assert _says(portal, BEN, "proxy", MOTHER, RECORDS) == ("deny", "not-granted")
