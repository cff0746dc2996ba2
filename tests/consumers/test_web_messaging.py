"""portal-web relies on messaging: what was said, what waits, and files that a browser does not show."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pact import match
from pact.interaction import HttpInteraction

from tests.consumers.agreement import Agreement, Interaction
from tests.consumers.portal_messages import PortalMessages, Said
from tests.consumers.portal_web import Refused
from tests.consumers.wording import AMARA, JSON_TYPE, KEY, id_like, one_of, text_like, time_like

AGREEMENT = Agreement[HttpInteraction, PortalMessages]("portal-web", "messaging", "HTTP")

THREAD, CLOSED, FRESH = "thr-41000001", "thr-41000008", "thr-41000021"
MESSAGE, UNREAD, READ, FILE = "msg-42000002", "msg-42000003", "msg-42000004", "att-43000001"
PROBLEM = "application/problem+json"

Use = Callable[[PortalMessages], None]


@AGREEMENT("the threads, and whether anybody answers")
def threads(wanted: HttpInteraction) -> Use:
    told = {"id": id_like(THREAD), "overdue": match.bool(False)}
    (
        wanted.given("Thread exists", {"id": THREAD, "patientId": AMARA, "status": "in-progress"})
        .with_request("GET", f"/v1/patients/{AMARA}/threads")
        .will_respond_with(200)
        .with_body({"items": match.each_like(told), "total": match.int(1)}, JSON_TYPE)
    )

    def use(portal: PortalMessages) -> None:
        assert portal.threads() == {THREAD: False}

    return use


@AGREEMENT("a thread is begun")
def begun(wanted: HttpInteraction) -> Use:
    (
        wanted.with_request("POST", "/v1/threads")
        .with_header("Idempotency-Key", KEY)
        .with_body({"patientId": AMARA, "subject": "My tablets", "topic": "medication"}, JSON_TYPE)
        .will_respond_with(201)
        .with_body({"id": id_like(FRESH)}, JSON_TYPE)
    )

    def use(portal: PortalMessages) -> None:
        assert portal.begin("My tablets", "medication") == FRESH

    return use


@AGREEMENT("a message is sent")
def sent(wanted: HttpInteraction) -> Use:
    (
        wanted.given("Thread exists", {"id": THREAD, "patientId": AMARA, "status": "in-progress"})
        .with_request("POST", f"/v1/threads/{THREAD}/messages")
        .with_header("Idempotency-Key", KEY)
        .with_body({"body": "Thank you."}, JSON_TYPE)
        .will_respond_with(201)
        .with_body({"id": id_like("msg-42000022"), "status": "in-progress"}, JSON_TYPE)
    )

    def use(portal: PortalMessages) -> None:
        assert portal.say(THREAD, "Thank you.") == "in-progress"

    return use


@AGREEMENT("what was said in a thread, and by whom")
def said(wanted: HttpInteraction) -> Use:
    sender = {"role": one_of("clinician", "patient", "proxy", "staff")}
    told = {"id": id_like(MESSAGE), "sender": sender, "body": text_like("Yes, with food, but not with milk.")}
    state: dict[str, object] = {
        "id": MESSAGE, "patientId": AMARA, "threadId": THREAD, "status": "completed",
        "sender": {"role": "clinician", "id": "prv-70000001"}, "recipient": "patient",
    }  # fmt: skip
    (
        wanted.given("Message exists", state)
        .with_request("GET", f"/v1/patients/{AMARA}/messages")
        .with_query_parameter("threadId", THREAD)
        .will_respond_with(200)
        .with_body({"items": match.each_like(told), "total": match.int(1)}, JSON_TYPE)
    )

    def use(portal: PortalMessages) -> None:
        assert portal.said(THREAD) == [Said(MESSAGE, "clinician", "Yes, with food, but not with milk.")]

    return use


@AGREEMENT("the patient has read a message")
def read(wanted: HttpInteraction) -> Use:
    state: dict[str, object] = {
        "id": UNREAD, "patientId": AMARA, "status": "in-progress", "recipient": "patient",
    }  # fmt: skip
    (
        wanted.given("Message exists", state)
        .with_request("POST", f"/v1/messages/{UNREAD}/read")
        .will_respond_with(200)
        .with_body({"id": UNREAD, "readAt": time_like("2031-02-20T08:00:00Z")}, JSON_TYPE)
    )

    def use(portal: PortalMessages) -> None:
        assert portal.mark_read(UNREAD) == "2031-02-20T08:00:00Z"

    return use


@AGREEMENT("the message was read before")
def read_before(wanted: HttpInteraction) -> Use:
    state: dict[str, object] = {
        "id": READ, "patientId": AMARA, "status": "completed", "recipient": "patient",
    }  # fmt: skip
    (
        wanted.given("Message exists", state)
        .with_request("POST", f"/v1/messages/{READ}/read")
        .will_respond_with(409)
        .with_body({"status": 409, "title": text_like("Conflict")}, PROBLEM)
    )

    def use(portal: PortalMessages) -> None:
        with pytest.raises(Refused) as caught:
            portal.mark_read(READ)
        assert caught.value.status == 409

    return use


@AGREEMENT("the thread is closed")
def closed(wanted: HttpInteraction) -> Use:
    (
        wanted.given("Thread exists", {"id": CLOSED, "patientId": AMARA, "status": "completed"})
        .with_request("POST", f"/v1/threads/{CLOSED}/messages")
        .with_header("Idempotency-Key", KEY)
        .with_body({"body": "One more thing."}, JSON_TYPE)
        .will_respond_with(409)
        .with_body({"status": 409, "title": text_like("Conflict")}, PROBLEM)
    )

    def use(portal: PortalMessages) -> None:
        with pytest.raises(Refused) as caught:
            portal.say(CLOSED, "One more thing.")
        assert caught.value.status == 409

    return use


@AGREEMENT("a file is saved, not shown")
def saved(wanted: HttpInteraction) -> Use:
    state: dict[str, object] = {"id": FILE, "patientId": AMARA, "contentType": "application/pdf"}
    (
        wanted.given("Attachment exists", state)
        .with_request("GET", f"/v1/attachments/{FILE}")
        .with_header("Accept", "application/pdf")
        .will_respond_with(200)
        .with_header("X-Content-Type-Options", "nosniff")
        .with_header("Content-Disposition", f'attachment; filename="{FILE}.pdf"')
    )

    def use(portal: PortalMessages) -> None:
        assert portal.saved_as(FILE, "application/pdf") == f"{FILE}.pdf"

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_the_web_client_understands_messages(
    interaction: Interaction[HttpInteraction, PortalMessages],
) -> None:
    interaction.tried(lambda url: PortalMessages(url, AMARA, "of-the-test"))
