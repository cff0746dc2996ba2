"""Prior authorization: the payer has so long, says why not, is told of when it is late; orders show it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import httpx
import pytest

from harness.contract.model import JSON
from harness.kafka.listening import Listener
from tests.services.portal import AMARA, BEN, CHLOE, ESTHER, STAFF, Portal, eventually, patient

MATEO, XAVIER = "pat-5g1s8j3x7r", "pat-7p3s6d0v4j"
PAYER: Mapping[str, JSON] = {"actor": "service", "sub": "payer-1"}
TOPIC = "coverage.priorauth"
YES: Mapping[str, JSON] = {"sequence": 1, "decision": "approved"}
NO: Mapping[str, JSON] = {"sequence": 1, "decision": "denied", "denialReason": "not-covered"}
LATER: Mapping[str, JSON] = {"sequence": 2, "decision": "pended"}


def _proxy(of: str) -> dict[str, JSON]:
    return {"actor": "proxy", "sub": "rel-1", "proxy_for": [of]}


def _submit(portal: Portal, who: str = BEN, *sequences: int, **more: JSON) -> httpx.Response:
    items = [{"sequence": each, "code": "E0601", "display": "A device"} for each in sequences or (1,)]
    return portal.make("coverage", "/prior-authorizations", STAFF, {"patientId": who, "items": items, **more})


def _submitted(portal: Portal, who: str = BEN, *sequences: int, **more: JSON) -> dict[str, JSON]:
    answer = _submit(portal, who, *sequences, **more)
    assert answer.status_code == 201, answer.text
    document = answer.json()
    assert isinstance(document, dict)
    return document


def _act(
    portal: Portal, id: JSON, what: str, body: JSON, by: Mapping[str, JSON] = STAFF, match: str = "*"
) -> httpx.Response:
    return portal.post("coverage", f"/prior-authorizations/{id}/{what}", by, body, If_Match=match)


def _decide(portal: Portal, id: JSON, outcome: str, *answers: Mapping[str, JSON]) -> httpx.Response:
    return _act(portal, id, "decide", {"outcome": outcome, "answers": list(answers)}, PAYER)


def _shown(portal: Portal, id: JSON) -> dict[str, JSON]:
    found = portal.get("coverage", f"/prior-authorizations/{id}")
    assert isinstance(found, dict)
    return found


def _has(document: Mapping[str, JSON], begun: str) -> timedelta:
    """How long the payer has from a moment that the document shows."""
    return datetime.fromisoformat(document["dueAt"]) - datetime.fromisoformat(begun)


def _reasons(heard: Listener, id: JSON, until: str) -> list[str]:
    """Why it changed, by its events up to one that must come, and what follows at once."""
    heard.wait_for(lambda each: each.key == id and each.json()["reason"] == until, 10.0)
    heard.settle(0.3)
    return [each.json()["reason"] for each in heard.records if each.key == id]


@pytest.mark.parametrize(("priority", "hours"), [("urgent", 72), ("standard", 7 * 24)])
def test_the_payer_has_three_days_if_it_is_urgent_and_seven_if_not(
    portal: Portal, priority: str, hours: int
) -> None:
    made = _submitted(portal, priority=priority)
    assert (made["outcome"], made["decision"]) == ("queued", "pended")
    assert _has(made, made["submittedAt"]) == timedelta(hours=hours)


def test_what_nobody_calls_urgent_is_standard(portal: Portal) -> None:
    assert _submitted(portal)["priority"] == "standard"


@pytest.mark.parametrize("in_part", [False, True], ids=["queued", "partial"])
def test_what_is_overdue_is_told_once_and_decides_nothing(portal: Portal, in_part: bool) -> None:
    with portal.listen(TOPIC) as heard:
        asked = _submitted(portal, BEN, 1, 2, priority="urgent")["id"]
        if in_part:
            assert _decide(portal, asked, "partial", YES, LATER).status_code == 200
        portal.advance("coverage", "PT71H")
        assert "overdue" not in _shown(portal, asked)
        portal.advance("coverage", "PT2H")
        portal.advance("coverage", "P30D")
        assert _reasons(heard, asked, until="overdue").count("overdue") == 1
    late = _shown(portal, asked)
    assert (late["outcome"], late["decision"]) == ("partial" if in_part else "queued", "pended")
    assert late["overdue"] is True
    decided = _decide(portal, asked, "complete", YES, {**LATER, "decision": "approved"}).json()
    assert (decided["decision"], "overdue" in decided) == ("approved", False), "late is late and not refused"


def test_what_became_overdue_is_not_told_of_again_when_it_is_answered_in_part(portal: Portal) -> None:
    with portal.listen(TOPIC) as heard:
        asked = _submitted(portal, BEN, 1, 2, priority="urgent")["id"]
        portal.advance("coverage", "PT73H")
        assert _decide(portal, asked, "partial", YES, LATER).json()["overdue"] is True
        assert _reasons(heard, asked, until="pended") == ["submitted", "overdue", "pended"]


def test_what_was_decided_in_time_is_never_overdue(portal: Portal) -> None:
    asked = _submitted(portal, priority="urgent")["id"]
    assert _decide(portal, asked, "complete", NO).status_code == 200
    portal.advance("coverage", "P30D")
    assert "overdue" not in _shown(portal, asked)


@pytest.mark.parametrize(
    ("outcome", "answers", "pointer"),
    [
        ("complete", [YES], "/answers"),
        ("complete", [YES, YES], "/answers/1/sequence"),
        ("complete", [YES, {**YES, "sequence": 3}], "/answers/1/sequence"),
        ("complete", [YES, LATER], "/outcome"),
        ("partial", [YES, {**NO, "sequence": 2}], "/outcome"),
    ],
    ids=["one-is-missing", "one-twice", "one-unasked", "one-open", "none-open"],
)
def test_the_answers_echo_the_sequences_that_were_asked(
    portal: Portal, outcome: str, answers: list[Mapping[str, JSON]], pointer: str
) -> None:
    asked = _submitted(portal, BEN, 1, 2)["id"]
    refused = _decide(portal, asked, outcome, *answers)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    assert _shown(portal, asked)["outcome"] == "queued"


@pytest.mark.parametrize(
    "answer",
    [
        {"sequence": 1, "decision": "denied"},
        {"sequence": 1, "decision": "denied", "denialReason": "we-do-not-like-it"},
        {"sequence": 1, "decision": "approved", "denialReason": "not-covered"},
        {"sequence": 1, "decision": "maybe"},
    ],
)
def test_a_denial_has_a_coded_reason_and_nothing_else_has(portal: Portal, answer: JSON) -> None:
    assert _decide(portal, _submitted(portal)["id"], "complete", answer).status_code == 400


@pytest.mark.parametrize(
    ("second", "whole"), [("approved", "approved"), ("denied", "denied")], ids=["all-yes", "one-no"]
)
def test_one_denial_denies_the_whole(portal: Portal, second: str, whole: str) -> None:
    asked = _submitted(portal, BEN, 1, 2)["id"]
    other = {**(NO if second == "denied" else YES), "sequence": 2}
    assert _decide(portal, asked, "complete", YES, other).json()["decision"] == whole
    assert _decide(portal, asked, "complete", YES, other).status_code == 409, "it is decided once"


def test_what_could_not_be_decided_says_why_and_is_over(portal: Portal) -> None:
    asked = _submitted(portal)["id"]
    failed = _act(portal, asked, "decide", {"outcome": "error", "errorReason": "not-the-payer"}).json()
    assert (failed["outcome"], failed["decision"]) == ("error", "pended")
    assert _act(portal, asked, "documentation", {"kind": "other", "text": "More"}).status_code == 409
    assert _act(portal, asked, "appeal", {"ground": "new-evidence"}).status_code == 409


def test_only_the_payer_s_side_decides(portal: Portal) -> None:
    asked = _submitted(portal)["id"]
    body = {"outcome": "complete", "answers": [YES]}
    for who in (patient(BEN), _proxy(BEN), {"actor": "clinician", "sub": "c-1", "treats": [BEN]}):
        assert _act(portal, asked, "decide", body, who).status_code == 403


def test_two_items_of_one_sequence_are_refused(portal: Portal) -> None:
    refused = _submit(portal, BEN, 1, 2, 1)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/items/2/sequence")


def test_somebody_elses_coverage_pays_for_nothing(portal: Portal) -> None:
    refused = _submit(portal, BEN, coverageId="cov-30000001")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/coverageId")


def test_documentation_is_kept_and_gives_the_payer_no_more_time(portal: Portal) -> None:
    made = _submitted(portal)
    for text in ("First", "Second"):
        assert _act(portal, made["id"], "documentation", {"kind": "other", "text": text}).status_code == 200
    shown = _shown(portal, made["id"])
    assert [each["text"] for each in shown["documentation"]] == ["First", "Second"]
    assert shown["dueAt"] == made["dueAt"]
    assert _act(portal, made["id"], "documentation", {"kind": "other"}).status_code == 400


@pytest.mark.parametrize(("priority", "hours"), [("urgent", 72), ("standard", 30 * 24)])
def test_a_denial_is_appealed_once_and_the_decision_before_stays(
    portal: Portal, priority: str, hours: int
) -> None:
    asked = _submitted(portal, priority=priority)["id"]
    assert _act(portal, asked, "appeal", {"ground": "new-evidence"}).status_code == 409, "not decided yet"
    _decide(portal, asked, "complete", NO)
    again = _act(portal, asked, "appeal", {"ground": "new-evidence"}, patient(BEN)).json()
    assert (again["outcome"], again["decision"], "answers" in again) == ("queued", "pended", False)
    assert (again["decisionBefore"]["decision"], again["decisionBefore"]["answers"]) == ("denied", [NO])
    assert _has(again, again["appeal"]["appealedAt"]) == timedelta(hours=hours)

    assert _decide(portal, asked, "complete", NO).json()["decisionBefore"] == again["decisionBefore"]
    assert _act(portal, asked, "appeal", {"ground": "new-evidence"}).status_code == 409, "a second time"


def test_what_was_approved_is_not_appealed(portal: Portal) -> None:
    asked = _submitted(portal)["id"]
    _decide(portal, asked, "complete", YES)
    assert _act(portal, asked, "appeal", {"ground": "new-evidence"}).status_code == 409


def test_an_appeal_can_become_overdue_anew(portal: Portal) -> None:
    with portal.listen(TOPIC) as heard:
        asked = _submitted(portal, priority="urgent")["id"]
        portal.advance("coverage", "PT73H")
        _decide(portal, asked, "complete", NO)
        _act(portal, asked, "appeal", {"ground": "new-evidence"})
        portal.advance("coverage", "PT71H")
        assert "overdue" not in _shown(portal, asked)
        portal.advance("coverage", "PT2H")
        told = _reasons(heard, asked, until="appealed")
    assert told == ["submitted", "overdue", "decided", "appealed", "overdue"]


@pytest.mark.parametrize("restricting", [{"confidentiality": "R"}, {"code": "H0020"}], ids=["said", "coded"])
def test_what_is_restricted_no_proxy_learns_of(portal: Portal, restricting: Mapping[str, str]) -> None:
    plain = _submitted(portal, CHLOE)["id"]
    item = {"sequence": 1, "display": "Care", **{k: v for k, v in restricting.items() if k == "code"}}
    said = {k: v for k, v in restricting.items() if k == "confidentiality"}
    hidden = _submitted(portal, CHLOE, items=[item], **said)
    assert hidden["confidentiality"] == "R"
    _decide(portal, hidden["id"], "complete", NO)

    path = f"/prior-authorizations/{hidden['id']}"
    assert portal.call("coverage", "GET", path, _proxy(CHLOE)).status_code == 404
    appealed = _act(portal, hidden["id"], "appeal", {"ground": "new-evidence"}, _proxy(CHLOE))
    assert appealed.status_code == 404
    listed = portal.get("coverage", f"/patients/{CHLOE}/prior-authorizations", _proxy(CHLOE))
    assert ([each["id"] for each in listed["items"]], listed["total"]) == ([plain], 1)
    assert portal.get("coverage", f"/patients/{CHLOE}/prior-authorizations", patient(CHLOE))["total"] == 2


def test_care_gaps_are_of_a_patient_and_restricted_ones_hidden_from_proxies(portal: Portal) -> None:
    path = f"/patients/{BEN}/care-gaps"
    portal.exists("coverage", "CareGap", patientId=BEN, status="open", confidentiality="N")
    portal.exists("coverage", "CareGap", patientId=BEN, status="closed", confidentiality="R")
    assert portal.get("coverage", path, patient(BEN))["total"] == 2
    assert portal.get("coverage", f"{path}?status=closed", patient(BEN))["total"] == 1
    assert portal.get("coverage", path, _proxy(BEN))["total"] == 1
    assert portal.get("coverage", f"{path}?status=closed", _proxy(BEN)) == {"items": [], "total": 0}


def test_an_event_says_nothing_of_what_is_asked_for_nor_why_it_was_denied(portal: Portal) -> None:
    with portal.listen(TOPIC) as heard:
        asked = _submitted(portal)["id"]
        _decide(portal, asked, "complete", NO)
        assert _reasons(heard, asked, until="decided") == ["submitted", "decided"]
    values = [each.value or b"" for each in heard.records if each.key == asked]
    assert all(word not in value for value in values for word in (b"E0601", b"A device", b"not-covered"))


def _ordered(portal: Portal, who: str = ESTHER, **more: JSON) -> dict[str, JSON]:
    body = {"patientId": who, "code": "24627-2", "category": "RAD", **more}
    answer = portal.make("orders-results", "/orders", STAFF, body)
    assert answer.status_code == 201, answer.text
    document = answer.json()
    assert isinstance(document, dict)
    return document


def _opened(portal: Portal, order: Mapping[str, JSON], who: str = ESTHER) -> dict[str, JSON]:
    """The prior authorization of an order, as soon as there is one."""
    path = f"/patients/{who}/prior-authorizations?orderId={order['id']}"
    found = eventually(lambda: next(iter(portal.get("coverage", path)["items"]), None))
    assert isinstance(found, dict)
    return found


def _order(portal: Portal, id: JSON, authorization: str) -> dict[str, JSON]:
    """The order as soon as it shows this of its authorization."""

    def look() -> dict[str, JSON] | None:
        found = portal.get("orders-results", f"/orders/{id}")
        return found if found.get("authorization") == authorization else None

    return eventually(look)


@pytest.mark.parametrize(("ordered", "asked"), [("routine", "standard"), ("asap", "urgent")])
def test_an_order_that_needs_it_is_asked_about_and_shows_the_answer(
    portal: Portal, ordered: str, asked: str
) -> None:
    order = _ordered(portal, requiresAuthorization=True, priority=ordered)
    opened = _opened(portal, order)
    assert (opened["outcome"], opened["priority"], opened["items"]) == ("queued", asked, [{"sequence": 1}])
    assert _order(portal, order["id"], "pended")["priorAuthId"] == opened["id"]

    _decide(portal, opened["id"], "complete", NO)
    assert _order(portal, order["id"], "denied")["status"] == "active"
    _act(portal, opened["id"], "appeal", {"ground": "new-evidence"})
    _order(portal, order["id"], "pended")
    _decide(portal, opened["id"], "complete", YES)
    _order(portal, order["id"], "approved")


def test_of_orders_that_do_not_need_it_and_of_what_becomes_of_one_nobody_is_asked(portal: Portal) -> None:
    with portal.listen(TOPIC) as heard:
        plain = _ordered(portal)
        needing = _ordered(portal, requiresAuthorization=True)
        _opened(portal, needing)
        revoked = {"revocationReason": "duplicate"}
        _order(portal, needing["id"], "pended")
        portal.post("orders-results", f"/orders/{needing['id']}/revoke", STAFF, revoked, If_Match="*")
        heard.settle(0.5)
    about = [each.json().get("orderId") for each in heard.records]
    assert (about.count(plain["id"]), about.count(needing["id"])) == (0, 1)


def test_a_restricted_order_s_authorization_is_restricted_too(portal: Portal) -> None:
    order = _ordered(portal, CHLOE, code="75622-1", requiresAuthorization=True)
    assert _opened(portal, order, CHLOE)["confidentiality"] == "R"
    listed = portal.get("coverage", f"/patients/{CHLOE}/prior-authorizations", _proxy(CHLOE))
    assert listed == {"items": [], "total": 0}


def _tell(
    portal: Portal, order: JSON, version: int, decision: str, at: str, id: str = "pau-oftest01"
) -> None:
    portal.tell(
        "coverage", "priorauthChanged", id=id, version=version, to="complete", reason="decided",
        patientId=ESTHER, orderId=order, priority="standard", decision=decision,
        dueAt="2031-02-27T08:00:00Z", occurredAt=f"2031-02-20T{at}:00Z",
    )  # fmt: skip


@pytest.mark.parametrize("other", [False, True], ids=["of-the-same", "of-the-one-before"])
def test_news_that_come_late_do_not_take_an_order_back(portal: Portal, other: bool) -> None:
    order = _ordered(portal)["id"]
    _tell(portal, order, 3, "approved", "10:00")
    _order(portal, order, "approved")
    with portal.listen("orders-results.order") as heard:
        _tell(portal, order, 2, "denied", "09:00", "pau-before001" if other else "pau-oftest01")
        marker = _ordered(portal)["id"]
        _tell(portal, marker, 1, "approved", "10:00", "pau-marker001")
        _order(portal, marker, "approved")
        heard.settle(0.3)
    shown = portal.get("orders-results", f"/orders/{order}")
    assert (shown["authorization"], shown["priorAuthId"]) == ("approved", "pau-oftest01")
    assert order not in {each.key for each in heard.records}


def test_what_is_told_of_somebody_else_s_order_has_no_effect(portal: Portal) -> None:
    others, own = _ordered(portal, AMARA)["id"], _ordered(portal)["id"]
    _tell(portal, others, 1, "approved", "10:00")
    _tell(portal, own, 2, "approved", "10:00")
    _order(portal, own, "approved")
    assert "authorization" not in portal.get("orders-results", f"/orders/{others}")


def test_prior_authorizations_and_care_gaps_follow_a_merge(portal: Portal) -> None:
    asked = _submitted(portal, ESTHER)["id"]
    merge = portal.post("patient-profile", f"/patients/{ESTHER}/merge", STAFF, {"into": AMARA}, If_Match="*")
    assert merge.status_code == 200
    for what in ("prior-authorizations", "care-gaps"):
        path = f"/patients/{ESTHER}/{what}"
        eventually(lambda path=path: portal.get("coverage", path)["total"] == 0 or None)  # type: ignore[misc]
    there = portal.get("coverage", f"/patients/{AMARA}/prior-authorizations")["items"]
    assert asked in [each["id"] for each in there]


def test_mateo_s_payer_has_until_tomorrow(portal: Portal) -> None:
    (waiting,) = portal.get("coverage", f"/patients/{MATEO}/prior-authorizations", patient(MATEO))["items"]
    assert (waiting["outcome"], waiting["dueAt"][:10]) == ("queued", "2031-02-21")
    (order,) = portal.get("orders-results", f"/patients/{MATEO}/orders")["items"]
    assert (order["id"], order["priorAuthId"]) == (waiting["orderId"], waiting["id"])


def test_xavier_s_treatment_is_not_to_be_guessed(portal: Portal) -> None:
    path = f"/patients/{XAVIER}/prior-authorizations"
    assert portal.get("coverage", path, patient(XAVIER))["total"] == 1
    assert portal.get("coverage", path, _proxy(XAVIER)) == {"items": [], "total": 0}
