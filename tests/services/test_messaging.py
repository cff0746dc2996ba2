"""Messaging: who says what to whom, what waits to be sent, and that nobody is left unanswered unseen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import httpx
import pytest

from harness.contract.model import JSON
from harness.kafka.listening import Listener
from tests.services.correspondence import NEPHEW, PNG, SERVICE, attached, begun, clinician, proxy, said, say
from tests.services.portal import AMARA, BEN, CHLOE, ESTHER, STAFF, Portal, eventually, patient

THREADS, MESSAGES = "messaging.thread", "messaging.message"
YARA, RUTH, ANNA = "pat-4z8k1f5q9k", "pat-9k2d7m4g0a", "rel-2b7k9v4x6m"


def _in(portal: Portal, minutes: int) -> str:
    return (portal.now(SERVICE) + timedelta(minutes=minutes)).isoformat()


def _shown(portal: Portal, thread: str, by: Mapping[str, JSON] = STAFF) -> JSON:
    return portal.get(SERVICE, f"/threads/{thread}", by)


def _message(portal: Portal, id: JSON, by: Mapping[str, JSON] = STAFF) -> JSON:
    return portal.get(SERVICE, f"/messages/{id}", by)


def _close(portal: Portal, thread: str, by: Mapping[str, JSON], match: str = "*") -> httpx.Response:
    return portal.post(SERVICE, f"/threads/{thread}/close", by, If_Match=match)


def _read(portal: Portal, message: JSON, by: Mapping[str, JSON]) -> httpx.Response:
    return portal.post(SERVICE, f"/messages/{message}/read", by)


def _reasons(heard: Listener, id: JSON, until: str) -> list[str]:
    """Why something changed, by its events up to one that must come, and what follows it at once."""
    heard.wait_for(lambda each: each.key == id and each.json()["reason"] == until, 10.0)
    heard.settle(0.3)
    return [each.json()["reason"] for each in heard.records if each.key == id]


def test_a_message_says_who_wrote_it_and_on_whose_behalf(portal: Portal) -> None:
    thread = begun(portal)
    for by, recipient, sender in (
        (patient(ESTHER), "care-team", {"role": "patient", "id": ESTHER}),
        (proxy(ESTHER), "care-team", {"role": "proxy", "id": NEPHEW, "onBehalfOf": ESTHER}),
        (clinician(ESTHER), "patient", {"role": "clinician", "id": "prv-70000001"}),
        (STAFF, "patient", {"role": "staff", "id": "staff-1"}),
    ):
        message = said(portal, thread, by)
        assert (message["status"], message["recipient"], message["sender"]) == (
            "in-progress", recipient, sender,
        )  # fmt: skip
        assert message["body"] == "Well?\nSay."
    listed = portal.get(SERVICE, f"/patients/{ESTHER}/messages?threadId={thread}&recipient=patient")
    assert listed["total"] == 2


@pytest.mark.parametrize("sub", ["", " ", "x" * 201])
def test_who_does_not_say_who_they_are_writes_nothing(portal: Portal, sub: str) -> None:
    thread = begun(portal)
    assert say(portal, thread, {"actor": "staff", "sub": sub}).status_code == 403


def test_a_patient_whom_nobody_answers_is_not_forgotten(portal: Portal) -> None:
    with portal.listen(THREADS) as heard:
        thread = begun(portal, YARA)
        said(portal, thread, patient(YARA))
        portal.advance(SERVICE, "PT47H")
        said(portal, thread, patient(YARA))
        assert _shown(portal, thread)["overdue"] is False
        portal.advance(SERVICE, "PT61M")
        assert _shown(portal, thread)["overdue"] is True, "two days from the first message without an answer"
        portal.advance(SERVICE, "PT96H")
        told = _reasons(heard, thread, until="overdue")
    assert told == ["started", "asked", "asked", "overdue"], "told once"
    waiting = portal.get(SERVICE, "/threads?overdue=true&limit=100")["items"]
    assert thread in [each["id"] for each in waiting]
    assert portal.call(SERVICE, "GET", "/threads", clinician(YARA)).status_code == 403

    said(portal, thread, clinician(YARA))
    answered = _shown(portal, thread)
    assert (answered["overdue"], "unansweredSince" in answered) == (False, False)


def test_an_answer_in_time_ends_the_wait_and_a_new_question_begins_another(portal: Portal) -> None:
    thread = begun(portal, YARA)
    said(portal, thread, patient(YARA))
    portal.advance(SERVICE, "PT40H")
    said(portal, thread, STAFF)
    portal.advance(SERVICE, "PT40H")
    assert _shown(portal, thread)["overdue"] is False
    said(portal, thread, proxy(YARA))
    portal.advance(SERVICE, "PT47H")
    assert _shown(portal, thread)["overdue"] is False
    portal.advance(SERVICE, "PT2H")
    assert _shown(portal, thread)["overdue"] is True


def test_what_only_was_read_still_waits_for_an_answer(portal: Portal) -> None:
    thread = begun(portal, YARA)
    assert _read(portal, said(portal, thread, patient(YARA))["id"], STAFF).status_code == 200
    portal.advance(SERVICE, "PT49H")
    assert _shown(portal, thread)["overdue"] is True


def test_each_side_reads_what_is_for_it_and_that_is_told_once(portal: Portal) -> None:
    thread = begun(portal)
    with portal.listen(MESSAGES) as heard:
        asked, answer = said(portal, thread, patient(ESTHER)), said(portal, thread, STAFF)
        for own in (patient(ESTHER), proxy(ESTHER)):
            unread = _read(portal, asked["id"], own)
            assert (unread.status_code, "readAt" in unread.json()) == (200, False), "who wrote it"
        seen = _read(portal, asked["id"], clinician(ESTHER)).json()
        assert (seen["status"], seen["readBy"]["role"]) == ("completed", "clinician")
        assert _read(portal, asked["id"], STAFF).status_code == 409, "the care team had read it"
        assert _read(portal, answer["id"], proxy(ESTHER)).json()["readBy"]["onBehalfOf"] == ESTHER
        assert _read(portal, answer["id"], patient(ESTHER)).status_code == 409
        for each in (asked, answer):
            assert _reasons(heard, each["id"], until="read") == ["sent", "read"]


def test_a_closed_thread_takes_no_more(portal: Portal) -> None:
    thread = begun(portal)
    assert _close(portal, thread, patient(ESTHER)).json()["status"] == "completed"
    assert say(portal, thread, patient(ESTHER)).status_code == 409
    assert say(portal, thread, STAFF, sendAt=_in(portal, 5)).status_code == 409
    assert attached(portal, thread, patient(ESTHER), PNG).status_code == 409
    assert portal.get(SERVICE, f"/patients/{ESTHER}/messages?threadId={thread}")["total"] == 0


def test_who_closes_has_seen_what_was_said_last(portal: Portal) -> None:
    thread = begun(portal)
    before = portal.call(SERVICE, "GET", f"/threads/{thread}", patient(ESTHER)).headers["ETag"]
    said(portal, thread, STAFF)
    assert _close(portal, thread, patient(ESTHER), before).status_code == 412
    assert portal.post(SERVICE, f"/threads/{thread}/close", patient(ESTHER)).status_code == 428


def test_the_care_team_does_not_close_what_the_patient_waits_for(portal: Portal) -> None:
    thread = begun(portal)
    said(portal, thread, patient(ESTHER))
    assert _close(portal, thread, STAFF).status_code == 409
    assert _close(portal, thread, clinician(ESTHER)).status_code == 409
    said(portal, thread, STAFF)
    assert _close(portal, thread, clinician(ESTHER)).status_code == 200
    own = begun(portal)
    said(portal, own, patient(ESTHER))
    closed = _close(portal, own, patient(ESTHER)).json()
    assert "unansweredSince" not in closed
    portal.advance(SERVICE, "PT49H")
    assert _shown(portal, own)["overdue"] is False, "the patient needs no answer any more"


def test_a_message_that_waits_is_sent_at_its_time(portal: Portal) -> None:
    thread = begun(portal)
    with portal.listen(MESSAGES) as heard:
        message = said(portal, thread, patient(ESTHER), sendAt=_in(portal, 30))
        assert (message["status"], "sentAt" in message) == ("preparation", False)
        theirs = _message(portal, message["id"])
        assert "body" not in theirs, "the other side is not shown what was not sent"
        assert "body" in _message(portal, message["id"], proxy(ESTHER))
        (listed,) = portal.get(SERVICE, f"/patients/{ESTHER}/messages?status=preparation")["items"]
        assert listed == theirs
        assert _read(portal, message["id"], STAFF).status_code == 409
        assert "unansweredSince" not in _shown(portal, thread)

        portal.advance(SERVICE, "PT31M")
        assert _message(portal, message["id"])["body"] == "Well?\nSay."
        assert _reasons(heard, message["id"], until="sent") == ["scheduled", "sent"]
    waits = _shown(portal, thread)
    assert waits["lastMessageId"] == message["id"]
    portal.advance(SERVICE, "PT47H")
    assert _shown(portal, thread)["overdue"] is False
    portal.advance(SERVICE, "PT2H")
    assert _shown(portal, thread)["overdue"] is True, "from when it was sent"


def test_a_message_is_not_sent_into_the_past(portal: Portal) -> None:
    answer = say(portal, begun(portal), patient(ESTHER), sendAt=_in(portal, -1))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/sendAt")


def test_what_waits_in_a_thread_that_is_closed_is_not_sent(portal: Portal) -> None:
    thread = begun(portal)
    message = said(portal, thread, patient(ESTHER), sendAt=_in(portal, 30))
    with portal.listen(MESSAGES) as heard:
        assert _close(portal, thread, STAFF).status_code == 200
        assert _reasons(heard, message["id"], until="thread-closed") == ["thread-closed"]
        portal.advance(SERVICE, "PT1H")
    assert _message(portal, message["id"])["status"] == "not-done"


def _told_of_grant(portal: Portal, grant: str, version: int, to: str, reason: str, **more: JSON) -> None:
    before = {"inactive": {"from": "active"}, "active": {"from": "proposed"}}.get(to, {})
    who: dict[str, JSON] = {"patientId": RUTH, "proxyId": NEPHEW, "level": "adult"}
    scopes = ["patient/Communication.read", "patient/Communication.write"]
    told = {"id": grant, "version": version, "to": to, "reason": reason, **before, **who, "scopes": scopes}
    portal.tell("proxy-consent", "grantChanged", **{**told, **more})


def test_what_a_revoked_proxy_has_in_preparation_is_not_sent(portal: Portal) -> None:
    thread, by = begun(portal, RUTH), proxy(RUTH)
    sent, waits = said(portal, thread, by), said(portal, thread, by, sendAt=_in(portal, 30))
    others = said(portal, thread, patient(RUTH), sendAt=_in(portal, 30))
    elsewhere = said(portal, begun(portal), proxy(ESTHER), sendAt=_in(portal, 30))
    with portal.listen(MESSAGES) as heard:
        _told_of_grant(portal, "prx-50000001", 3, "inactive", "patient-request")
        assert _reasons(heard, waits["id"], until="proxy-revoked") == ["proxy-revoked"]
    taken = _message(portal, waits["id"], patient(RUTH))
    assert (taken["status"], taken["statusReason"]) == ("not-done", "proxy-revoked")
    assert "body" not in _message(portal, waits["id"]), "it was never said"
    portal.advance(SERVICE, "PT31M")
    assert _message(portal, waits["id"])["status"] == "not-done"
    assert _message(portal, others["id"])["status"] == "in-progress"
    assert _message(portal, elsewhere["id"])["status"] == "in-progress"
    stays = _message(portal, sent["id"])
    assert (stays["status"], stays["sender"]["id"], stays["body"]) == ("in-progress", NEPHEW, "Well?\nSay.")


def test_a_revoked_proxy_is_refused_whatever_an_older_token_says(portal: Portal) -> None:
    thread, by = begun(portal, RUTH), proxy(RUTH)
    message = said(portal, thread, by)
    _told_of_grant(portal, "prx-50000002", 3, "inactive", "ended")
    path = f"/patients/{RUTH}/threads"
    eventually(lambda: portal.call(SERVICE, "GET", path, by).status_code == 403 or None)
    assert portal.call(SERVICE, "GET", f"/patients/{RUTH}/messages", by).status_code == 403
    assert portal.call(SERVICE, "GET", f"/threads/{thread}", by).status_code == 404
    assert portal.call(SERVICE, "GET", f"/messages/{message['id']}", by).status_code == 404
    assert say(portal, thread, by).status_code == 404
    assert attached(portal, thread, by, PNG).status_code == 404
    refused = portal.make(SERVICE, "/threads", by, {"patientId": RUTH, "subject": "x", "topic": "question"})
    assert refused.status_code == 403
    assert say(portal, thread, proxy(RUTH, ANNA)).status_code == 201, "somebody else"

    _told_of_grant(portal, "prx-50000003", 2, "active", "approved")
    eventually(lambda: portal.call(SERVICE, "GET", path, by).status_code == 200 or None)


def test_who_has_two_grants_keeps_one_when_the_other_ends(portal: Portal) -> None:
    thread, by, path = begun(portal, RUTH), proxy(RUTH), f"/patients/{RUTH}/threads"
    _told_of_grant(portal, "prx-50000004", 2, "inactive", "ended")
    eventually(lambda: portal.call(SERVICE, "GET", path, by).status_code == 403 or None)
    _told_of_grant(portal, "prx-50000005", 2, "active", "approved")
    eventually(lambda: portal.call(SERVICE, "GET", path, by).status_code == 200 or None)
    message = said(portal, thread, by, sendAt=_in(portal, 30))
    other = said(portal, thread, proxy(RUTH, ANNA), sendAt=_in(portal, 30))
    with portal.listen(MESSAGES) as heard:
        _told_of_grant(portal, "prx-50000004", 3, "inactive", "ended")
        # Of one key events come in order: when this one has its effect, the one before had all of its.
        _told_of_grant(portal, "prx-50000004", 4, "inactive", "ended", proxyId=ANNA)
        assert _reasons(heard, other["id"], until="proxy-revoked") == ["proxy-revoked"]
        portal.advance(SERVICE, "PT31M")
        assert _reasons(heard, message["id"], until="sent") == ["sent"]


def test_restricted_threads_are_hidden_from_proxies_with_all_that_is_in_them(portal: Portal) -> None:
    hidden, plain = begun(portal, CHLOE, confidentiality="R"), begun(portal, CHLOE)
    by, own = proxy(CHLOE, "rel-5s1f8g3j2k"), patient(CHLOE)
    file = attached(portal, hidden, own, PNG).json()
    message = said(portal, hidden, own, attachmentIds=[file["id"]])
    assert {message["confidentiality"], file["confidentiality"]} == {"R"}
    before = portal.get(SERVICE, f"/patients/{CHLOE}/messages", by)["total"]
    said(portal, plain, own)
    for path in (f"/threads/{hidden}", f"/messages/{message['id']}", f"/attachments/{file['id']}"):
        assert portal.call(SERVICE, "GET", path, by).status_code == 404
        assert portal.call(SERVICE, "GET", path, own).status_code == 200
    for refused in (
        say(portal, hidden, by),
        attached(portal, hidden, by, PNG),
        _close(portal, hidden, by),
        _read(portal, message["id"], by),
    ):
        assert refused.status_code == 404
    threads = portal.get(SERVICE, f"/patients/{CHLOE}/threads", by)
    assert hidden not in [each["id"] for each in threads["items"]]
    assert threads["total"] == portal.get(SERVICE, f"/patients/{CHLOE}/threads", own)["total"] - 1
    assert portal.get(SERVICE, f"/patients/{CHLOE}/messages", by)["total"] == before + 1
    body = {"patientId": CHLOE, "subject": "x", "topic": "question", "confidentiality": "R"}
    assert portal.make(SERVICE, "/threads", by, body).status_code == 422


def test_events_say_that_something_was_written_and_not_what(portal: Portal) -> None:
    with portal.listen(THREADS, MESSAGES) as heard:
        thread = begun(portal)
        message = said(portal, thread, patient(ESTHER))
        _reasons(heard, message["id"], until="sent")
        heard.wait_for(lambda each: each.key == thread and each.json()["reason"] == "asked", 10.0)
    texts = [(each.value or b"").decode() for each in heard.records]
    assert len(texts) == 3
    assert not any(word in text for text in texts for word in ("Well", "A question"))


def test_messages_follow_a_merge_and_so_do_those_who_wrote_them(portal: Portal) -> None:
    thread = begun(portal, ESTHER)
    message = said(portal, thread, patient(ESTHER))
    file = attached(portal, thread, patient(ESTHER), PNG).json()
    for_ben = said(portal, begun(portal, BEN), proxy(BEN, ESTHER), sendAt=_in(portal, 30))
    merge = portal.post("patient-profile", f"/patients/{ESTHER}/merge", STAFF, {"into": AMARA}, If_Match="*")
    assert merge.status_code == 200
    eventually(lambda: portal.get(SERVICE, f"/patients/{ESTHER}/threads")["total"] == 0 or None)
    assert _shown(portal, thread, patient(AMARA))["patientId"] == AMARA
    moved = _message(portal, message["id"], patient(AMARA))
    assert moved["sender"] == {"role": "patient", "id": AMARA}
    assert portal.call(SERVICE, "GET", f"/attachments/{file['id']}", patient(AMARA)).content == PNG
    assert portal.call(SERVICE, "GET", f"/attachments/{file['id']}", patient(ESTHER)).status_code == 404
    assert _message(portal, for_ben["id"])["sender"] == {"role": "proxy", "id": AMARA, "onBehalfOf": BEN}


def test_the_people_are_in_their_situations(portal: Portal) -> None:
    """Yara waits too long, what Ruth's nephew had queued did not go out, Imani's mother writes for her."""
    (forgotten,) = portal.get(SERVICE, "/threads?overdue=true")["items"]
    assert forgotten["patientId"] == YARA
    (queued,) = portal.get(SERVICE, f"/patients/{RUTH}/messages?status=not-done")["items"]
    assert (queued["sender"]["id"], queued["statusReason"], "body" in queued) == (
        NEPHEW, "proxy-revoked", False,
    )  # fmt: skip
    (mothers,) = portal.get(SERVICE, "/patients/pat-0a5k3r8w2m/messages")["items"]
    assert mothers["sender"] == {"role": "proxy", "id": AMARA, "onBehalfOf": "pat-0a5k3r8w2m"}
